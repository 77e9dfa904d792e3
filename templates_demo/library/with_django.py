"""The library with Django."""

from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template import engines
from django.urls import path, reverse
from django.views.static import serve

from templates_demo.library.views import ROUTES, Library, Page, Redirect, Request, View, missing, prepare
from tmplmon import Environment, select_autoescape
from tmplmon.integrations.coverage import WSGICoverage

HERE = Path(__file__).parent
urlpatterns: list[Any] = []


def environment(**options: Any) -> Environment:
    """Create the environment of the templates; the setting TEMPLATES names this function."""
    result = Environment(**options)
    prepare(result)
    result.globals["served_by"] = "Django"
    result.globals["url_for"] = lambda name, **values: reverse(name, kwargs=values)
    return result


def configuration(debug: bool = False) -> dict[str, Any]:
    """The settings."""
    engine = {
        "BACKEND": "tmplmon.integrations.django.tmplmon.Templates",
        "DIRS": [HERE / "templates"],
        "OPTIONS": {
            "environment": "templates_demo.library.with_django.environment",
            "autoescape": select_autoescape(),  # mail is plain text
            "source_map": debug,
        },
    }
    middleware = ["django.middleware.csrf.CsrfViewMiddleware"]
    if debug:
        middleware.insert(0, "tmplmon.integrations.django.development.source_maps")
    return {
        "DEBUG": debug,
        "SECRET_KEY": "of a demonstration",
        "ALLOWED_HOSTS": ["127.0.0.1", "localhost", "testserver"],
        "ROOT_URLCONF": "templates_demo.library.with_django",
        "MIDDLEWARE": middleware,
        "TEMPLATES": [engine],
        "TMPLMON_EDITOR": "vscode://file/{file}:{line}",
    }


def make(library: Library, debug: bool = False) -> WSGIHandler:
    settings.configure(**configuration(debug))
    django.setup()
    return application(library)


def application(library: Library) -> WSGIHandler:
    """Create the application; Django's settings must have been configured."""
    library.environment = engines["tmplmon"].env
    urlpatterns[:] = [path("static/<path:path>", serve, {"document_root": HERE / "static"})]
    for name, (address, view) in ROUTES.items():
        urlpatterns.append(
            path(address.replace("{number}", "<int:number>"), _view(library, name, view), name=name)
        )
    if library.live is not None:
        endpoint = WSGICoverage(library.live, library.environment)
        urlpatterns.append(path("run", lambda request: _run(endpoint, request)))
    return WSGIHandler()


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _response(request, "", missing())


def _view(library: Library, name: str, view: View) -> Any:
    def answer(request: HttpRequest, number: int = 0) -> HttpResponse:
        form = request.POST.dict() if request.method == "POST" else None
        return _response(request, name, view(library, Request(request.GET.dict(), form, number)))

    return answer


def _response(request: HttpRequest, name: str, answer: Page | Redirect) -> HttpResponse:
    if isinstance(answer, Redirect):
        return HttpResponseRedirect(reverse(answer.view, kwargs=answer.values), status=303)
    names = {"view": name, **answer.names}
    content_type = f"{answer.type}; charset=utf-8"
    return render(request, answer.template, names, content_type, answer.status)


def _run(endpoint: WSGICoverage, request: HttpRequest) -> HttpResponse:
    kind, body = endpoint.answer(request.META.get("QUERY_STRING", ""), request.headers.get("Accept", ""))
    return HttpResponse(body, content_type=kind)
