"""Source maps of pages: the positions of tags, the origin of each element, and no other changes to the page."""

import json
import random
import re
from typing import Any

import pytest

from tests.tools.soup import FOUND, soup
from tmplmon import DictLoader, Environment
from tmplmon.tools.livecoverage import LiveCoverage
from tmplmon.tools.sourcemap import PageMap, PageStream, annotate, join, rendered_pages
from tmplmon.tools.sourcemap.tags import Tags


@pytest.mark.parametrize(("page", "expected"), FOUND.items())
def test_tags(page: str, expected: list[str]) -> None:
    assert [page[tag.start : tag.end] for tag in Tags(page)] == expected
    for tag in Tags(page):
        assert page[tag.start + 1 : tag.name_end].lower() == tag.name


def test_tags_are_found_in_linear_time() -> None:
    """No page makes it scan the same text repeatedly. With quadratic time, this would take more than a minute."""
    for piece in (
        "<a b='",
        "<!--",
        "<script>",
        "</",
        "<a b = ",
        "<![CDATA[",
        "<title>",
        "<script><!--<script>",
    ):
        assert len(list(Tags(piece * 30_000))) <= 30_000


TEMPLATES = {
    "base.html": (
        '<!doctype html>\n<html>\n<body class="{{ kind }}">\n{% block body %}{% endblock %}\n</body>\n</html>'
    ),
    "page.html": (
        "{% extends 'base.html' %}\n"
        "{% macro cell(x) %}<td>{{ x }}</td>{% endmacro %}\n"
        "{% block body %}\n"
        "<table>\n"
        "  <tr>{% for x in row %}{{ cell(x) }}{% endfor %}</tr>\n"
        "</table>\n"
        "<script>if (a<b) x = '<p>';</script>\n"
        "{% include 'part.html' %}\n"
        "{% endblock %}"
    ),
    "part.html": "\n\n<p\n   title='<b>'>é <i>{{ note }}</i>\n<!-- <u> --></p>{{ html|safe }}",
    "never.html": "{% if never %}\n<hr>\n{% endif %}",
}
NAMES = {"row": [1, "<2>"], "note": "N", "html": "<em>x</em><br/>", "kind": "k"}


@pytest.fixture
def environment() -> Environment:
    return Environment(loader=DictLoader(TEMPLATES), autoescape=True, source_map=True)


@pytest.fixture
def page(environment: Environment) -> Any:
    return environment.get_template("page.html").render(**NAMES)


def known(map: PageMap) -> list[tuple[str, list[str]]]:
    """(name of the tag, origins) of each element. An origin is `template:line` with the chain of callers."""
    data = map.data()
    found = []
    for (end, _), places in zip(map.elements, data["elements"], strict=True):
        name = map.page[map.page.rindex("<", 0, end) + 1 : end]
        found.append((name, [shown(data, number) for number in places]))
    return found


def shown(data: Any, number: int) -> str:
    template, line, _, _, _, before = data["places"][number]
    place = f"{data['templates'][template]['name']}:{line}"
    return place if before < 0 else f"{place} < {shown(data, before)}"


def test_the_origins_of_elements(environment: Environment, page: Any) -> None:
    root = "base.html:4 < page.html:1"
    part = f"page.html:8 < {root}"
    assert known(PageMap(page, environment)) == [
        ("html", ["base.html:2 < page.html:1"]),
        ("body", ["base.html:3 < page.html:1"] * 2),
        ("table", [f"page.html:4 < {root}"]),
        ("tr", [f"page.html:5 < {root}"]),
        ("td", [f"page.html:2 < page.html:5 < {root}"] * 2),
        ("td", [f"page.html:2 < page.html:5 < {root}"] * 2),
        ("script", [f"page.html:7 < {root}"]),
        ("p", [f"part.html:3 < {part}"]),
        ("i", [f"part.html:4 < {part}"] * 2),
        ("em", [f"part.html:5 < {part}"]),
        ("br", [f"part.html:5 < {part}"]),
    ]


# The map is the argument of the overlay's function.
MAP = re.compile(r"\n\}\n\)\((.*)\)</script>")


