"""``--data``: files, assignments, their order, and messages about errors."""

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tmplmon.cli.data import data_files, read_data
from tmplmon.cli.problems import ProblemFound, UsageError, long_form

from .conftest import put


def test_assignments() -> None:
    assert read_data(["a=1", "b:=1", "c=", 'd:={"x": [true, null]}', "e=a=b:=c", "é=x", "f=\n"]) == {
        "a": "1",
        "b": 1,
        "c": "",
        "d": {"x": [True, None]},
        "e": "a=b:=c",
        "é": "x",
        "f": "\n",
    }


def test_files_and_order(here: Path) -> None:
    put(here / "a.json", '{"a": 1, "b": {"c": 1}}')
    put(here / "b.TOML", "b.d = 2\nwhen = 2027-05-13\n")
    assert read_data(["a=0", "a.json", "b.TOML"]) == {"a": 1, "b": {"d": 2}, "when": date(2027, 5, 13)}
    assert read_data(["b.TOML", "a.json", "a=0"]) == {"a": "0", "b": {"c": 1}, "when": date(2027, 5, 13)}
    assert data_files(["a=0", "a.json", "-", "b.TOML"]) == ["a.json", "b.TOML"]


def test_byte_order_mark(here: Path) -> None:
    put(here / "a.json", b'\xef\xbb\xbf{"a": "\xc3\xa9"}')
    put(here / "a.toml", b"\xef\xbb\xbfb = 1")
    assert read_data(["a.json", "a.toml"]) == {"a": "é", "b": 1}


def test_a_path_with_an_equals_sign(here: Path) -> None:
    put(here / "a=b.json", "{}")
    assert read_data(["./a=b.json"]) == {}


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'\xef\xbb\xbf{"a": 1}')))
    assert read_data(["-"]) == {"a": 1}


@pytest.mark.parametrize(
    ("name", "content", "shown"),
    [
        (
            "a.json",
            '{\n  "a": 1\n  "b": 2\n}',
            "error: invalid JSON: Expecting ',' delimiter\n  --> a.json:3:3\n   3 |   \"b\": 2\n     |   ^",
        ),
        ("a.json", "", "error: invalid JSON: Expecting value\n  --> a.json:1:1\n   1 | \n     | ^"),
        ("a.json", "[1]", "error: the data must be an object with names, not a list\n  --> a.json"),
        ("a.json", b"\xff{}", "error: the data is not UTF-8: invalid start byte at byte 0\n  --> a.json"),
        ("a.json", "[" * 200_000, "error: the JSON is nested too deeply\n  --> a.json"),
        (
            "a.toml",
            "a = 1\nb = é",
            "error: invalid TOML: Invalid value\n  --> a.toml:2:5\n   2 | b = é\n     |     ^",
        ),
        ("a.toml", "a = 1\na = 2", None),
        ("a.toml", b"\xff", "error: the data is not UTF-8: invalid start byte at byte 0\n  --> a.toml"),
        ("missing.json", None, "error: cannot read the data: No such file or directory\n  --> missing.json"),
    ],
)
def test_errors_in_files(here: Path, name: str, content: Any, shown: str | None) -> None:
    if content is not None:
        put(here / name, content)
    with pytest.raises(ProblemFound) as caught:
        read_data([name])
    found = long_form(caught.value.problem)
    assert (
        found.startswith("error: invalid TOML: Cannot overwrite a value") if shown is None else found == shown
    )


def test_a_directory_is_not_data(here: Path) -> None:
    (here / "d.json").mkdir()
    with pytest.raises(ProblemFound, match="Is a directory"):
        read_data(["d.json"])


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("data", "'data' is neither name=text, name:=json nor a file that ends in .json or .toml"),
        ("1a=2", "'1a=2' is neither"),
        ("a.b=2", "'a.b=2' is neither"),
        ("data.yml", "YAML is not read; convert the file to JSON or TOML"),
        ("a:=[", "a:= is followed by '[', which is not JSON"),
        ("a:=" + "[" * 200_000, "nested too deeply"),
    ],
)
def test_invalid_items(item: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_data([item])
    assert words in str(caught.value)


def test_all_json_values() -> None:
    value = {"a": [1, 2.5, "x\u2028", None, True, {"": []}]}
    assert read_data([f"v:={json.dumps(value)}"]) == {"v": value}
