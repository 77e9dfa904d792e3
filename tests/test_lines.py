"""All parts of the package have the same line numbers, also for sources in which `str.splitlines` finds more lines.

The templates here have each of the eight characters at which only `str.splitlines` ends a line. Python's own tools
show blanks in their place.
"""

import io
import linecache
import re
import traceback
from pathlib import Path

import coverage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmplmon import DictLoader, Environment, FileSystemLoader, FunctionLoader, TemplateSyntaxError, code_map
from tmplmon.cli.problems import Problem, long_form
from tmplmon.errors import FuelExhausted
from tmplmon.monitoring import character_column, split_lines, utf8_column, with_plain_newlines
from tmplmon.sandbox import Limits, SandboxedEnvironment
from tmplmon.syntax.source import Source
from tmplmon.tools.debugger.source import lines_of, numbered
from tmplmon.tools.errorpage import error_page
from tmplmon.tools.failures import innermost_template_frame
from tmplmon.tools.profiler import Profiler
from tmplmon.tools.sourcemap import PageMap

BACKENDS = ("bytecode", "closures")
BREAKS = "\v\f\x1c\x1d\x1e\x85\u2028\u2029"
SHOWN_BREAKS = "     \xa0\u2002\u2002"
assert len(f"|{'|'.join(BREAKS)}|".splitlines()) == len(BREAKS) + 1

# Line 1 has text with all breaks. Line 3 fails, after more breaks and a character of two bytes.
PAGE = f"a{BREAKS}b\n<p>\n\té{BREAKS}{{{{ 1 / zero }}}} c\n"
SHOWN_LINE = f"é{SHOWN_BREAKS}{{{{ 1 / zero }}}} c"
COLUMN = 2 + len(BREAKS) + len("{{ ")

texts = st.text(st.sampled_from("ab\té\ud800\U0001f600\r\n" + BREAKS))


@given(texts)
def test_lines_are_those_of_a_text_file(text: str) -> None:
    expected = [line.removesuffix("\n") for line in io.StringIO(text, newline=None)]
    assert split_lines(text) == expected
    source = Source(text)
    assert source.line_count == len(expected) + (not text or text[-1] in "\r\n")
    assert [source.line_text(n) for n in range(1, len(expected) + 1)] == expected


@given(texts)
def test_plain_newlines_keep_lines_and_columns(text: str) -> None:
    plain = with_plain_newlines(text)
    assert plain.splitlines() == split_lines(plain)
    for line, shown in zip(split_lines(text), split_lines(plain), strict=True):
        assert len(line) == len(shown)
        assert utf8_column(line, len(line)) == utf8_column(shown, len(shown))


@given(texts)
def test_columns(text: str) -> None:
    for line in split_lines(text):
        for column in range(len(line) + 1):
            assert utf8_column(line, column) == len(line[:column].encode("utf-8", "surrogatepass"))
            assert character_column(line, utf8_column(line, column)) == column
        assert character_column(line, 4 * len(line) + 1) == len(line)


# --- tracebacks --------------------------------------------------------------------------------------------


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("kind", ["string", "not on disk"])
def test_traceback(backend: str, kind: str) -> None:
    """Python gets the lines of a template without a file, and of one whose file does not exist, from its loader."""
    environment = Environment(
        backend=backend,
        loader=FunctionLoader(lambda name: (PAGE, f"/nowhere/{backend}/{name}", lambda: True)),
    )
    template = environment.from_string(PAGE) if kind == "string" else environment.get_template("page.html")
    with pytest.raises(ZeroDivisionError) as caught:
        template.render(zero=0)
    shown = "".join(traceback.format_exception(caught.value))
    assert ", line 3, in <template>\n" in shown
    line, carets = shown.partition("in <template>\n")[2].split("\n")[:2]
    assert line == f"    {SHOWN_LINE}"
    start = line.index("1 / zero")
    assert carets == " " * start + "~~^~~~~~"
    assert linecache.getline(template._file, 2) == "<p>\n"


def test_syntax_error() -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        Environment().from_string(PAGE.replace("zero", "*"))
    error = caught.value
    assert (error.lineno, error.column) == (3, COLUMN + 4)
    shown = "\n".join([str(error), *error.__notes__]).split("\n")
    assert shown[2] == f"   3 | \t{SHOWN_LINE.replace('zero', '*')}"
    assert shown[3] == f"     | \t{' ' * (COLUMN + 3)}^"
    problem = Problem(str(error.message), "page", error.lineno, error.column + 1, None, error.source_line)
    assert long_form(problem).split("\n")[2:4] == shown[2:4]


