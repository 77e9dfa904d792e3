"""The Django back end, with Django's shortcuts, test client, debug page and a gunicorn process."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import TemplateDoesNotExist, TemplateSyntaxError, engines
from django.test import Client, RequestFactory, override_settings
from django.urls import path

import tmplmon
from tests.integrations.conftest import GUNICORN, configure_django
from tmplmon.integrations.django.tmplmon import Templates

BACKEND = "tmplmon.integrations.django.tmplmon.Templates"


def index(request: HttpRequest, title: str) -> HttpResponse:
    return render(request, "index.html", {"title": title, "site": "S", "items": ["<x>"]})


def form(request: HttpRequest) -> HttpResponse:
    return render(request, "form.html")


def broken(request: HttpRequest) -> HttpResponse:
    return render(request, "broken.html", {"zero": 0})


def wrong(request: HttpRequest) -> HttpResponse:
    return render(request, "wrong.html")


urlpatterns = [
    path("page/<title>/", index, name="page"),
    path("form/", form),
    path("broken/", broken),
    path("wrong/", wrong),
]


def processor(request: HttpRequest) -> dict[str, Any]:
    return {"shown": f"{request.path}!"}


@pytest.fixture(scope="module", autouse=True)
def configured() -> None:
    configure_django()


@pytest.fixture
def engine(folder: Path) -> Iterator[Templates]:
    with with_options(folder) as made:
        yield made


class with_options:
    """The template engine of a project with these OPTIONS and settings."""

    def __init__(self, folder: Path, options: dict[str, Any] | None = None, **settings: Any) -> None:
        engine = {"BACKEND": BACKEND, "DIRS": [folder], "OPTIONS": options or {}}
        own = {"ROOT_URLCONF": __name__, "MIDDLEWARE": ["django.middleware.csrf.CsrfViewMiddleware"]}
        self.override = override_settings(**{**own, "TEMPLATES": [engine], **settings})

    def __enter__(self) -> Templates:
        self.override.enable()
        return engines["tmplmon"]

    def __exit__(self, *_: Any) -> None:
        self.override.disable()


def text(engine: Templates, source: str, request: Any = None, **names: Any) -> str:
    return engine.from_string(source).render(names, request)


def test_a_page(engine: Templates) -> None:
    response = Client().get("/page/A&B/")
    assert response.status_code == 200
    assert response.text.strip() == "<title>A&amp;B</title>\n<nav>S</nav>\n<li>&lt;x&gt;</li>"


def test_globals(engine: Templates) -> None:
    assert text(engine, "{{ static('a b.css') }} {{ url('page', 'x') }} {{ url('page', title='y') }}") == (
        "/static/a%20b.css /page/x/ /page/y/"
    )


def test_request_and_csrf(engine: Templates, folder: Path) -> None:
    request = RequestFactory().get("/form/")
    assert text(engine, "{{ request.path }}", request) == "/form/"
    (folder / "form.html").write_text("<form>{{ csrf_input }}</form>{{ csrf_token }}")
    response = Client().get("/form/")
    token = response.text.rpartition(">")[2]
    assert response.text.startswith('<form><input type="hidden" name="csrfmiddlewaretoken" value="')
    client = Client(enforce_csrf_checks=True)
    client.cookies = response.cookies
    assert client.post("/form/").status_code == 403
    assert client.post("/form/", {"csrfmiddlewaretoken": token}).status_code == 200


def test_context_processors_receive_the_request(folder: Path) -> None:
    with with_options(folder, {"context_processors": [f"{__name__}.processor"]}) as engine:
        assert text(engine, "{{ shown }}", RequestFactory().get("/a/")) == "/a/!"
        assert text(engine, "{{ shown }}") == ""


def test_markup_of_django_is_not_escaped_again(engine: Templates) -> None:
    from django.utils.html import format_html

    assert text(engine, "{{ link }}", link=format_html("<b>{}</b>", "<")) == "<b>&lt;</b>"
    assert hasattr(text(engine, "<p>"), "__html__")


def test_together_with_djangos_own_language(folder: Path) -> None:
    own = {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [folder]}
    with with_options(folder, TEMPLATES=[{"BACKEND": BACKEND, "DIRS": [folder]}, own]):
        assert engines["django"].from_string("{% now 'Y' %}").render() and engines["tmplmon"]
        assert Client().get("/page/x/").text.startswith("<title>x</title>")


def test_options(folder: Path) -> None:
    options = {"environment": f"{__name__}.own_environment", "trim_blocks": True}
    with with_options(folder, options) as engine:
        assert engine.env.trim_blocks and text(engine, "{{ own }} {{ static }}") == "1 mine"
    with with_options(folder, {"autoescape": False}) as engine:
        assert text(engine, "{{ x }}", x="<") == "<"


def own_environment(**options: Any) -> tmplmon.Environment:
    environment = tmplmon.Environment(**options)
    environment.globals.update(own=1, static="mine")
    return environment


def test_app_dirs(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("jinja2", "pages"):
        (tmp_path / "someapp" / name).mkdir(parents=True)
        (tmp_path / "someapp" / name / "own.html").write_text(f"in {name}")
    (tmp_path / "someapp/__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    from django.template.utils import get_app_template_dirs

    for options, expected in (({}, "in jinja2"), ({"app_dirname": "pages"}, "in pages")):
        get_app_template_dirs.cache_clear()
        engine = {"BACKEND": BACKEND, "DIRS": [folder], "APP_DIRS": True, "OPTIONS": options}
        with override_settings(INSTALLED_APPS=["someapp"], TEMPLATES=[engine]):
            assert engines["tmplmon"].get_template("own.html").render() == expected
    get_app_template_dirs.cache_clear()


def test_missing_templates(engine: Templates) -> None:
    with pytest.raises(TemplateDoesNotExist) as caught:
        engine.get_template("no.html")
    assert caught.value.args == ("no.html",) and caught.value.backend is engine
    with pytest.raises(TemplateDoesNotExist) as caught:
        text(engine, "{% include 'no.html' %}")
    assert caught.value.args == ("no.html",)


def test_syntax_errors_show_the_template(engine: Templates, folder: Path) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        engine.get_template("wrong.html")
    debug: Any = caught.value.template_debug  # type: ignore[attr-defined]
    assert debug["name"] == str(folder / "wrong.html") and debug["line"] == 2
    assert debug["before"] + debug["during"] + debug["after"] == "{% if %}"
    assert debug["source_lines"] == [(1, "one"), (2, "{% if %}")]


def test_errors_show_the_template(engine: Templates, folder: Path) -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        engine.get_template("broken.html").render({"zero": 0})
    debug: Any = caught.value.template_debug  # type: ignore[attr-defined]
    assert debug["name"] == str(folder / "broken.html") and debug["line"] == 2
    assert (debug["before"], debug["during"], debug["after"]) == ("{{ ", "1 // zero", " }}")
    assert debug["source_lines"] == [(1, "one"), (2, "{{ 1 // zero }}"), (3, "three")]


def test_the_debug_page(folder: Path) -> None:
    with with_options(folder, DEBUG=True):
        client = Client(raise_request_exception=False)
        page = client.get("/broken/").text
        assert f"In template <code>{folder}/broken.html</code>, error at line <strong>2</strong>" in page
        assert '<span class="specific">1 // zero</span>' in page
        page = client.get("/wrong/").text
        assert f"In template <code>{folder}/wrong.html</code>, error at line <strong>2</strong>" in page


def test_auto_reload_is_debug(folder: Path) -> None:
    for debug in (True, False):
        with with_options(folder, DEBUG=debug) as engine:
            assert engine.env.auto_reload is debug


SERVED = f"""
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.shortcuts import render
from django.urls import path

def page(request, title):
    return render(request, "index.html", {{"title": title, "items": "ab"}})

urlpatterns = [path("<title>/", page)]
settings.configure(SECRET_KEY="x", ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=[],
                   TEMPLATES=[{{"BACKEND": "{BACKEND}", "DIRS": ["templates"]}}])
application = get_wsgi_application()
"""


def test_with_gunicorn(folder: Path, serve: Callable[..., str]) -> None:
    address = serve(SERVED, *GUNICORN)
    with httpx.Client() as client:
        response = client.get(f"{address}/one/")
    assert "<title>one</title>" in response.text and "<li>a</li><li>b</li>" in response.text
