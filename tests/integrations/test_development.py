"""Source maps and error pages: the middlewares, and their use in the integrations of the frameworks."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import path
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from tests.integrations.test_django import configured, with_options
from tmplmon import Environment, FileSystemLoader
from tmplmon.integrations.development import ASGIDevelopment, WSGIDevelopment
from tmplmon.integrations.flask import Tmplmon
from tmplmon.integrations.starlette import TmplmonTemplates
from tmplmon.tools.livecoverage import LiveCoverage

__all__ = ["configured"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "templates"
    made.mkdir()
    (made / "page.html").write_text(
        "<html><body>\n<p>{{ title }}</p>\n{% include 'part.html' %}</body></html>"
    )
    (made / "part.html").write_text("<i>é</i>")
    (made / "broken.html").write_text("<html>\n{{ 1 // zero }}</html>")
    (made / "wrong.html").write_text("{% if %}")
    return made


@pytest.fixture
def environment(folder: Path) -> Environment:
    return Environment(loader=FileSystemLoader(folder), autoescape=True, source_map=True)


def map_of(text: str) -> Any:
    """The source map in a page."""
    assert '<p data-tmplmon="' in text and "<i data-tmplmon=" in text
    return json.loads(
        text.partition('<script id="tmplmon-map">')[2].partition("\n}\n)(")[2].partition(")</script>")[0]
    )


@pytest.mark.parametrize(
    ("client", "is_seen"),
    [
        *(
            ("127.0.0.1", True),
            ("127.9.9.9", True),
            ("::1", True),
            ("::ffff:127.0.0.1", True),
            ("testclient", True),
        ),
        *(("", True), (None, True), ("10.0.0.1", False), ("::2", False), ("::ffff:10.0.0.1", False)),
        *(("fe80::1%eth0", False), ("0.0.0.0", False), ("192.168.0.1", False)),
    ],
)
@pytest.mark.parametrize("forwarded", [None, "Forwarded", "X-Forwarded-For", "X-Real-IP"])
@pytest.mark.parametrize("remote", [False, True])
def test_only_clients_on_this_machine_see_pages_for_development(
    environment: Environment, client: str | None, is_seen: bool, forwarded: str | None, remote: bool
) -> None:
    is_seen = remote or (is_seen and forwarded is None)
    request = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}
    headers = []
    if client is not None:
        request["REMOTE_ADDR"] = client
    if forwarded is not None:
        request[f"HTTP_{forwarded.upper().replace('-', '_')}"] = "127.0.0.1"
        headers = [(forwarded.encode(), b"127.0.0.1")]
    application = answering(rendering(environment))
    wsgi = WSGIDevelopment(application, environment, coverage=LiveCoverage(), remote=remote)
    assert (b"tmplmon-map" in b"".join(wsgi(request, lambda *_: None))) == is_seen
    failing = WSGIDevelopment(
        answering(rendering(environment, "broken.html", zero=0)),
        environment,
        coverage=LiveCoverage(),
        remote=remote,
    )
    if is_seen:
        assert b"Where the template failed" in b"".join(failing(request, lambda *_: None))
    else:
        with pytest.raises(ZeroDivisionError):
            failing(request, lambda *_: None)

    async def page(scope: Any, receive: Any, send: Any) -> None:
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]}
        )
        await send({"type": "http.response.body", "body": rendering(environment)()[0]})

    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": headers,
        "client": None if client is None else (client, 5),
    }
    asyncio.run(ASGIDevelopment(page, environment, coverage=LiveCoverage(), remote=remote)(scope, None, send))
    assert (b"tmplmon-map" in b"".join(message.get("body", b"") for message in messages)) == is_seen


# --- WSGI --------------------------------------------------------------------------------------------------


class Wsgi:
    """An application with the middleware, and its responses."""

    def __init__(
        self, application: Any, environment: Environment, method: str = "GET", **options: Any
    ) -> None:
        self.starts: list[Any] = []
        self.closed = 0
        options.setdefault("coverage", LiveCoverage())  # an event loop that does not run
        middleware = WSGIDevelopment(application, environment, **options)
        body = middleware({"REQUEST_METHOD": method, "PATH_INFO": "/x"}, self.start_response)
        self.body = b"".join(body).decode()
        if hasattr(body, "close"):
            body.close()
        ((self.status, self.headers),) = self.starts

    def start_response(self, status: str, headers: Any, exc_info: Any = None) -> None:
        self.starts.append((status, dict(headers)))


HTML = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("ETag", '"1"'),
    ("Content-Length", "5"),
    ("X-Own", "1"),
]


def answering(make: Callable[[], Any], headers: Any = HTML) -> Any:
    def application(environ: Any, start_response: Any) -> Any:
        body = make()
        start_response("200 OK", headers)
        return body

    return application


def rendering(environment: Environment, name: str = "page.html", **names: Any) -> Callable[[], Any]:
    return lambda: [environment.get_template(name).render(title="T", **names).encode()]


def test_wsgi_a_page_gets_its_map(environment: Environment) -> None:
    answer = Wsgi(answering(rendering(environment)), environment, editor="edit://{file}")
    data = map_of(answer.body)
    assert [template["name"] for template in data["templates"]] == ["page.html", "part.html"]
    assert data["editor"] == "edit://{file}"
    length = str(len(answer.body.encode()))
    assert answer.headers == {"Content-Type": HTML[0][1], "X-Own": "1", "Content-Length": length}


def test_wsgi_text_around_a_page_is_kept(environment: Environment) -> None:
    def make() -> Any:
        page = environment.get_template("page.html").render(title="T").encode()
        yield b"<!-- before -->"
        yield page
        yield b"<!-- after \xff -->"

    # A generator renders its page when the first chunk is requested.
    def application(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", HTML)
        environment.get_template("page.html").render(title="T")
        yield from make()

    middleware = WSGIDevelopment(application, environment, coverage=LiveCoverage())
    body = b"".join(middleware({"REQUEST_METHOD": "GET"}, lambda *_: None))
    assert body.startswith(b"<!-- before --><html data-tmplmon") and body.endswith(b"<!-- after \xff -->")


@pytest.mark.parametrize(
    "headers",
    [
        [("Content-Type", "application/json")],
        [("Content-Type", "text/html; charset=latin-1")],
        [("Content-Type", "text/html"), ("Content-Encoding", "gzip")],
        [],
    ],
)
def test_wsgi_other_content_is_not_changed(environment: Environment, headers: Any) -> None:
    plain = environment.get_template("page.html").render(title="T")
    answer = Wsgi(answering(rendering(environment), headers), environment)
    assert answer.body == plain and answer.headers == dict(headers)


def test_wsgi_other_pages_are_not_changed(environment: Environment) -> None:
    def make() -> Any:
        environment.get_template("page.html").render(title="T")
        return [b"<html><body>another</body></html>"]

    answer = Wsgi(answering(make), environment)
    assert answer.body == "<html><body>another</body></html>" and answer.headers == dict(HTML)
    answer = Wsgi(answering(lambda: [b""]), environment, method="HEAD")
    assert answer.body == "" and answer.headers == dict(HTML)


def test_wsgi_a_stream_is_not_delayed(environment: Environment) -> None:
    made: list[int] = []
    closed: list[bool] = []

    class Stream:
        def __iter__(self) -> Any:
            for n in range(3):
                made.append(n)
                yield b"%d" % n

        def close(self) -> None:
            closed.append(True)

    middleware = WSGIDevelopment(answering(Stream), environment, coverage=LiveCoverage())
    body = middleware({"REQUEST_METHOD": "GET"}, lambda *_: None)
    chunks = iter(body)
    assert next(chunks) == b"0" and made == [0]
    assert list(chunks) == [b"1", b"2"] and closed == []
    body.close()  # type: ignore[attr-defined]
    assert closed == [True]


def test_wsgi_a_page_that_is_streamed_gets_its_map(environment: Environment) -> None:
    """The stream is not delayed: the template has rendered only the requested chunks."""
    made: list[int] = []

    def rows() -> Any:
        for n in range(3):
            made.append(n)
            yield n

    template = environment.from_string(
        "<body><p></p>{% include 'part.html' %}{% for n in rows %}<b>{{ n }}</b>{% endfor %}</body>"
    )
    stream = answering(lambda: (piece.encode() for piece in template.generate(rows=rows())))
    starts: list[Any] = []
    middleware = WSGIDevelopment(stream, environment, coverage=LiveCoverage())
    chunks = iter(middleware({"REQUEST_METHOD": "GET"}, lambda *start: starts.append(start)))
    body = b""
    while b"<b " not in body:
        body += next(chunks)
    assert made == [0]
    body += b"".join(chunks)
    assert len(map_of(body.decode())["elements"]) == 6
    assert starts == [("200 OK", [HTML[0], HTML[3]])]


@pytest.mark.parametrize("name", ["broken.html", "wrong.html"])
def test_wsgi_a_template_that_fails_is_shown(environment: Environment, folder: Path, name: str) -> None:
    answer = Wsgi(answering(rendering(environment, name, zero=0)), environment)
    assert answer.status == "500 Internal Server Error"
    assert str(folder / name) in answer.body and "GET /x" in answer.body
    assert answer.headers["Content-Length"] == str(len(answer.body.encode()))
    with pytest.raises(Exception, match=r"."):
        Wsgi(answering(rendering(environment, name, zero=0)), environment, errors=False)


def test_wsgi_other_exceptions_propagate(environment: Environment) -> None:
    with pytest.raises(KeyError):
        Wsgi(answering(lambda: {}["x"]), environment)


def test_coverage_is_recorded_where_there_are_maps(environment: Environment) -> None:
    middleware = WSGIDevelopment(answering(rendering(environment)), environment)
    assert middleware.coverage is not None
    try:
        for _ in range(2):  # the lines that are compiled in the first run in both
            body = b"".join(middleware({"REQUEST_METHOD": "GET"}, lambda *_: None)).decode()
        assert map_of(body)["templates"][0]["run"] == [1, 2, 3]
    finally:
        middleware.coverage.stop()
    assert WSGIDevelopment(answering(list), Environment()).coverage is None


# --- ASGI, with Starlette ----------------------------------------------------------------------------------


def starlette(templates: TmplmonTemplates, view: Any, **client: Any) -> TestClient:
    middleware = Middleware(ASGIDevelopment, environment=templates.env, coverage=LiveCoverage())
    app = Starlette(routes=[Route("/x", view)], middleware=[middleware])
    return TestClient(app, **client)


def test_asgi(environment: Environment) -> None:
    templates = TmplmonTemplates(env=environment)

    async def page(request: Any) -> Any:
        return templates.TemplateResponse(request, "page.html", {"title": "T"})

    def in_a_thread(request: Any) -> Any:
        return templates.TemplateResponse(request, "page.html", {"title": "T"})

    for view in (page, in_a_thread):
        response = starlette(templates, view).get("/x")
        assert len(map_of(response.text)["templates"]) == 2
        assert response.headers["content-length"] == str(len(response.content))
        # A HEAD request has no map. Its length is that of the page.
        head = starlette(templates, view).head("/x")
        assert int(head.headers["content-length"]) < len(response.content)


def test_asgi_asynchronous_templates(folder: Path) -> None:
    environment = Environment(loader=FileSystemLoader(folder), source_map=True, enable_async=True)
    templates = TmplmonTemplates(env=environment)

    async def page(request: Any) -> Any:
        return templates.TemplateResponse(request, "page.html", {"title": "T"})

    # The page is rendered when the response starts, so it is known then.
    assert map_of(starlette(templates, page).get("/x").text)


@pytest.mark.parametrize("enable_async", [False, True])
def test_asgi_a_page_that_is_streamed_gets_its_map(folder: Path, enable_async: bool) -> None:
    options: dict[str, Any] = {"source_map": True, "enable_async": enable_async}
    templates = TmplmonTemplates(env=Environment(loader=FileSystemLoader(folder), **options))

    async def page(request: Any) -> Any:
        return templates.StreamingResponse(request, "page.html", {"title": "T"}, size=5)

    assert len(map_of(starlette(templates, page).get("/x").text)["templates"]) == 2


def test_asgi_a_response_without_a_body(environment: Environment) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["path"] == "/file":
            await send({"type": "http.response.pathsend", "path": "/x"})

    for address, kinds in (("/file", ["start", "pathsend"]), ("/nothing", ["start"])):
        sent: list[str] = []

        async def send(message: Any, sent: list[str] = sent) -> None:
            sent.append(message["type"].rpartition(".")[2])

        middleware = ASGIDevelopment(application, environment, coverage=LiveCoverage())
        asyncio.run(middleware({"type": "http", "method": "GET", "path": address}, None, send))
        assert sent == kinds


def test_asgi_other_responses(environment: Environment) -> None:
    templates = TmplmonTemplates(env=environment)
    plain = environment.get_template("page.html").render(title="T")

    async def text(request: Any) -> Any:
        return PlainTextResponse(environment.get_template("page.html").render(title="T"))

    async def other(request: Any) -> Any:
        environment.get_template("page.html").render(title="T")
        return HTMLResponse("<html><body></body></html>")

    async def stream(request: Any) -> Any:
        async def pieces() -> Any:
            for piece in environment.get_template("page.html").generate(title="T"):
                yield piece

        return StreamingResponse(pieces(), media_type="text/html")

    assert starlette(templates, text).get("/x").text == plain
    assert starlette(templates, other).get("/x").text == "<html><body></body></html>"
    response = starlette(templates, stream).get("/x")
    assert len(map_of(response.text)["templates"]) == 2 and "content-length" not in response.headers


def test_asgi_a_template_that_fails_is_shown(environment: Environment, folder: Path) -> None:
    templates = TmplmonTemplates(env=environment)

    async def broken(request: Any) -> Any:
        return templates.TemplateResponse(request, "broken.html", {"zero": 0})

    async def late(request: Any) -> Any:
        async def pieces() -> Any:
            yield "begun"
            yield environment.get_template("broken.html").render(zero=0)

        return StreamingResponse(pieces(), media_type="text/html")

    async def other(request: Any) -> Any:
        raise KeyError("x")

    response = starlette(templates, broken).get("/x")
    assert (
        response.status_code == 500 and f"{folder}/broken.html" in response.text and "GET /x" in response.text
    )
    for view, error in ((late, ZeroDivisionError), (other, KeyError)):
        with pytest.raises((error, ExceptionGroup)):
            starlette(templates, view).get("/x")


def test_asgi_only_http(environment: Environment) -> None:
    seen: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["type"], receive, send))

    middleware = ASGIDevelopment(application, environment, coverage=LiveCoverage())
    asyncio.run(middleware({"type": "lifespan"}, 1, 2))  # type: ignore[arg-type]
    assert seen == [("lifespan", 1, 2)]


# --- Flask -------------------------------------------------------------------------------------------------


def flask_app(folder: Path, **config: Any) -> flask.Flask:
    app = flask.Flask(__name__, template_folder=str(folder))
    app.config.update(config)
    app.debug = True
    Tmplmon(app)
    app.add_url_rule(
        "/<name>", view_func=lambda name: flask.render_template(name, title="T", zero=0), endpoint="page"
    )
    return app


def test_flask_in_debug_mode(folder: Path) -> None:
    app = flask_app(folder, TMPLMON_SOURCE_MAP=True, TMPLMON_EDITOR="edit://{file}:{line}")
    client = app.test_client()
    data = map_of(client.get("/page.html").text)
    assert data["editor"] == "edit://{file}:{line}" and data["templates"][1]["name"] == "part.html"
    response = client.get("/broken.html")
    assert response.status_code == 500 and f"{folder}/broken.html" in response.text
    development: Any = app.wsgi_app
    development._development.coverage.stop()


def test_flask_debug_mode_may_come_last(folder: Path) -> None:
    """`app.run(debug=True)` does this after the environment has been created."""
    app = flask.Flask(__name__, template_folder=str(folder))
    Tmplmon(app)
    app.add_template_filter(str.upper, "loud")
    app.add_url_rule("/", view_func=lambda: flask.render_template("page.html", title="T"), endpoint="page")
    app.debug = True
    app.config["TMPLMON_SOURCE_MAP"] = True
    assert map_of(app.test_client().get("/").text)
    assert app.jinja_env.filters["loud"]("a") == "A"
    development: Any = app.wsgi_app
    development._development.coverage.stop()


def test_flask_streams(folder: Path) -> None:
    app = flask_app(folder, TMPLMON_SOURCE_MAP=True)
    app.add_url_rule(
        "/stream", view_func=lambda: flask.stream_template("page.html", title="T"), endpoint="stream"
    )
    assert len(map_of(app.test_client().get("/stream").text)["templates"]) == 2
    development: Any = app.wsgi_app
    development._development.coverage.stop()


def test_flask_without_maps_or_error_pages(folder: Path) -> None:
    client = flask_app(folder, TMPLMON_ERROR_PAGE=False).test_client()
    assert client.get("/page.html").text.startswith("<html><body>\n<p>T</p>")
    with pytest.raises(ZeroDivisionError):
        client.get("/broken.html")


@pytest.mark.parametrize("mode", ["testing", "production"])
def test_flask_elsewhere(folder: Path, mode: str) -> None:
    app = flask_app(folder)
    app.testing = mode == "testing"
    app.debug = mode == "testing"
    if mode == "testing":
        with pytest.raises(ZeroDivisionError):
            app.test_client().get("/broken.html")
    else:
        response = app.test_client().get("/broken.html")
        assert response.status_code == 500 and "broken.html" not in response.text


# --- Django ------------------------------------------------------------------------------------------------


def page(request: Any, name: str) -> Any:
    from django.shortcuts import render

    return (
        HttpResponse(b"x", content_type="text/plain")
        if name == "x"
        else render(request, name, {"title": "T"})
    )


def stream(request: Any) -> Any:
    from django.template import engines

    return StreamingHttpResponse(engines["tmplmon"].env.get_template("page.html").generate(title="T"))


urlpatterns = [path("stream/", stream), path("<name>/", page)]
MIDDLEWARE = ["tmplmon.integrations.django.development.source_maps"]


def test_django(folder: Path) -> None:
    options = {"source_map": True}
    with (
        with_options(
            folder, options, ROOT_URLCONF=__name__, MIDDLEWARE=MIDDLEWARE, TMPLMON_EDITOR="edit://{file}"
        ),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(LiveCoverage, "start", lambda self: None)
        response = Client().get("/page.html/")
        data = map_of(response.text)
        assert data["editor"] == "edit://{file}" and len(data["templates"]) == 2
        assert response["Content-Length"] == str(len(response.content))
        assert Client().get("/x/").text == "x"
        assert len(map_of(b"".join(Client().get("/stream/").streaming_content).decode())["templates"]) == 2


def test_django_without_maps(folder: Path) -> None:
    with with_options(folder, ROOT_URLCONF=__name__, MIDDLEWARE=MIDDLEWARE):
        assert Client().get("/page.html/").text.startswith("<html><body>")
