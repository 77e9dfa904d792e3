"""Each output format has the numbers of the profile."""

import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tmplmon import Environment, FileSystemLoader
from tmplmon.tools.profiler import Profile
from tmplmon.tools.profiler.formats import FORMATS, format_of
from tmplmon.tools.profiler.formats.flamegraph import boxes
from tmplmon.tools.profiler.formats.highlight import pieces
from tmplmon.tools.profiler.formats.units import count, duration, percent

from .conftest import Site

PAGE = """\
{{ spend(1) }}
{% for n in (1, 2) %}
  {% include "row.html" %}<script>alert("&")</script>
{% endfor %}
{# a comment #}
{% if nothing %}
  never
{% endif %}
{% block end %}{{ spend(4) }}{% endblock %}
"""
ROW = "{% macro cell(n) %}{{ spend(10) }}{% endmacro %}\n{{ cell(1) }}{{ spend(5) }}\n"


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "page.html").write_text(PAGE)
    (tmp_path / "row.html").write_text(ROW)
    site = Site("bytecode")
    site.environment = Environment(loader=FileSystemLoader(tmp_path))
    site.environment.globals["spend"] = site.clock.spend
    made = site.profile(lambda: site.render("page.html"))
    assert made.spent == 35
    return made


# --- JSON --------------------------------------------------------------------------------------------------


def test_json(profile: Profile) -> None:
    made = json.loads(profile.show("json"))
    assert list(made) == [
        *("tmplmon_profile", "seconds", "spent", "renderings", "threads", "plain", "scopes", "files", "tree"),
    ]
    assert (made["tmplmon_profile"], made["spent"], made["renderings"], made["plain"]) == (1, 35, 1, None)
    row, page = made["files"]
    assert (row["file"], row["calls"], row["self"], row["total"]) == (str(Path.cwd() / "row.html"), 4, 30, 30)
    included = page["lines"][2]
    (called,) = included.pop("calls")
    assert included == {
        "line": 3,
        "hits": 2,
        "self": 0,
        "total": 30,
        "source": '  {% include "row.html" %}<script>alert("&")</script>',
    }
    assert made["scopes"][called.pop("scope")]["file"] == row["file"]
    assert called == {"calls": 2, "self": 10, "total": 30}
    assert page["not_run"] == [7]


def test_the_tree_in_json_adds_up_to_the_total(profile: Profile) -> None:
    made = json.loads(profile.show("json"))
    tree = made["tree"]
    assert all(node["parent"] < number for number, node in enumerate(tree))
    assert tree[0]["parent"] == -1
    assert sum(time for node in tree for _, _, time in node["lines"]) == 35
    assert {node["scope"] for node in tree} == set(range(len(made["scopes"])))


# --- stacks ------------------------------------------------------------------------------------------------


def test_speedscope(profile: Profile) -> None:
    made = json.loads(profile.show("speedscope"))
    (only,) = made["profiles"]
    assert sum(only["weights"]) == only["endValue"] == 35
    assert len(only["samples"]) == len(only["weights"])
    frames = made["shared"]["frames"]
    assert all(0 <= number < len(frames) for stack in only["samples"] for number in stack)
    named = {
        tuple(frames[number]["name"] for number in stack): weight
        for stack, weight in zip(only["samples"], only["weights"], strict=True)
    }
    assert named["page.html:3", "row.html:2", "macro cell (row.html):1"] == 20
    assert named["page.html:3", "row.html:2"] == 10
    assert {"name": "page.html:3", "file": str(Path.cwd() / "page.html"), "line": 3} in frames


def test_collapsed(profile: Profile) -> None:
    rows = dict(line.rsplit(" ", 1) for line in profile.show("collapsed").splitlines())
    assert rows["page.html:3;row.html:2;macro cell (row.html):1"] == "20000000"
    assert sum(map(int, rows.values())) == 35_000_000


# --- pictures ----------------------------------------------------------------------------------------------


