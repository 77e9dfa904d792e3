"""``tmplmon render FILE``."""

import os
import stat
from importlib.metadata import version
from pathlib import Path

import pytest

from .conftest import Command, put


def test_to_standard_output(here: Path, tmplmon: Command) -> None:
    put(here / "a.txt", "Hällo {{ name }}\n")
    result = tmplmon("render a.txt --data name=Wörld")
    assert (result.status, result.out, result.err) == (0, "Hällo Wörld", "")


def test_line_ends_and_options(here: Path, tmplmon: Command) -> None:
    put(here / "a.txt", "{% if 1 %}\n  {% set x = 1 %}\nx\n{% endif %}\n")
    assert tmplmon("render a.txt").out == "\n  \nx\n"
    assert tmplmon("render a.txt --trim-blocks --lstrip-blocks").out == "x\n"
    put(here / "b.txt", "x\n")
    assert tmplmon("render b.txt").out == "x"
    assert tmplmon("render b.txt --keep-trailing-newline").out == "x\n"


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        *(("a.html", 1), ("a.htm", 1), ("a.xhtml", 1), ("a.xml", 1), ("a.html.j2", 1), ("a.HTML.Jinja2", 1)),
        *(("a.txt", 0), ("a.j2", 0), ("a.txt.jinja", 0), ("a.css", 0)),
    ],
)
def test_escaping_goes_by_the_name(here: Path, tmplmon: Command, name: str, escaped: int) -> None:
    put(here / name, "{{ v }}")
    assert tmplmon(f"render {name} --data v=<").out == ("&lt;" if escaped else "<")
    assert tmplmon(f"render {name} --data v=< --autoescape on").out == "&lt;"
    assert tmplmon(f"render {name} --data v=< --autoescape off").out == "<"


def test_to_a_file(here: Path, tmplmon: Command) -> None:
    put(here / "a.txt", "{{ v }}")
    assert tmplmon("render a.txt --data v=1 -o sub/out.txt") == type(tmplmon("render a.txt"))(0, "", "")
    assert (here / "sub/out.txt").read_text() == "1"
    assert [path.name for path in (here / "sub").iterdir()] == ["out.txt"]
    assert tmplmon("render a.txt --data v=2 -o sub").status == 0
    assert (here / "sub/a.txt").read_text() == "2"


def test_a_template_suffix_is_dropped_in_a_directory(here: Path, tmplmon: Command) -> None:
    put(here / "page.html.j2", "x")
    (here / "out").mkdir()
    assert tmplmon("render page.html.j2 -o out").status == 0
    assert (here / "out/page.html").read_text() == "x"


def test_the_output_has_the_mode_of_any_new_file(here: Path, tmplmon: Command) -> None:
    put(here / "a.txt", "x")
    mask = os.umask(0o022)
    try:
        tmplmon("render a.txt -o out.txt")
    finally:
        os.umask(mask)
    assert stat.S_IMODE((here / "out.txt").stat().st_mode) == 0o644


def test_an_old_output_stays_if_rendering_fails(here: Path, tmplmon: Command) -> None:
    put(here / "a.txt", "{{ 1 / 0 }}")
    put(here / "out.txt", "old")
    assert tmplmon("render a.txt -o out.txt").status == 1
    assert (here / "out.txt").read_text() == "old"
    assert sorted(path.name for path in here.iterdir()) == ["a.txt", "out.txt"]


def test_a_link_that_is_named_is_followed(here: Path, tmplmon: Command) -> None:
    put(here / "a.txt", "new")
    put(here / "real/out.txt", "old")
    (here / "link.txt").symlink_to("real/out.txt")
    assert tmplmon("render a.txt -o link.txt").status == 0
    assert (here / "real/out.txt").read_text() == "new"
    assert (here / "link.txt").is_symlink()


def test_output_that_is_not_a_regular_file(here: Path, tmplmon: Command) -> None:
    put(here / "a.txt", "x")
    assert tmplmon("render a.txt -o /dev/null").status == 0
    assert not Path("/dev/null").is_file()


