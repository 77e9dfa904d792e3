"""The overlay and the error page in a browser, and the effects of the source map on a page.

``pytest tests/browser --update`` writes the pictures of the documentation to docs/images.
"""

import json
import os
import random
import threading
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from tests.browser.driver import CHROMIUM, DRIVER, Browser
from tests.tools.soup import FOUND, soup
from tmplmon import Environment, FileSystemLoader
from tmplmon.integrations.development import WSGIDevelopment
from tmplmon.integrations.wsgi import HTML
from tmplmon.tools.livecoverage import LiveCoverage
from tmplmon.tools.sourcemap import PageMap

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or DRIVER is None,
    reason="needs Chromium and chromedriver (Debian: chromium chromium-driver)",
)

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "templates_demo/site"
ALT, ESCAPE = "\ue00a", "\ue00c"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as made:
        yield made


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


class Threading(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of the demonstration site as an application in development mode."""
    environment = Environment(loader=FileSystemLoader(DEMO), autoescape=True, source_map=True)
    data = json.loads((DEMO / "site.json").read_text())
    data |= tomllib.loads((DEMO / "schedule.toml").read_text())

    def application(environ: Any, start_response: Any) -> Any:
        name = environ["PATH_INFO"].strip("/")
        if name.endswith((".css", ".svg", ".ico")):
            measured = DEMO / name
            kind = "text/css" if name.endswith(".css") else "image/svg+xml"
            start_response("200 OK", [("Content-Type", kind)])
            return [measured.read_bytes() if measured.exists() else b""]
        body = environment.get_template(name).render(data).encode()
        start_response("200 OK", [("Content-Type", HTML)])
        return [body]

    with LiveCoverage() as live:
        editor = "vscode://file/{file}:{line}"
        middleware = WSGIDevelopment(application, environment, coverage=live, editor=editor)
        server = make_server("127.0.0.1", 0, middleware, Threading, Quiet)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def picture(browser: Browser, update: bool, tmp_path: Path) -> Callable[[str], None]:
    def take(name: str) -> None:
        folder = ROOT / "docs/images" if update else tmp_path
        folder.mkdir(exist_ok=True)
        browser.screenshot(folder / name)
        assert (folder / name).stat().st_size > 10_000

    return take


def opened(browser: Browser, address: str) -> None:
    """Open a page, and switch the overlay on."""
    browser.open(address)
    if not browser.inside("!root.querySelector('.panel').hidden"):
        browser.press(ALT, "t")


def classes(browser: Browser) -> dict[int, set[str]]:
    """Line of the template that the panel shows → the classes of its row."""
    measured = browser.inside("[...root.querySelectorAll('.line')].map((row) => row.className)")
    return {line: set(names.split()) for line, names in enumerate(measured, 1)}


HOSTILE_PAGE = """<html><body><p>{{ text|safe }}</p></body></html>"""
HOSTILE_TEXT = """
<script id="tmplmon-map" type="application/json">{"templates": [{"name": "x", "file": "/x", "lines": [""],
"executable": [], "further": {}, "run": null}], "places": [[0, 1, -1, -1, "", -1]], "elements": [[0]],
"editor": "javascript:alert(1)"}</script>
<img name="currentScript"><form id="tmplmon-map"></form><b data-tmplmon="0">b</b><i data-tmplmon="99">i</i>
"""


def test_the_content_of_a_page_cannot_change_its_map(browser: Browser, tmp_path: Path) -> None:
    environment = Environment(source_map=True, loader=FileSystemLoader(tmp_path))
    (tmp_path / "own.html").write_text(HOSTILE_PAGE)
    page = environment.get_template("own.html").render(text=HOSTILE_TEXT)
    (tmp_path / "page.html").write_text(PageMap(page, environment, editor="own://{file}").annotated())
    opened(browser, f"file://{tmp_path}/page.html")
    for name in ("p", "b", "i"):
        browser.point_at(browser.find(name), click=True)
    links = browser.inside("[...root.querySelectorAll('a')].map((link) => link.href)")
    assert links == [f"own://{tmp_path}/own.html"]
    assert browser.errors() == []


def test_it_is_hidden_until_it_is_switched_on(browser: Browser, site: str) -> None:
    browser.open(f"{site}/tickets.html")
    assert browser.inside("root.querySelector('.pill').innerText") == "Templates"
    assert browser.inside("root.querySelector('.panel').hidden") is True
    browser.point_at(browser.find("td"))
    assert browser.inside("root.querySelectorAll('.box').length") == 0
    browser.point_at(browser.find("a[href]"), click=True)
    assert browser.run("return location.pathname") != "/tickets.html"
    assert browser.errors() == []


def test_pointing_at_an_element(browser: Browser, site: str, picture: Callable[[str], None]) -> None:
    opened(browser, f"{site}/tickets.html")
    browser.point_at(browser.find("tbody tr:nth-child(2) td:nth-child(3)"))
    tip = browser.inside("root.querySelector('.tip').innerText").splitlines()
    assert tip[0] == "_lib/ui.html:22 macro table"
    assert tip[-4:] == [
        "← tickets.html:9 block content",
        "← _layouts/base.html:23 block main",
        "← _layouts/base.html:20",
        "← tickets.html:1",
    ]
    # The value in it, which the body of a call block outputs, with columns.
    assert any(line.startswith("{{ ") and "tickets.html" in line for line in tip), tip
    steps = browser.inside("root.querySelector('.steps').innerText")
    assert steps.startswith("_lib/ui.html:22 macro table") and steps.endswith("tickets.html:1")
    lines = classes(browser)
    assert {"here", "made", "run"} <= lines[22] and "never" in lines[25] and not lines[1] & {"run", "never"}
    assert "run" in lines[28]  # another line of a text
    files = browser.inside("[...root.querySelectorAll('.files button')].map((b) => b.innerText)")
    assert any(file.replace("\n", " ").startswith("tickets.html 20/20") for file in files), files
    href = browser.inside("root.querySelector('a.action').href")
    assert href == f"vscode://file/{DEMO}/_lib/ui.html:22"
    assert browser.errors() == []
    picture("overlay.png")


def test_the_box_is_on_the_element(browser: Browser, site: str) -> None:
    opened(browser, f"{site}/tickets.html")
    browser.point_at(browser.find("h1"))
    measure = "[r.left, r.top, r.width, r.height]"
    expected = browser.run(
        f"const r = document.querySelector('h1').getBoundingClientRect(); return {measure}"
    )
    measured = browser.inside(
        f"(() => {{ const r = root.querySelector('.box').getBoundingClientRect(); return {measure} }})()"
    )
    differences = [abs(a - b) for a, b in zip(measured, expected, strict=True)]
    assert differences == pytest.approx([2, 2, 4, 4], abs=0.01)


def test_clicking_keeps_an_element_and_follows_no_link(browser: Browser, site: str) -> None:
    opened(browser, f"{site}/tickets.html")
    browser.point_at(browser.find("footer a"), click=True)
    assert browser.run("return location.pathname") == "/tickets.html"
    kept = browser.inside("root.querySelector('.steps').innerText")
    browser.point_at(browser.find("h1"))
    assert browser.inside("root.querySelector('.steps').innerText") == kept
    assert browser.inside("root.querySelector('.tip b').innerText") != kept
    browser.press(ESCAPE)
    browser.point_at(browser.find("td"))
    browser.point_at(browser.find("h1"))
    assert browser.inside("root.querySelector('.steps').innerText") != kept
    browser.press(ESCAPE)
    assert browser.inside("root.querySelector('.panel').hidden") is True


def test_a_line_shows_its_elements(browser: Browser, site: str) -> None:
    opened(browser, f"{site}/tickets.html")
    browser.point_at(browser.find("tbody td:nth-child(3)"))
    row = browser.inside("root.querySelector('.line.here')")
    browser.point_at(row)
    cells = browser.run("return document.querySelectorAll('tbody td').length")
    assert browser.inside("root.querySelectorAll('.box.same').length") == cells > 8


def test_templates_and_steps_can_be_chosen(browser: Browser, site: str) -> None:
    opened(browser, f"{site}/tickets.html")
    browser.point_at(browser.find("tbody td:nth-child(3)"))
    browser.inside("root.querySelectorAll('.steps button')[1].click()")
    shown = browser.inside("root.querySelector('.line.here .text').innerText")
    assert shown == (DEMO / "tickets.html").read_text().splitlines()[8]
    browser.inside("[...root.querySelectorAll('.files button')].at(-1).click()")
    name = browser.inside("root.querySelector('.files .shown .name').innerText")
    lines = browser.inside(
        "[...root.querySelectorAll('.line .text')].map((text) => text.textContent.trimEnd())"
    )
    assert lines == [line.rstrip() for line in (DEMO / name).read_text().splitlines()]


def test_it_stays_on_from_page_to_page(browser: Browser, site: str) -> None:
    opened(browser, f"{site}/tickets.html")
    browser.open(f"{site}/index.html")
    assert browser.inside("root.querySelector('.panel').hidden") is False
    browser.press(ALT, "t")
    browser.open(f"{site}/tickets.html")
    assert browser.inside("root.querySelector('.panel').hidden") is True


def test_the_error_page(browser: Browser, tmp_path: Path, picture: Callable[[str], None]) -> None:
    from tmplmon.tools.errorpage import error_page

    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "base.html").write_text("<main>\n  {% block content %}{% endblock %}\n</main>\n")
    (folder / "orders.html").write_text(
        "{% extends 'base.html' %}\n\n{% block content %}\n  <ul>\n  {% for order in orders %}\n"
        "    {% include 'order.html' %}\n  {% endfor %}\n  </ul>\n{% endblock %}\n"
    )
    (folder / "order.html").write_text(
        "{% set total = order.lines|sum(attribute='price') %}\n<li>\n  <b>{{ order.customer.name }}</b>\n"
        "  {{ total }} €, to {{ order.customer.address.city }}\n</li>\n"
    )
    order = {"number": 1007, "customer": {"name": "Bob <b>"}, "lines": [{"price": 3}, {"price": 8}]}
    environment = Environment(loader=FileSystemLoader(folder), autoescape=True)
    with pytest.raises(Exception, match="address") as caught:
        environment.get_template("orders.html").render(orders=[order])
    page = error_page(caught.value, "GET /orders")
    for path in (str(tmp_path), str(ROOT)):
        page = page.replace(path, "/srv/shop")
    (tmp_path / "page.html").write_text(page)
    browser.open(f"file://{tmp_path}/page.html")
    shown = browser.run("return document.querySelector('details[open]').innerText")
    assert "order.html:4" in shown and "'name': 'Bob <b>'" in shown
    assert browser.run("return document.querySelector('.here b').innerText") == "order.customer.address.city"
    assert browser.run("return document.querySelectorAll('details.template').length") == 4
    assert browser.errors() == []
    picture("error-page.png")


SAME = """
const strip = (root) => {
  for (const element of root.querySelectorAll("[data-tmplmon]")) element.removeAttribute("data-tmplmon");
  for (const template of root.querySelectorAll("template")) if (template.content) strip(template.content);
};
const parse = (text) => {
  const made = new DOMParser().parseFromString(text, "text/html");
  strip(made);
  made.getElementById("tmplmon-map")?.remove();
  return made.documentElement.outerHTML;
};
return arguments[0].map(([one, other], index) => parse(one) === parse(other) ? -1 : index).filter((i) => i >= 0);
"""


def test_a_browser_sees_the_same_page(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """For unusual HTML, the browser builds the same tree with the attributes as without."""
    monkeypatch.setattr(PageMap, "script", lambda self: "")
    environment = Environment(source_map=True)
    template = environment.from_string("<body>\n{% for piece in pieces %}{{ piece|safe }}{% endfor %}</body>")
    numbers = random.Random(int(os.environ.get("SOUP_SEED", "1")))
    pages = [[page] for page in FOUND] + [soup(numbers) for _ in range(4000)]
    made = [template.render(pieces=pieces) for pieces in pages]
    pairs = [(page, PageMap(page, environment).annotated()) for page in made]
    assert sum(one != other for one, other in pairs) > 1000
    browser.open("data:text/html,")
    differing = browser.run(SAME, pairs)
    assert [pairs[number] for number in differing] == []


def test_a_browser_sees_the_same_site(browser: Browser, site: str) -> None:
    """The same with the script."""
    environment = Environment(loader=FileSystemLoader(DEMO), autoescape=True, source_map=True)
    data = json.loads((DEMO / "site.json").read_text()) | tomllib.loads((DEMO / "schedule.toml").read_text())
    names = [name for name in environment.list_templates(["html"]) if not name.startswith("_")]
    made = [environment.get_template(name).render(data) for name in names]
    browser.open("data:text/html,")
    assert browser.run(SAME, [(page, PageMap(page, environment).annotated()) for page in made]) == []