def test_boxes_of_the_flame_graph_are_below_their_callers(profile: Profile) -> None:
    made = boxes(profile)
    assert (made[0].name, made[0].at, made[0].part) == ("page.html", 0, 1)
    for box in made[1:]:
        (above,) = [
            other
            for other in made
            if other.row == box.row - 1
            and other.at <= box.at + 1e-9
            and box.at < other.at + other.part - 1e-9
        ]
        assert box.at + box.part <= above.at + above.part + 1e-9
        assert box.kind != above.kind


def test_the_flame_graph_is_one_file_of_xml(profile: Profile) -> None:
    text = profile.show("svg")
    tree = ElementTree.fromstring(text)
    svg = "{http://www.w3.org/2000/svg}"
    assert tree.tag == f"{svg}svg"
    titles = [title.text for title in tree.iter(f"{svg}title")]
    assert f"macro cell (row.html)\n20.0 s (57.1%), called 2 times\n{Path.cwd()}/row.html:1" in titles
    assert any(
        '<script>alert("&")</script>\n30.0 s (85.7%), reached 2 times' in str(title) for title in titles
    )
    assert len(list(tree.iter(f"{svg}script"))) == 1
    check_nothing_is_loaded(text)


class Page(HTMLParser):
    """Counts tags, and checks that they are closed in order."""

    VOID = ("meta", "br", "hr", "img", "link")
    OPTIONAL = ("th", "td", "tr", "li", "p")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.ids: set[str] = set()
        self.targets: set[str] = set()
        self.scripts = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.ids |= {attributes["id"] or ""} if "id" in attributes else set()
        if tag == "a" and str(attributes.get("href")).startswith("#"):
            self.targets.add(str(attributes["href"])[1:])
        self.scripts += tag == "script"
        if tag not in (*self.VOID, *self.OPTIONAL):
            self.opened.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.OPTIONAL:
            assert self.opened.pop() == tag


def test_the_heat_map_is_one_page(profile: Profile) -> None:
    text = profile.show("html")
    page = Page(text)
    assert page.opened == []
    assert page.scripts == 2, "one of the page, one of the flame graph: none of a template's"
    assert page.targets <= page.ids
    assert "&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;" in text
    assert "prefers-color-scheme: dark" in text
    check_nothing_is_loaded(text)


def check_nothing_is_loaded(text: str) -> None:
    for address in re.findall(r"(?:https?:)?//[\w./]+", text):
        assert address == "http://www.w3.org/2000/svg"
    assert not re.search(r"\b(src|xlink:href)=|@import|url\(", text)


def test_the_heat_map_has_a_row_for_each_line_of_the_source(profile: Profile) -> None:
    rows = re.findall(r'<tr id="f1-(\d+)"( class=[\w"]+)?', profile.show("html"))
    kinds = {int(number): kind.strip().removeprefix("class=").strip('"') for number, kind in rows}
    assert kinds == {1: "ran", 2: "ran", 3: "ran", 4: "", 5: "", 6: "ran", 7: "unrun", 8: "", 9: "ran"}


# --- the table ---------------------------------------------------------------------------------------------

TABLE = """\
1 rendering, 15 lines in 2 templates: 35.0 s

row.html  30.0 s self (85.7%)
  self      %   total      %  hits  line
20.0 s  57.1%  20.0 s  57.1%     4     1 │ {% macro cell(n) %}{{ spend(10) }}{% endmacro %}
10.0 s  28.6%  30.0 s  85.7%     2     2 │ {{ cell(1) }}{{ spend(5) }}  → macro cell (row.html)

page.html  5.00 s self (14.3%), 35.0 s total
  self      %   total      %  hits  line
4.00 s  11.4%  4.00 s  11.4%     2     9 │ {% block end %}{{ spend(4) }}{% endblock %}  → block end (page.html)
1.00 s   2.9%  1.00 s   2.9%     1     1 │ {{ spend(1) }}

4 of 7 lines that ran; --top 0 shows all
"""