def test_output_that_cannot_be_written(here: Path, tmplmon: Command) -> None:
    put(here / "a.txt", "x")
    put(here / "file", "")
    result = tmplmon("render a.txt -o file/out.txt")
    assert result.status == 1
    assert result.err.startswith("error: cannot write: Not a directory\n  --> file/out.txt")


def test_the_search_path(here: Path, tmplmon: Command) -> None:
    put(here / "site/pages/a.html", "{% include 'parts/x.html' %}")
    put(here / "site/parts/x.html", "site")
    put(here / "theme/parts/x.html", "theme")
    assert tmplmon("render site/pages/a.html").status == 1
    assert tmplmon("render site/pages/a.html --path site").out == "site"
    assert tmplmon("render site/pages/a.html --path theme --path site").out == "theme"
    # A file outside of the search path is rendered, too. The path is for its includes.
    assert tmplmon("render site/pages/a.html --path theme").out == "theme"


def test_a_file_that_another_hides(here: Path, tmplmon: Command) -> None:
    put(here / "site/a.html", "site")
    put(here / "theme/a.html", "theme")
    result = tmplmon("render site/a.html --path theme --path site")
    assert result.status == 2
    assert "theme/a.html hides site/a.html" in result.err


def test_extensions(here: Path, tmplmon: Command) -> None:
    put(here / "a.txt", "{% for x in [1, 2, 3] %}{% if x == 2 %}{% break %}{% endif %}{{ x }}{% endfor %}")
    assert tmplmon("render a.txt").status == 1
    assert tmplmon("render a.txt --extension loopcontrols").out == "1"
    assert tmplmon("render a.txt --extension tmplmon.ext.loopcontrols --extension do").out == "1"
    put(here / "b.txt", "{% trans n=2 %}one{% pluralize %}{{ n }} many{% endtrans %}")
    assert tmplmon("render b.txt --extension i18n").out == "2 many"
    result = tmplmon("render a.txt --extension nonsense")
    assert result.status == 2
    assert "--extension nonsense" in result.err


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
def test_back_ends(here: Path, tmplmon: Command, backend: str) -> None:
    put(here / "a.txt", "{% for x in [1, 2] %}{{ x * 2 }};{% endfor %}")
    result = tmplmon(f"render a.txt --backend {backend}")
    if "this version has no back end" in result.err:
        pytest.skip("the environment cannot choose a back end yet")
    assert result.out == "2;4;"


def test_the_cache_is_kept_and_used(here: Path, tmplmon: Command) -> None:
    put(here / "a.txt", "{{ v }}")
    for value in ("1", "2"):
        assert tmplmon(f"render a.txt --data v={value} --cache cache").out == value
        assert list((here / "cache").iterdir())
    put(here / "a.txt", "changed")
    assert tmplmon("render a.txt --cache cache").out == "changed"


# --- errors ------------------------------------------------------------------------------------------------


def test_a_syntax_error(here: Path, tmplmon: Command) -> None:
    put(here / "a.txt", "one\n\t{{ é b }}\n")
    result = tmplmon("render a.txt")
    assert (result.status, result.out) == (1, "")
    assert result.err == (
        "error: unexpected 'b'; expected ',', '}}' or an operator\n"
        "  --> a.txt:2:7\n"
        "   2 | \t{{ é b }}\n"
        "     | \t     ^\n"
    )


def test_an_error_while_rendering(here: Path, tmplmon: Command) -> None:
    put(here / "a.txt", "one\n\té {{ 'x' ~ 1 / zero }}\n")
    result = tmplmon("render a.txt --data zero:=0")
    assert result.status == 1
    assert result.err == (
        "error: ZeroDivisionError: division by zero\n"
        "  --> a.txt:2:13\n"
        "   2 | \té {{ 'x' ~ 1 / zero }}\n"
        "     | \t           ^^^^^^^^\n"
    )


def test_undefined_variables(here: Path, tmplmon: Command) -> None:
    put(here / "a.txt", "{{ user.name.first }} {{ nothing }}")
    assert tmplmon("render a.txt --data user:={}").err.splitlines()[0] == (
        "error: 'dict object' has no attribute 'name'"
    )
    put(here / "a.txt", "[{{ nothing }}]")
    assert tmplmon("render a.txt").out == "[]"
    result = tmplmon("render a.txt --strict")
    assert result.status == 1
    assert result.err == (
        "error: 'nothing' is undefined\n  --> a.txt:1:5\n   1 | [{{ nothing }}]\n     |     ^^^^^^^\n"
    )


