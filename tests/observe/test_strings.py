"""Templates that are passed to Jinja2 as strings are attributed to the files that contain them."""

import sys
from collections.abc import Iterator
from pathlib import Path

import jinja2
import pytest

from tmplmon.observe import strings

FILE = """\
{# Macros. #}

{% macro one(x) %}
  {{ x }}
{% endmacro %}

{% macro two(x) -%}
  {{ x / 0 }}
{%- endmacro %}
"""


@pytest.fixture
def folder(tmp_path: Path, observed: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(strings, "_folders", [])
    monkeypatch.setattr(strings, "_texts", None)
    monkeypatch.setattr(strings, "_places", {})
    (tmp_path / "macros.sql").write_text(FILE)
    (tmp_path / "whole.j2").write_text("\n\na\n{{ 1 / x }}\n")
    for name in ("twice1", "twice2"):
        (tmp_path / name).write_text("{{ twice }}\n")
    strings.add_folders([str(tmp_path)])
    yield tmp_path


def place(source: str, **variables: object) -> tuple[str, int]:
    """The file and line of the last frame of a template when it fails."""
    template = jinja2.Environment().from_string(source)
    try:
        module = template.make_module(variables)
        module.two(1)  # type: ignore[attr-defined]
    except ZeroDivisionError as error:
        frames = []
        traceback = error.__traceback__
        while traceback is not None:
            frames.append((traceback.tb_frame.f_code.co_filename, traceback.tb_lineno))
            traceback = traceback.tb_next
        return [frame for frame in frames if not frame[0].endswith(".py")][-1]
    raise AssertionError


def test_a_macro_is_found_in_its_file(folder: Path) -> None:
    assert place(FILE[FILE.index("{% macro two") :].rstrip()) == (str(folder / "macros.sql"), 8)


@pytest.mark.parametrize("source", ["\n\na\n{{ 1 / x }}\n", "a\n{{ 1 / x }}", "\na\n{{ 1 / x }}"])
def test_a_whole_file(folder: Path, source: str) -> None:
    assert place(source, x=0) == (str(folder / "whole.j2"), 4)


@pytest.mark.parametrize("source", ["{{ twice }}", "{{ 1 / x }}", "{{ x }}", " ", ""])
def test_other_strings_are_in_no_file(folder: Path, source: str) -> None:
    template = jinja2.Environment().from_string(source)
    assert template.filename == "<template>"
    assert "tmplmon.observe.hooks" in sys.modules
