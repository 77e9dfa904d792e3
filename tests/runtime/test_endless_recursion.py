"""Templates that extend, include, import or call each other without end: a note names the lines that repeat."""

import asyncio

import pytest

from tmplmon import DictLoader, Environment

TEMPLATES = {
    "a": "text\n{% extends 'b' %}{% block x %}a{% endblock %}",
    "b": "{% extends 'a' %}{% block x %}b{% endblock %}",
    "included": "{% include 'included' %}",
    "macro": "{% macro m(x) %}\n{{ m(x + 1) }}{% endmacro %}{{ m(1) }}",
    "block": "{% block b %}\n\n{{ self.b() }}{% endblock %}",
    "call": "{% macro n() %}{{ caller() }}{% endmacro %}\n"
    "{% macro m() %}{% call n() %}{{ m() }}{% endcall %}{% endmacro %}{{ m() }}",
}
CYCLES = {
    "a": {"'a', <template>, line 2", "'b', <template>, line 1"},
    "included": {"'included', <template>, line 1"},
    "macro": {"'macro', macro m, line 2"},
    "block": {"'block', block b, line 3"},
    "call": {"'call', macro m, line 2", "'call', macro n, line 1", "'call', caller, line 2"},
}


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
@pytest.mark.parametrize("name", CYCLES)
def test_a_note_names_the_lines(backend: str, name: str) -> None:
    environment = Environment(backend=backend, loader=DictLoader(TEMPLATES))
    template = environment.get_template(name)
    with pytest.raises(RecursionError) as raised:
        template.render()
    (note,) = raised.value.__notes__
    first, *lines = note.split("\n  ")
    assert first == "the same code runs again and again:"
    assert set(lines) == CYCLES[name]
    assert lines[0] == lines[-1]
    assert len(lines) == len(CYCLES[name]) + 1


def test_other_errors_have_no_note() -> None:
    def fail() -> None:
        raise RecursionError("of the application")

    with pytest.raises(RecursionError, match="of the application") as raised:
        Environment().from_string("{{ fail() }}").render(fail=fail)
    assert not hasattr(raised.value, "__notes__")


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
def test_a_block_is_in_a_chain_once(backend: str) -> None:
    environment = Environment(backend=backend, loader=DictLoader(TEMPLATES))
    a, b = environment.get_template("a"), environment.get_template("b")
    table = a._table.extending[b._table]
    assert [block.template for block in table["x"]] == [a, b]
    assert table.extending[a._table] is table
    assert table.extending[b._table] is table


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
def test_a_template_may_extend_itself_a_few_times(backend: str) -> None:
    source = (
        "{% set n = n - 1 %}{% extends 'main' if n else 'base' %}{% block x %}({{ super() }}){% endblock %}"
    )
    templates = {"main": source, "base": "{% block x %}base{% endblock %}"}
    environment = Environment(backend=backend, loader=DictLoader(templates))
    assert environment.get_template("main").render(n=4) == "(base)"


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
@pytest.mark.parametrize("attribute", ["last", "nextitem"])
def test_a_loop_that_looks_ahead_asynchronously_can_reach_the_limit(backend: str, attribute: str) -> None:
    """CPython 3.13 crashes if the limit is reached in ``anext(iterator, default)``."""
    source = f"{{% for x in [[1]] recursive %}}{{{{ loop.{attribute} }}}}{{{{ loop(y) }}}}{{% endfor %}}"
    template = Environment(backend=backend, enable_async=True).from_string(source)

    def render(frames: int) -> None:
        if frames:
            render(frames - 1)
        else:
            asyncio.run(template.render_async(y=[[1]]))

    for frames in range(8):
        with pytest.raises(RecursionError):
            render(frames)
