"""The demonstration library with each framework: the same pages, forms and errors, and the development mode."""

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client as WSGIClient

from templates_demo.library.__main__ import application
from templates_demo.library.catalogue import Catalogue
from templates_demo.library.views import ROUTES, Library
from tests.integrations.conftest import configure_django
from tmplmon.tools.livecoverage import LiveCoverage

FRAMEWORKS = ("flask", "starlette", "django")


class Client:
    """The same client for the three applications. Forms are sent with the hidden field that Django requires."""

    def __init__(self, framework: str, app: Any) -> None:
        self.framework = framework
        if framework == "starlette":
            from starlette.testclient import TestClient

            self._client: Any = TestClient(app, follow_redirects=False)
        else:
            self._client = WSGIClient(app)

    def get(self, path: str) -> tuple[int, str]:
        response = self._client.get(path)
        return response.status_code, response.text

    def post(self, path: str, **form: str) -> tuple[int, str]:
        """Send a form from its page, as a browser does."""
        page = self.get(path)[1]
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert (token is not None) == (self.framework == "django")
        if token is not None:
            form["csrfmiddlewaretoken"] = token[1]
        response = self._client.post(path, data=form)
        return response.status_code, response.headers.get("location", response.text)


@pytest.fixture
def live() -> Iterator[LiveCoverage]:
    with LiveCoverage() as made:
        yield made


@pytest.fixture(params=FRAMEWORKS)
def client(request: pytest.FixtureRequest, live: LiveCoverage, tmp_path: Path) -> Iterator[Client]:
    name = f"file:{tmp_path}?mode=memory&cache=shared"  # a separate library
    if request.param != "django":
        yield Client(request.param, application(request.param, False, live, name))
        return
    from django.test import override_settings

    from templates_demo.library import with_django

    configure_django()
    with override_settings(**with_django.configuration()):
        yield Client(request.param, with_django.application(Library(Catalogue(name), live)))


def text_of(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_the_catalogue(client: Client) -> None:
    status, page = client.get("/")
    assert status == 200 and "240 books" in text_of(page) and page.count("<tr") == 101
    assert f"served by {client.framework.title()}" in text_of(page)
    assert client.get("/?page=3")[1].count("<tr") == 41
    assert "Nothing is called “xyzzy”" in client.get("/?words=xyzzy")[1]
    status, page = client.get("/?shelf=Knots&words=o")
    assert "<h1>Knots</h1>" in page and '<option value="Knots" selected>' in page


def test_a_book_is_lent_and_taken_back(client: Client) -> None:
    status, page = client.get("/books/1")
    assert status == 200 and "on the shelf" in page
    status, page = client.post("/books/1", reader="", email="nowhere", action="lend")
    assert status == 422 and "Enter the name of the reader." in page and 'value="nowhere"' in page
    status, where = client.post("/books/1", reader="<Ann>", email="ann@example.org", action="lend")
    assert status == 303 and where.endswith("/books/1")
    page = client.get("/books/1")[1]
    assert "Lent to &lt;Ann&gt; since 1 March 2027" in page and "until 29 March 2027" in page
    assert client.post("/books/1", action="return")[0] == 303
    assert "on the shelf" in client.get("/books/1")[1]
    assert "<blockquote>" in client.get("/books/4")[1] and "<blockquote>" not in client.get("/books/3")[1]
    assert client.get("/books/9999")[0] == client.get("/nothing")[0] == 404


def test_a_book_is_added(client: Client) -> None:
    status, page = client.post("/add", title="", author="B", year="x", pages="1", shelf="Maps", summary="")
    assert status == 422 and page.count('class="problem"') == 2 and "<option selected>Maps</option>" in page
    form = {
        "title": "Ä & B",
        "author": "C",
        "year": "2001",
        "pages": "9",
        "shelf": "Maps",
        "summary": "It is.",
    }
    status, where = client.post("/add", **form)
    assert status == 303
    page = client.get("/books/" + where.rpartition("/")[2])[1]
    assert "<h1>Ä &amp; B</h1>" in page and "<blockquote>It is.</blockquote>" in page
    assert "<title>Ä &amp; B</title>" in client.get("/feed.xml")[1]


def test_loans_and_reminders(client: Client) -> None:
    page = client.get("/loans")[1]
    reminders = re.findall(r'href="[^"]*?(/loans/\d+/reminder)"', page)
    assert reminders and page.count("<tr") == 61
    texts = [client.get(path)[1] for path in reminders]
    assert all(text.startswith("Dear ") and "O&#39;Hara" not in text for text in texts)
    assert any("this week" in text for text in texts) and any(
        "Could you bring it back?" in text for text in texts
    )
    assert client.get("/loans/9999/reminder")[0] == 404


def test_all_lines_of_the_templates_have_run(client: Client) -> None:
    """The tests above run all lines except for the page that fails, as the endpoint and the page report."""
    test_the_catalogue(client)
    test_a_book_is_lent_and_taken_back(client)
    test_a_book_is_added(client)
    test_loans_and_reminders(client)
    status, answer = client.get("/run")
    report = json.loads(answer)["templates"]
    assert status == 200 and len(report) == 12
    page = client.get("/coverage")[1]
    for name in report:
        assert name in page
    report = json.loads(client.get("/run")[1])["templates"]
    assert {name for name, entry in report.items() if entry["missing"]} <= {"failure.html"}


def test_the_page_that_fails(client: Client) -> None:
    if client.framework == "starlette":
        with pytest.raises(Exception, match="has no attribute"):
            client.get("/failure")
    else:
        assert client.get("/failure")[0] == 500


def test_all_pages_are_the_same_with_each_framework() -> None:
    pages: dict[str, set[str]] = {}
    for framework in ("flask", "starlette"):
        app = application(framework, False, None, "file:same?mode=memory&cache=shared")
        client = Client(framework, app)
        for address, _ in ROUTES.values():
            if address not in ("failure", "coverage"):
                page = client.get("/" + address.replace("{number}", "4"))[1]
                page = page.replace("http://testserver", "").replace(framework.title(), "")
                pages.setdefault(address, set()).add(page)
    assert len(pages) == 6 and all(len(found) == 1 for found in pages.values())


@pytest.mark.parametrize("framework", ["flask", "starlette"])
def test_in_development(framework: str) -> None:
    with LiveCoverage() as live:
        client = Client(framework, application(framework, True, live, "file:dev?mode=memory&cache=shared"))
        status, page = client.get("/")
        assert status == 200 and 'id="tmplmon-map"' in page and "<table data-tmplmon=" in page
        status, page = client.get("/failure")
        assert status == 500 and "book.loan.reader.name.first" in text_of(page)
        if framework == "flask":
            development: Any = client._client.application.wsgi_app
            development._development.coverage.stop()


def test_the_data_are_kept_in_a_file(tmp_path: Any) -> None:
    path = f"file:{tmp_path}/books.db"
    first = Catalogue(path, books=5)
    first.add("New", "A", 2000, "Maps", 10, "")
    assert [book.title for book in Catalogue(path).search("New", "", 10)[0]] == ["New"]