def test_columns(environment: Environment, page: Any) -> None:
    map = PageMap(page, environment)
    data = map.data()
    by_name = dict(zip([name for name, _ in known(map)], data["elements"], strict=True))
    places = data["places"]
    table, (tr, *_), (p, *_), (_, note) = (by_name[name] for name in ("table", "tr", "p", "i"))
    assert (
        places[table[0]][1:4] == (4, 0, -1) and places[tr][1:4] == (5, 2, -1) and places[p][1:4] == (3, 0, -1)
    )
    source = TEMPLATES["part.html"].splitlines()[3].encode()
    line, start, end = places[note][1:4]
    assert line == 4 and source[start:end] == b"note"


def test_removing_the_annotations_gives_the_page(environment: Environment, page: Any) -> None:
    """The annotations can be removed, and everything else is unchanged."""
    annotated = annotate(page, environment)
    assert type(annotated) is str
    without = re.sub(r' data-tmplmon="\d+"', "", annotated)
    without = re.sub(r'<script id="tmplmon-map".*</script>(?=</body>)', "", without, flags=re.DOTALL)
    assert without == page
    assert "if (a<b) x = '<p>';" in annotated and "<!-- <u> -->" in annotated and "title='<b>'" in annotated
    assert annotated.count(" data-tmplmon=") == len(PageMap(page, environment).elements)


def test_the_map_in_the_page(environment: Environment, page: Any) -> None:
    data = PageMap(page, environment, editor="edit://{file}:{line}").data()
    annotated = annotate(page, environment, editor="edit://{file}:{line}")
    text = MAP.search(annotated)[1]  # type: ignore[index]
    assert json.loads(text) == json.loads(json.dumps(data))
    assert "<" not in text
    shown = {template["name"]: template for template in data["templates"]}
    assert set(shown) == {"base.html", "page.html", "part.html"}
    assert shown["part.html"]["lines"][2] == "<p" and shown["part.html"]["file"] is None
    assert shown["base.html"]["executable"] == [1, 3, 4, 5] and shown["base.html"]["run"] is None


def test_lines_that_have_run(environment: Environment) -> None:
    with LiveCoverage() as live:
        environment.get_template("page.html").render({**NAMES, "row": []})
        page = environment.get_template("page.html").render({**NAMES, "row": []})
    data = PageMap(page, environment, coverage=live).data()
    shown = {template["name"]: template for template in data["templates"]}["page.html"]
    assert 5 in shown["run"] and set(shown["run"]) <= set(shown["executable"])


def test_pages_without_the_end_of_a_body_are_not_changed(environment: Environment) -> None:
    for source in ("<p>{{ 1 }}</p>", "", "text", "{{ x }}</body>"):
        made = environment.from_string(source).render(x="no element")
        assert annotate(made, environment) == made
    assert annotate("<html><body>plain text</body>") == "<html><body>plain text</body>"


def test_a_text_without_tags(environment: Environment) -> None:
    assert PageMap(environment.from_string("x").render(), environment).data()["elements"] == []


def test_a_deleted_template(page: Any) -> None:
    empty = Environment(loader=DictLoader({}), source_map=True)
    for template in PageMap(page, empty).data()["templates"]:
        assert template["executable"] == []


def test_pages_that_are_rendered_at_the_same_time(environment: Environment) -> None:
    template = environment.get_template("page.html")
    with rendered_pages() as pages:
        template.render(**NAMES)
        environment.from_string("<p>a part</p>").render()
        with rendered_pages() as inner:
            template.render(**NAMES)
    template.render(**NAMES)
    assert len(pages) == len(inner) == 1


def test_any_page_can_be_annotated(environment: Environment) -> None:
    """Pages of unusual HTML, which templates output in parts, do not change except for the attributes."""
    numbers = random.Random(7)
    template = environment.from_string("<body>\n{% for piece in pieces %}{{ piece|safe }}{% endfor %}</body>")
    for _ in range(300):
        page = template.render(pieces=soup(numbers))
        annotated = annotate(page, environment)
        without = re.sub(r' data-tmplmon="\d+"', "", annotated)
        assert re.sub(r'<script id="tmplmon-map".*</script>(?=</body>)', "", without, flags=re.DOTALL) == page


# --- pages that are sent while they are made ---------------------------------------------------------------


def without_map(page: str) -> str:
    page = re.sub(r' data-tmplmon="\d+"', "", page)
    return re.sub(r'<script id="tmplmon-map".*</script>(?=</body>)', "", page, flags=re.DOTALL)


