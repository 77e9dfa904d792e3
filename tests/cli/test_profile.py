"""``tmplmon profile``: options and output. The tests of profiles are in tests/profiler."""

import json
from pathlib import Path

import pytest

from .conftest import Command, put


@pytest.fixture(autouse=True)
def templates(here: Path) -> None:
    put(here / "page.html", '<ul>\n{% for n in numbers %}\n{% include "row.html" %}\n{% endfor %}\n</ul>\n')
    put(here / "row.html", "<li>{{ n }}</li>\n")
    put(here / "bad.html", "\n{{ missing.name }}\n")


DATA = "numbers:=[1,2,3]"


def test_the_table_on_standard_output(tmplmon: Command) -> None:
    result = tmplmon(f"profile page.html --data {DATA}")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith("1 rendering, 12 lines in 2 templates: ")
    assert "without the profiler)" in result.out.splitlines()[0]
    assert '{% include "row.html" %}  → row.html' in result.out
    assert "\x1b" not in result.out


def test_repeated_as_json(tmplmon: Command) -> None:
    made = json.loads(tmplmon(f"profile page.html --data {DATA} -n 5 --format json").out)
    files = {file["file"].rpartition("/")[2]: file for file in made["files"]}
    assert made["renderings"] == 5
    assert made["plain"] > 0
    assert [line["hits"] for line in files["page.html"]["lines"]] == [5, 20, 15, 5]
    assert [line["hits"] for line in files["row.html"]["lines"]] == [15]


def test_the_first_rendering_includes_the_loading(tmplmon: Command) -> None:
    made = json.loads(tmplmon(f"profile page.html --data {DATA} --cold --format json").out)
    assert (made["renderings"], made["plain"]) == (1, None)


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
def test_both_back_ends(tmplmon: Command, backend: str) -> None:
    made = json.loads(tmplmon(f"profile page.html --data {DATA} --backend {backend} --format json").out)
    assert sum(line["hits"] for file in made["files"] for line in file["lines"]) == 12


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("a.html", "<!DOCTYPE html>"),
        ("a.svg", "<?xml"),
        ("a.speedscope.json", '{"$schema"'),
        ("a.txt", "1 rendering"),
    ],
)
def test_the_name_of_the_file_determines_its_format(
    tmplmon: Command, here: Path, name: str, begins: str
) -> None:
    result = tmplmon(f"profile page.html --data {DATA} -o {name}")
    assert (result.status, result.out, result.err) == (0, "", "")
    assert (here / name).read_text("utf-8").startswith(begins)


def test_the_option_for_colours(tmplmon: Command) -> None:
    assert "\x1b[" in tmplmon(f"profile page.html --data {DATA} --color always").out


def test_an_error_is_reported_as_by_render(tmplmon: Command) -> None:
    result = tmplmon("profile bad.html")
    assert (result.status, result.out) == (1, "")
    assert "bad.html:2:4" in result.err
    assert result.err == tmplmon("render bad.html").err


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("profile none.html", "there is no none.html"),
        ("profile .", "is a directory"),
        ("profile page.html -o a.pdf", "a.pdf"),
        ("profile page.html -n 0", "at least 1"),
    ],
)
def test_wrong_command_lines(tmplmon: Command, line: str, says: str) -> None:
    result = tmplmon(line)
    assert result.status == 2
    assert says in result.err


def test_a_file_that_cannot_be_written(tmplmon: Command, here: Path) -> None:
    put(here / "file", "")
    result = tmplmon("profile page.html -o file/a.html")
    assert result.status == 1
    assert "cannot write" in result.err