def test_the_chain_of_templates_of_an_error_in_an_include(here: Path, tmplmon: Command) -> None:
    put(here / "a.html", "{% import 'm.html' as m %}\n{% block x %}\n{{ m.f() }}\n{% endblock %}")
    put(here / "m.html", "{% macro f() %}\n\n{% include 'b.html' %}{% endmacro %}")
    put(here / "b.html", "{{ 1 }}\n {{ 1 + none }}")
    result = tmplmon("render a.html")
    assert result.status == 1
    lines = result.err.splitlines()
    assert lines[0].startswith("error: TypeError: unsupported operand")
    assert lines[1:4] == ["  --> b.html:2:5", "   2 |  {{ 1 + none }}", "     |     ^^^^^^^^"]
    assert lines[4:6] == ["  from m.html:3", "  from a.html:3"]


def test_a_missing_template(here: Path, tmplmon: Command) -> None:
    put(here / "a.html", "x\n{% include 'nowhere.html' %}")
    result = tmplmon("render a.html")
    assert result.status == 1
    lines = result.err.splitlines()
    assert lines[0].startswith("error: template 'nowhere.html' not found")
    assert lines[1].startswith("  --> a.html:2:")


def test_a_syntax_error_in_an_include(here: Path, tmplmon: Command) -> None:
    put(here / "a.html", "\n{% include 'b.html' %}")
    put(here / "b.html", "{% if %}")
    lines = tmplmon("render a.html").err.splitlines()
    assert lines[1] == "  --> b.html:1:7"
    assert "  from a.html:2" in lines


def test_templates_that_include_each_other(here: Path, tmplmon: Command) -> None:
    put(here / "a.html", "{% include 'a.html' %}")
    result = tmplmon("render a.html")
    assert result.status == 1
    assert result.err.startswith("error: the templates recurse without end")
    assert result.err.count("\n") < 12


def test_a_file_that_is_not_utf_8(here: Path, tmplmon: Command) -> None:
    put(here / "a.html", b"caf\xe9!")
    result = tmplmon("render a.html")
    assert result.status == 1
    assert result.err == "error: a.html is not valid UTF-8: invalid continuation byte at byte 3\n"
    put(here / "b.html", "{% include 'a.html' %}")
    assert tmplmon("render b.html").err.startswith("error: a.html is not valid UTF-8: ")


def test_half_a_surrogate_pair(here: Path, tmplmon: Command) -> None:
    put(here / "a.txt", "{{ v }}")
    result = tmplmon("render", "a.txt", "--data", 'v:="\\ud800"')
    assert result.status == 1
    assert result.err == "error: the output has '\\ud800', which is not a character\n"


def test_an_internal_error_prints_no_traceback(here: Path, tmplmon: Command) -> None:
    put(here / "a.txt", "{{ 10 ** 400 * 1.0 }}")
    result = tmplmon("render a.txt")
    assert result.status == 1
    assert "OverflowError" in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("render nowhere.html", "there is no nowhere.html"),
        ("render", "required: PATH"),
        ("render a.txt --backend jit", "invalid choice: 'jit'"),
        ("render a.txt --data", "expected at least one argument"),
        ("render a.txt --data nothing", "'nothing' is neither"),
        ("", "required: COMMAND"),
        ("bake a.txt", "invalid choice: 'bake'"),
    ],
)
def test_usage_errors(here: Path, tmplmon: Command, words: str, message: str) -> None:
    put(here / "a.txt", "x")
    result = tmplmon(words)
    assert (result.status, result.out) == (2, "")
    assert message in result.err


def test_help_and_version(tmplmon: Command) -> None:
    for words in ("--help", "render --help", "check --help", "show --help"):
        result = tmplmon(words)
        assert result.status == 0
        assert result.out.startswith("usage: tmplmon")
    assert tmplmon("--version").out == f"tmplmon {version('tmplmon')}\n"