def sent(pieces: list[str], parts: list[bytes], environment: Environment) -> str:
    """The chunks that are sent of a page that is generated in parts."""
    stream = PageStream(pieces, environment)
    return b"".join([*(stream.annotated(part) for part in parts), stream.rest()]).decode(
        "utf-8", "surrogateescape"
    )


def test_streamed_chunks_have_origins(environment: Environment, page: Any) -> None:
    template = environment.get_template("page.html")
    stream = template.stream(**NAMES)
    stream.enable_buffering(3)
    for pieces in (template.generate(**NAMES), template.stream(**NAMES), stream):
        joined = join(pieces)
        assert joined == page and known(PageMap(joined, environment)) == known(PageMap(page, environment))


def test_streams_are_listed(environment: Environment) -> None:
    template = environment.get_template("page.html")
    before = template.generate(**NAMES)
    with rendered_pages() as pages:
        pieces = template.generate(**NAMES)
        first = next(pieces)
        assert pages.streams == [[first]]
    assert [first, *pieces] == pages.streams[0] and pages == []
    assert list(before) == pages.streams[0] and len(pages.streams) == 1


def test_a_stream_has_the_map_of_its_page(environment: Environment, page: Any) -> None:
    """From the body on, the elements and their origins are the same."""
    pieces = list(environment.get_template("page.html").generate(**NAMES))
    parts = [piece.encode() for piece in pieces]
    streamed = sent(pieces, parts, environment)
    data = json.loads(MAP.search(streamed)[1])  # type: ignore[index]
    whole = known(PageMap(page, environment))
    in_body = whole[[name for name, _ in whole].index("body") :]
    names = re.findall(r'<(\w+) data-tmplmon="\d+"', streamed)
    places = [[shown(data, number) for number in found] for found in data["elements"]]
    assert list(zip(names, places, strict=True)) == in_body
    assert pieces == [] and without_map(streamed) == page


def test_a_stream_is_not_delayed(environment: Environment) -> None:
    """Only the possible beginning of a tag, and the end of the body, are held back."""
    template = environment.from_string("<body><p>{{ x }}</p>{{ x }}<script>{{ x }}</script></body>")
    stream = PageStream(list(template.generate(x="z")), environment)
    assert stream.annotated(b"<bo") == b""
    assert stream.annotated(b"dy><p>") == b'<body data-tmplmon="0"><p data-tmplmon="1">'
    assert stream.annotated(b"z</p") == b"z"
    assert stream.annotated(b">z<script>") == b"</p>z"
    assert stream.annotated(b"z") == b""
    assert stream.annotated(b"</script></body>") == b'<script data-tmplmon="2">z</script>'
    assert stream.rest().startswith(b'<script id="tmplmon-map"')


@pytest.mark.parametrize("part", ["<p>x</p>", "<html><p>x</p></body>"])
def test_a_streamed_part_of_a_page_is_not_changed(environment: Environment, part: str) -> None:
    pieces = list(environment.from_string(part).generate())
    assert sent(pieces, [part.encode()], environment) == part


def test_elements_of_other_code_have_no_origins(environment: Environment) -> None:
    pieces = list(environment.from_string("<body><p>{{ x }}</p><i></i></body>").generate(x="z"))
    page = b"<body><p>z</p><b>\xff</b><i></i></body>"
    streamed = sent(pieces, [page[:20], page[20:]], environment)
    assert streamed.startswith('<body data-tmplmon="0"><p')
    assert without_map(streamed) == page.decode("utf-8", "surrogateescape")
    pieces = ["<body>", "<p>"]
    assert sent(pieces, [b"<body><i></i></body>"], environment) == "<body><i></i></body>"


def test_any_stream_can_be_annotated(environment: Environment) -> None:
    """Pages of unusual HTML, in parts of any size, get the same annotations as the whole page."""
    numbers = random.Random(11)
    template = environment.from_string("<body>\n{% for piece in pieces %}{{ piece|safe }}{% endfor %}</body>")
    for _ in range(500):
        pieces = list(template.generate(pieces=soup(numbers)))
        page = join(pieces)
        whole = annotate(page, environment)
        data = "".join(pieces).encode()
        cuts = sorted(numbers.choices(range(len(data) + 1), k=numbers.randint(0, 6)))
        parts = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        streamed = sent(pieces, parts, environment)
        # That there is no end of the body is known only at the end.
        assert streamed == whole if whole != page else without_map(streamed) == page
