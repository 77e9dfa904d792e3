"""Pages of plain WSGI and ASGI applications, called directly, and by gunicorn and uvicorn."""

import asyncio
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import httpx
import pytest

from tests.integrations.conftest import GUNICORN, UVICORN
from tmplmon import DictLoader, Environment, Template
from tmplmon.integrations import asgi, wsgi

SOURCE = "{% for n in numbers %}{{ 1 // n }};{% endfor %}"


def template(source: str = SOURCE, **options: Any) -> Template:
    return Environment(loader=DictLoader({"page.html": source}), **options).get_template("page.html")


def called_as_wsgi(template: Template, **arguments: Any) -> tuple[str, dict[str, str], Any]:
    """The status, the headers and the body, which has not been read."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def application(environ: Any, start_response: Any) -> Any:
        return wsgi.respond(start_response, template, **arguments)

    environ = {
        "REQUEST_METHOD": "GET",
        "SERVER_NAME": "x",
        "SERVER_PORT": "80",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started.append((status, headers))
        return lambda data: None

    body = validator(application)(environ, start_response)
    ((status, headers),) = started
    return status, dict(headers), body


def test_wsgi_a_short_page_has_a_length() -> None:
    arguments = {"context": {"x": "é"}, "status": "404 Not Found", "headers": [("X-Own", "1")]}
    status, headers, body = called_as_wsgi(template("{{ x }}"), **arguments)
    assert status == "404 Not Found"
    assert headers == {"Content-Type": "text/html; charset=utf-8", "Content-Length": "2", "X-Own": "1"}
    assert b"".join(body) == "é".encode()
    body.close()


def test_wsgi_an_empty_page() -> None:
    _, headers, body = called_as_wsgi(template(""))
    assert headers["Content-Length"] == "0" and b"".join(body) == b""
    body.close()


def test_wsgi_a_long_page_is_rendered_as_it_is_read() -> None:
    rendered: list[int] = []

    def numbers() -> Any:
        for n in range(1, 1000):
            rendered.append(n)
            yield n

    _, headers, body = called_as_wsgi(template(), context={"numbers": numbers()}, size=100)
    assert "Content-Length" not in headers
    assert len(rendered) < 200
    pieces = list(body)
    assert len(pieces) > 10 and b"".join(pieces) == b"1;" + b"0;" * 998 and len(rendered) == 999
    body.close()


def test_wsgi_an_error_at_the_start_propagates() -> None:
    def start_response(*_: Any) -> None:
        raise AssertionError("nothing may be sent")

    with pytest.raises(ZeroDivisionError):
        wsgi.respond(start_response, template(), {"numbers": [0]})
    _, _, body = called_as_wsgi(template(), context={"numbers": [1, 1, 1, 0]}, size=2)
    with pytest.raises(ZeroDivisionError):
        list(body)
    body.close()


def called_as_asgi(template: Template, **arguments: Any) -> list[Any]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(asgi.respond(send, template, **arguments))
    return sent


@pytest.mark.parametrize("asynchronous", [False, True])
def test_asgi(asynchronous: bool) -> None:
    start, body = called_as_asgi(
        template("{{ x }}", enable_async=asynchronous), context={"x": "é"}, status=404
    )
    assert start["status"] == 404
    assert start["headers"] == [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", b"2")]
    assert body["body"] == "é".encode() and not body["more_body"]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_asgi_a_page_waits_for_the_server(asynchronous: bool) -> None:
    rendered: list[int] = []
    taken: list[int] = []

    def numbers() -> Any:
        for n in range(1, 1000):
            rendered.append(n)
            yield n

    async def send(message: Any) -> None:
        taken.append(len(message.get("body", b"")))
        # The rendering is at most two chunks ahead of the server; 50 rounds are one chunk.
        assert len(rendered) <= (sum(taken) + 2 * 100) // 2 + 2

    page = template(enable_async=asynchronous)
    asyncio.run(asgi.respond(send, page, {"numbers": numbers()}, size=100))
    assert sum(taken) == 2 * 999 and len(taken) > 10


@pytest.mark.parametrize("asynchronous", [False, True])
def test_asgi_an_error_at_the_start_propagates(asynchronous: bool) -> None:
    async def send(message: Any) -> None:
        raise AssertionError("nothing may be sent")

    with pytest.raises(ZeroDivisionError):
        asyncio.run(asgi.respond(send, template(enable_async=asynchronous), {"numbers": [0]}))


def test_asgi_a_disconnected_client_ends_the_page() -> None:
    rendered: list[int] = []

    def numbers() -> Any:
        for n in range(1, 1000):
            rendered.append(n)
            yield n

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        asyncio.run(asgi.respond(send, template(), {"numbers": numbers()}, size=100))
    assert len(rendered) < 200


WSGI = """
from tmplmon import Environment, FileSystemLoader
from tmplmon.integrations.wsgi import respond

environment = Environment(loader=FileSystemLoader("templates"))

def application(environ, start_response):
    return respond(start_response, environment.get_template("long.html"), {"numbers": range(2000)})
"""

ASGI = """
from tmplmon import Environment, FileSystemLoader
from tmplmon.integrations.asgi import respond

environment = Environment(loader=FileSystemLoader("templates"))

async def application(scope, receive, send):
    if scope["type"] == "http":
        await respond(send, environment.get_template("long.html"), {"numbers": range(2000)})
"""


@pytest.mark.parametrize("server", ["wsgi", "asgi"])
def test_with_a_server(server: str, folder: Path, serve: Callable[..., str]) -> None:
    address = serve(WSGI, *GUNICORN) if server == "wsgi" else serve(ASGI, *UVICORN, "--lifespan", "off")
    expected = "".join(f"{n} {'x' * 100}\n" for n in range(2000))
    with httpx.Client() as client:
        for _ in range(3):
            response = client.get(address)
            assert response.text == expected and response.headers["transfer-encoding"] == "chunked"
