"""`source_map`: the origins of rendered text. The text is the same as without the option."""

from pathlib import Path
from typing import Any

import pytest

from tests.cases import engines
from tests.cases.casefile import read
from tmplmon import DictLoader, Environment, NativeEnvironment

CASES = sorted(Path(__file__).parents[1].joinpath("cases").rglob("*.txt"))
WITHOUT = engines.TMPLMON
WITH = engines.Engine("tmplmon", (("source_map", True),))


@pytest.mark.parametrize("folder", sorted({path.parent.name for path in CASES}))
def test_output_errors_and_events_do_not_change(folder: str) -> None:
    compared = 0
    for path in CASES:
        case = read(path)
        options = case.sections.get("options", "")
        if path.parent.name != folder or "native" in options or "native" in case.sections.get("run", ""):
            continue
        events = "events" in case.sections
        expected = engines.run(WITHOUT, case, events=events)
        assert engines.run(WITH, case, events=events) == expected, path
        compared += 1
    assert compared or folder == "native"


def spans(
    templates: dict[str, str], name: str = "main", asynchronous: bool = False, **names: Any
) -> list[Any]:
    """(text, template, line, chain of callers) of each piece, without blank pieces."""
    environment = Environment(
        loader=DictLoader(templates), autoescape=True, source_map=True, enable_async=asynchronous
    )
    page: Any = environment.get_template(name).render(**names)
    origins = []
    start = 0
    for length, origin in page.spans:
        text = str(page[start : start + length])
        start += length
        if text.strip():
            chain = " ".join(f"{step.template}:{step.line}" for step in origin.chain)
            origins.append((text.strip(), origin.template, origin.line, chain))
    assert start == len(page)
    return origins


@pytest.mark.parametrize("asynchronous", [False, True])
def test_includes_inheritance_and_macros(asynchronous: bool) -> None:
    templates = {
        "base": "<b>\n{% include 'nav' %}\n{% block body %}{% endblock %}",
        "nav": "<i>\n{{ site }}",
        "lib": "{% macro card(x) %}\n[{{ x }}]{{ caller() }}{% endmacro %}",
        "main": (
            "{% extends 'base' %}\n"
            "{% from 'lib' import card %}\n"
            "{% block body %}\n"
            "{% call card(1) %}\nin{% endcall %}{% endblock %}"
        ),
    }
    assert spans(templates, site="&", asynchronous=asynchronous) == [
        ("<b>", "base", 1, "main:1"),
        ("<i>", "nav", 1, "main:1 base:2"),
        ("&amp;", "nav", 2, "main:1 base:2"),
        ("[", "lib", 2, "main:1 base:3 main:4"),
        ("1", "lib", 2, "main:1 base:3 main:4"),
        ("]", "lib", 2, "main:1 base:3 main:4"),
        ("in", "main", 5, "main:1 base:3 main:4 lib:2"),
    ]


def test_captured_text_keeps_its_origin_until_it_is_changed() -> None:
    source = "{% set x %}\na{{ n }}{% endset %}\n{{ x|trim }}{{ x|upper }}{{ x ~ '!' }}{{ x|safe }}"
    assert spans({"main": source}, n=1) == [
        ("a", "main", 2, ""),
        ("1", "main", 2, ""),
        ("A1", "main", 3, ""),
        ("a1", "main", 3, ""),
        ("!", "main", 3, ""),
        ("a", "main", 2, ""),
        ("1", "main", 2, ""),
    ]
    shown = "{{ x }}{% autoescape true %}{{ x }}{% endautoescape %}"
    source = "{% autoescape false %}{% set x %}\n<{% endset %}" + shown + "{% endautoescape %}"
    assert spans({"main": source}) == [("<", "main", 2, ""), ("&lt;", "main", 2, "")]


def test_blocks_called_by_name_and_recursive_loops() -> None:
    source = "{% block b %}x{% endblock %}\n{{ self.b() }}\n{% for n in t recursive %}\n({{ loop(n) }}){% endfor %}"
    assert spans({"main": source}, t=[[[]]]) == [
        ("x", "main", 1, "main:1"),
        ("x", "main", 1, "main:2"),
        ("(", "main", 4, "main:3"),
        ("(", "main", 4, "main:3 main:4"),
        (")", "main", 4, "main:3 main:4"),
        (")", "main", 4, "main:3"),
    ]


def test_streamed_chunks_have_origins() -> None:
    environment = Environment(source_map=True)
    pieces: list[Any] = list(environment.from_string("a\n{{ 1 }}").generate())
    assert [(str(piece), piece.spans[0][1] and piece.spans[0][1].line) for piece in pieces] == [
        ("a\n", 1),
        ("1", 2),
    ]


def test_columns() -> None:
    environment = Environment(source_map=True)
    page: Any = environment.from_string("é {{ name.x }} <b>\n  {{ name['y'] }}").render(name={"x": 1, "y": 2})
    known = [(o.line, o.column, o.end_column, o.literal) for _, o in page.spans if o is not None]
    assert known == [(1, 0, -1, True), (1, 6, 12, False), (1, 16, -1, True), (2, 5, 14, False)]


def test_overlays_can_switch_it() -> None:
    environment = Environment(loader=DictLoader({"main": "{{ 1 }}"}))
    mapped = environment.overlay(source_map=True)
    back = mapped.overlay(source_map=False)
    assert hasattr(mapped.get_template("main").render(), "spans")
    for plain in (environment, back):
        assert type(plain.get_template("main").render()) is str


def test_options_that_exclude_it() -> None:
    with pytest.raises(ValueError, match="source_map"):
        Environment(source_map=True, backend="closures")
    with pytest.raises(ValueError, match="source_map"):
        NativeEnvironment(source_map=True)
