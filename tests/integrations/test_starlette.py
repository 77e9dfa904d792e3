"""`TmplmonTemplates` in Starlette and FastAPI, with their test client and a uvicorn process."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import fastapi
import httpx
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.routing import Route
from starlette.testclient import TestClient

from tests.integrations.conftest import UVICORN
from tmplmon import DictLoader, Environment, FileSystemLoader
from tmplmon.integrations.starlette import TmplmonTemplates


def client(view: Callable[..., Any]) -> TestClient:
    return TestClient(Starlette(routes=[Route("/page/{n}", view, name="page")]))


def of_source(source: str, **options: Any) -> TmplmonTemplates:
    return TmplmonTemplates(
        env=Environment(loader=DictLoader({"page.html": source}), autoescape=True, **options)
    )


def test_a_page_of_a_folder(folder: Path) -> None:
    ran: list[str] = []
    templates = TmplmonTemplates(folder, context_processors=[lambda request: {"site": request.url.path}])

    def page(request: Request) -> Any:
        return templates.TemplateResponse(
            request,
            "index.html",
            {"title": "A & B", "items": ["<x>"]},
            status_code=201,
            headers={"X-Own": "1"},
            background=BackgroundTask(ran.append, "background"),
        )

    response = client(page).get("/page/1")
    assert response.status_code == 201 and response.headers["x-own"] == "1" and ran == ["background"]
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.text.strip() == "<title>A &amp; B</title>\n<nav>/page/1</nav>\n<li>&lt;x&gt;</li>"
    # The attributes that Starlette's test client adds to a response.
    assert response.template.name == "index.html"  # type: ignore[attr-defined]
    assert response.context["items"] == ["<x>"]  # type: ignore[attr-defined]


def test_url_for_and_request() -> None:
    templates = of_source("{{ url_for('page', n=3) }} {{ request.path_params.n }}")
    shown = client(lambda request: templates.TemplateResponse(request, "page.html")).get("/page/1").text
    assert shown == "http://testserver/page/3 1"


def test_url_for_of_the_application_is_kept() -> None:
    templates = of_source("{{ url_for() }}")
    environment = templates.env
    environment.globals["url_for"] = lambda: "mine"
    again = TmplmonTemplates(env=environment)
    assert client(lambda request: again.TemplateResponse(request, "page.html")).get("/page/1").text == "mine"


def test_asynchronous_templates_await_in_the_event_loop() -> None:
    async def answer() -> str:
        return "42 é"

    async def numbers() -> AsyncIterator[int]:
        for n in (1, 2):
            yield n

    templates = of_source("{{ answer() }}{% for n in numbers() %} {{ n }}{% endfor %}", enable_async=True)
    names = {"answer": answer, "numbers": numbers}

    async def page(request: Request) -> Any:
        return templates.TemplateResponse(request, "page.html", {**names})

    async def stream(request: Request) -> Any:
        return templates.StreamingResponse(request, "page.html", {**names}, size=1)

    whole = client(page).get("/page/1")
    assert whole.text == "42 é 1 2" and whole.headers["content-length"] == str(len("42 é 1 2".encode()))
    streamed = client(stream).get("/page/1")
    assert streamed.text == "42 é 1 2" and "content-length" not in streamed.headers


def test_streaming_renders_the_page_while_it_is_sent() -> None:
    templates = of_source("{% for n in numbers %}{{ n }},{% endfor %}")
    made: list[int] = []

    def numbers() -> Any:
        for n in range(1000):
            made.append(n)
            yield n

    def page(request: Request) -> Any:
        return templates.StreamingResponse(request, "page.html", {"numbers": numbers()}, size=100)

    async def ask() -> None:
        """Request the page. Returns the amount that has been rendered when its first part arrives."""
        body = page(Request({"type": "http"})).body_iterator
        first = await anext(body)
        assert first.startswith(b"0,1,2,") and 100 <= len(first) < 110
        assert len(made) < 50

    import asyncio

    asyncio.run(ask())
    made.clear()
    response = client(page).get("/page/1")
    assert response.text == "".join(f"{n}," for n in range(1000)) and len(made) == 1000
    assert response.template.name == "page.html"  # type: ignore[attr-defined]


def test_errors_propagate(folder: Path) -> None:
    templates = TmplmonTemplates(str(folder))

    def page(request: Request) -> Any:
        return templates.TemplateResponse(request, "broken.html", {"zero": 0})

    with pytest.raises(ZeroDivisionError) as caught:
        client(page).get("/page/1")
    last = caught.traceback[-1]
    assert Path(last.path) == folder / "broken.html" and last.lineno == 1
    app = Starlette(routes=[Route("/", page)])
    assert TestClient(app, raise_server_exceptions=False).get("/").status_code == 500


def test_arguments() -> None:
    with pytest.raises(TypeError, match="either a directory or env"):
        TmplmonTemplates()
    with pytest.raises(TypeError, match="either a directory or env"):
        TmplmonTemplates("x", env=Environment())


def test_fastapi(folder: Path) -> None:
    app = fastapi.FastAPI()
    templates = TmplmonTemplates(directory=folder)

    @app.get("/items/{title}", response_class=fastapi.responses.HTMLResponse)
    def items(request: fastapi.Request, title: str) -> Any:
        return templates.TemplateResponse(
            request=request, name="index.html", context={"title": title, "items": "ab"}
        )

    shown = TestClient(app).get("/items/x").text
    assert "<title>x</title>" in shown and "<li>a</li><li>b</li>" in shown


SERVED = """
from starlette.applications import Starlette
from starlette.routing import Route
from tmplmon.integrations.starlette import TmplmonTemplates

templates = TmplmonTemplates("templates")

async def page(request):
    return templates.TemplateResponse(request, "index.html", {"title": request.path_params["title"], "items": "ab"})

async def long(request):
    return templates.StreamingResponse(request, "long.html", {"numbers": range(2000)})

application = Starlette(routes=[Route("/long", long), Route("/{title}", page)])
"""


def test_with_uvicorn(folder: Path, serve: Callable[..., str]) -> None:
    address = serve(SERVED, *UVICORN)
    environment = Environment(loader=FileSystemLoader(folder))
    with httpx.Client() as client:
        response = client.get(f"{address}/one")
        assert "<title>one</title>" in response.text and "<li>a</li><li>b</li>" in response.text
        long = client.get(f"{address}/long")
        assert long.text == environment.get_template("long.html").render(numbers=range(2000))
        assert long.headers["transfer-encoding"] == "chunked"


@pytest.mark.parametrize("method", ["TemplateResponse", "StreamingResponse"])
def test_the_removed_order_of_arguments_is_an_error(tmp_path: Path, method: str) -> None:
    (tmp_path / "page.html").write_text("page")
    templates = TmplmonTemplates(tmp_path)
    with pytest.raises(TypeError, match="the request comes first: TemplateResponse"):
        getattr(templates, method)("page.html", {"request": object()})
