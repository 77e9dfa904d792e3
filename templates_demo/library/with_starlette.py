"""The library with Starlette."""

from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from templates_demo.library.views import ROUTES, Library, Page, Redirect, Request, View, missing, prepare
from tmplmon import Environment, FileSystemLoader, select_autoescape
from tmplmon.integrations.coverage import ASGICoverage
from tmplmon.integrations.development import ASGIDevelopment
from tmplmon.integrations.starlette import TmplmonTemplates

HERE = Path(__file__).parent


def make(library: Library, debug: bool = False) -> Starlette:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape(), source_map=debug
    )
    prepare(environment)
    environment.globals["served_by"] = "Starlette"
    library.environment = environment
    templates = TmplmonTemplates(env=environment)
    routes: list[Any] = [Mount("/static", StaticFiles(directory=HERE / "static"))]
    for name, (address, view) in ROUTES.items():
        path = "/" + address.replace("{number}", "{number:int}")
        routes.append(Route(path, _view(library, templates, name, view), name=name, methods=["GET", "POST"]))
    middleware = []
    if library.live is not None:
        routes.append(Route("/run", ASGICoverage(library.live, environment)))
    if debug:
        editor = "vscode://file/{file}:{line}"
        middleware = [Middleware(ASGIDevelopment, environment, coverage=library.live, editor=editor)]

    async def not_found(request: Any, error: Any) -> Any:
        return _response(templates, request, "", missing())

    return Starlette(routes=routes, middleware=middleware, exception_handlers={404: not_found})


def _view(library: Library, templates: TmplmonTemplates, name: str, view: View) -> Any:
    async def answer(request: Any) -> Any:
        form: Any = await _form(request) if request.method == "POST" else None
        library_request = Request(request.query_params, form, request.path_params.get("number", 0))
        return _response(templates, request, name, view(library, library_request))

    return answer


async def _form(request: Any) -> dict[str, str]:
    from urllib.parse import parse_qsl

    if request.headers.get("content-type") != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    return dict(parse_qsl((await request.body()).decode()))


def _response(templates: TmplmonTemplates, request: Any, name: str, answer: Page | Redirect) -> Any:
    if isinstance(answer, Redirect):
        return RedirectResponse(request.url_for(answer.view, **answer.values), 303)
    names = {"view": name, **answer.names}
    return templates.TemplateResponse(request, answer.template, names, answer.status, media_type=answer.type)
