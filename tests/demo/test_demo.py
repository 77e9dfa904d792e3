"""The demonstration site renders to the same pages as with Jinja2; they are well formed, and their links work."""

import json
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jinja2
import pytest

import tmplmon
from tmplmon.cli import main
from tmplmon.cli.options import escaped_names
from tmplmon.cli.tree import read_tree

DEMO = Path(__file__).parents[2] / "templates_demo/site"
DATA = [str(DEMO / "site.json"), str(DEMO / "schedule.toml")]
PAGES = read_tree(str(DEMO)).templates


@pytest.fixture(scope="module")
def context() -> dict[str, Any]:
    return {
        **json.loads((DEMO / "site.json").read_text("utf-8")),
        **tomllib.loads((DEMO / "schedule.toml").read_text("utf-8")),
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, rendered by the command."""
    out = tmp_path_factory.mktemp("site")
    assert main(["render", str(DEMO), "--strict", "--data", *DATA, "-o", str(out)]) == 0
    return out


def jinja(strict: bool) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(DEMO),
        autoescape=jinja2.select_autoescape(escaped_names()),
        undefined=jinja2.StrictUndefined if strict else jinja2.Undefined,
    )


def test_there_are_pages() -> None:
    assert len(PAGES) >= 10
    assert {"index.html", "talks/index.html", "schedule.txt", "feed.xml", "sitemap.xml"} <= set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_the_same_as_jinja2(name: str, site: Path, context: dict[str, Any]) -> None:
    expected = jinja(strict=True).get_template(name).render(context).encode()
    assert (site / name).read_bytes() == expected
    # Also with the Python API, and if undefined variables are not errors.
    environment = tmplmon.Environment(
        loader=tmplmon.FileSystemLoader(DEMO), autoescape=tmplmon.select_autoescape(escaped_names())
    )
    assert environment.get_template(name).render(context) == jinja(strict=False).get_template(name).render(
        context
    )


def test_other_files_are_copied(site: Path) -> None:
    written = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert written == {*PAGES, "style.css", "icon.svg"}
    assert (site / "style.css").read_bytes() == (DEMO / "style.css").read_bytes()


def test_it_has_no_problems(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(DEMO), "--data", *DATA]) == 0, capsys.readouterr().out


# --- the pages ---------------------------------------------------------------------------------------------

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """Checks that elements are closed in order, and collects ids and links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), (tag, attrs)
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            if name == "id" and value:
                self.ids.append(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())


def pages(site: Path) -> Iterator[tuple[Path, Page]]:
    for path in sorted(site.rglob("*.html")):
        yield path, Page(path.read_text("utf-8"))


def test_html_is_well_formed(site: Path) -> None:
    for path, page in pages(site):
        assert page.open == [], path
        assert len(set(page.ids)) == len(page.ids), path


def test_links_have_targets(site: Path) -> None:
    for path, page in pages(site):
        for link in page.links:
            if "://" not in link and not link.startswith("mailto:"):
                assert (path.parent / link).is_file(), (path, link)


def test_xml_is_well_formed(site: Path) -> None:
    feed = ElementTree.parse(site / "feed.xml").getroot()
    assert len(feed.findall("channel/item")) == 5
    assert ElementTree.parse(site / "sitemap.xml").getroot().tag.endswith("urlset")


def test_data_is_escaped(site: Path) -> None:
    """Names with characters that are special in HTML."""
    text = (site / "talks/configuration-is-a-language.html").read_text("utf-8")
    assert "<h1>Configuration &lt;is&gt; a language</h1>" in text
    assert "Wei &#34;Ling&#34; Zhao" in text
    assert "Configuration <is> a language" in (site / "schedule.txt").read_text("utf-8")