def test_the_table(profile: Profile) -> None:
    assert profile.show("table", top=4, width=120) == TABLE


def test_the_table_in_other_orders(profile: Profile) -> None:
    def numbers(**options: object) -> list[str]:
        return re.findall(r"(\d+) │", profile.show("table", **options))

    assert numbers(sort="line") == ["1", "2", "1", "2", "3", "6", "9"]
    assert numbers(sort="hits", top=2) == ["1", "2"]
    assert numbers(sort="total", top=3) == ["2", "1", "3"]
    with pytest.raises(ValueError, match="self, total, hits, line"):
        profile.show("table", sort="name")


def test_the_table_fits(profile: Profile) -> None:
    text = profile.show("table", top=0, width=60)
    assert max(map(len, text.splitlines())) <= 70
    assert "…" in text


def test_colours_do_not_change_the_text(profile: Profile) -> None:
    colored = profile.show("table", top=4, color=True, width=120)
    assert "\x1b[38;5;196m" in colored
    assert re.sub(r"\x1b\[[\d;]*m", "", colored) == TABLE


# --- the parts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0"),
        (1.5e-8, "15 ns"),
        (1e-6, "1.00 µs"),
        (9.996e-6, "10.0 µs"),
        (99.96e-6, "100 µs"),
        (0.9996e-3, "1.00 ms"),
        (0.01234, "12.3 ms"),
        (1.0, "1.00 s"),
        (1234.5, "1234 s"),
    ],
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_shares_and_counts() -> None:
    assert [percent(part, 100) for part in (0, 0.01, 0.05, 12.34, 100)] == [
        "",
        "<0.1%",
        "0.1%",
        "12.3%",
        "100.0%",
    ]
    assert (percent(1, 0), count(1, "line"), count(1234, "line")) == ("", "1 line", "1,234 lines")


def test_highlighting_finds_tags_and_keeps_the_text() -> None:
    text = '<a {% if x %}href="{{ y }}"{% endif %}>{# note #}{{ cut'
    made = list(pieces(text))
    assert "".join(piece for _, piece in made) == text
    assert [kind for kind, _ in made] == [
        "text",
        "tag",
        "text",
        "output",
        "text",
        "tag",
        "text",
        "comment",
        "output",
    ]


@pytest.mark.parametrize("format", FORMATS)
def test_all_formats_of_an_empty_profile(format: str) -> None:
    from tmplmon.tools.profiler import Profiler

    assert isinstance(Profiler().profile.show(format), str)


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.html", "html"),
        ("A.HTM", "html"),
        ("a.svg", "svg"),
        ("a.json", "json"),
        ("a.speedscope.json", "speedscope"),
        ("a.folded", "collapsed"),
        ("a.txt", "table"),
    ],
)
def test_the_file_name_determines_the_format(
    profile: Profile, tmp_path: Path, name: str, format: str
) -> None:
    assert format_of(name) == format
    profile.save(tmp_path / name)
    assert (tmp_path / name).read_text("utf-8") == profile.show(format)


def test_file_names_without_a_known_suffix(profile: Profile, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.svg"):
        profile.save(tmp_path / "profile")
    with pytest.raises(ValueError, match="speedscope"):
        profile.show("pdf")


def test_the_displayed_source_is_the_one_that_ran(tmp_path: Path) -> None:
    """It is neither the current content of the file nor decoded by Python's rules."""
    from tmplmon.tools.profiler import Profiler

    path = tmp_path / "page.html"
    path.write_text("{# coding: no-such-thing #}\né {{ 1 }}\n", "utf-8")
    with Profiler() as profiler:
        Environment(loader=FileSystemLoader(tmp_path)).get_template("page.html").render()
    profile = profiler.profile
    path.write_text("other")
    assert profile.files[str(path)].text(2) == "é {{ 1 }}"
    assert profile.files[str(path)].text(99) == ""