def test_budget_error() -> None:
    environment = SandboxedEnvironment(limits=Limits(fuel=2))
    with pytest.raises(FuelExhausted) as caught:
        environment.from_string(f"{{{{ 1 }}}}\n{BREAKS}é{{{{ 2 }}}}{{{{ 3 }}}}").render()
    assert (caught.value.lineno, caught.value.column) == (2, len(BREAKS) + len("é{{ 2 }}{{ "))


def test_error_page(backend: str) -> None:
    template = Environment(backend=backend).from_string(PAGE)
    with pytest.raises(ZeroDivisionError) as caught:
        template.render(zero=0)
    place = innermost_template_frame(caught.value)
    assert place is not None
    assert (place.line, place.column, place.end_column) == (3, COLUMN, COLUMN + len("1 / zero"))
    assert place.line_parts == (f"\té{SHOWN_BREAKS}{{{{ ", "1 / zero", " }} c")
    assert f"<i>3</i>\té{SHOWN_BREAKS}{{{{ <b>1 / zero</b>" in error_page(caught.value)


# --- reports -----------------------------------------------------------------------------------------------


def test_code_map() -> None:
    source = f"x{BREAKS}\n y\n{{{{ a }}}}\n"
    for newline in ("\n", "\r\n", "\r"):
        lines = code_map(Environment(newline_sequence=newline), source)
        assert (lines.lines, lines.further) == ({1, 3}, {2: 1})


def test_coverage(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(PAGE, "utf-8")
    if coverage.Coverage.current() is not None:
        pytest.skip("these tests are being measured themselves")
    counter = coverage.Coverage(data_file=None, config_file=False, source=[str(tmp_path)])
    counter.set_option("run:plugins", ["tmplmon"])
    template = Environment(loader=FileSystemLoader(tmp_path)).get_template("page.html")
    with counter.collect(), pytest.raises(ZeroDivisionError):
        template.render(zero=0)
    _, executable, _, missing, _ = counter.analysis2(str(file))
    assert (executable, missing) == ([1, 3], [])
    counter.html_report(directory=str(tmp_path / "html"))
    (report,) = (tmp_path / "html").glob("*page_html.html")
    shown = dict(
        re.findall(r'<p class="[^"]*"><span class="n"><a id="t(\d+)"(.*)', report.read_text("utf-8"))
    )
    assert list(shown) == ["1", "2", "3"]
    assert "zero" in shown["3"]


def test_heat_map(tmp_path: Path, backend: str) -> None:
    (tmp_path / "page.html").write_text(PAGE, "utf-8")
    template = Environment(backend=backend, loader=FileSystemLoader(tmp_path)).get_template("page.html")
    unnamed = Environment(backend=backend).from_string(PAGE)
    with Profiler() as profiler:
        template.render(zero=1)
        unnamed.render(zero=1)
    for file, text in ((str(tmp_path / "page.html"), PAGE), (unnamed._file, with_plain_newlines(PAGE))):
        lines = profiler.profile.files[file]
        assert set(lines.lines) == {1, 3}
        assert [lines.text(number) for number in (1, 2, 3)] == text.split("\n")[:3]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("colour", [False, True])
def test_listing_of_the_debugger(backend: str, colour: bool, newline: str) -> None:
    template = Environment(backend=backend).from_string(PAGE.replace("\n", newline))
    lines = lines_of(template, colour)
    assert len(lines) == 3
    (shown,) = numbered(lines, 3, 3, 3, (), colour)
    assert "3" in shown and ("zero\x1b[0m" in shown if colour else shown.endswith(SHOWN_LINE))


def test_source_map() -> None:
    page = f"<p>{BREAKS}\n<b>{{{{ 1 }}}}</b>\n</p>"
    environment = Environment(loader=DictLoader({"page.html": page}), source_map=True)
    (shown,) = PageMap(environment.get_template("page.html").render(), environment).data()["templates"]
    assert shown["lines"] == [f"<p>{SHOWN_BREAKS}", "<b>{{ 1 }}</b>", "</p>"]
