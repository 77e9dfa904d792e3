"""Long runs of output: each line is reached once, whatever the number of parts that are written together."""

import sys

import pytest

from tmplmon import Environment

LINES = 150
PARTS = {
    "values": "{{ a }}",
    "values and texts": "{{ a }} text {{ b }}",
    "texts": "text {# comment #} text",
    "joined values": "{{ a ~ b ~ a }}",
    "attributes": "{{ user.name }}",
    "choices": "{% if a %}yes{% else %}no{% endif %}",
    "filters": "{{ a|upper }}{{ b|e }}",
}


def lines_of(environment: Environment, source: str) -> list[int]:
    """The lines for which LINE events are fired, in order."""
    template = environment.from_string(source)
    names = {"a": 1, "b": "<b>", "user": {"name": "Bob"}}
    template.render(names)
    monitoring, seen = sys.monitoring, []
    monitoring.use_tool_id(4, "test")
    try:

        def line(code: object, number: int) -> None:
            if code.co_filename.startswith("<template"):  # type: ignore[attr-defined]
                seen.append(number)

        monitoring.register_callback(4, monitoring.events.LINE, line)
        monitoring.set_events(4, monitoring.events.LINE)
        template.render(names)
    finally:
        monitoring.set_events(4, 0)
        monitoring.register_callback(4, monitoring.events.LINE, None)
        monitoring.free_tool_id(4)
    return seen


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_each_line_is_reached_once(backend: str, part: str) -> None:
    source = f"{part}\n" * LINES
    for autoescape in (False, True):
        environment = Environment(autoescape=autoescape, backend=backend)
        assert lines_of(environment, source) == list(range(1, LINES + 1))


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
def test_each_line_of_a_loop_is_reached_once_a_round(backend: str) -> None:
    source = "{% for _ in [1, 2] %}\n" + "{{ a }} {{ b }}\n" * LINES + "{% endfor %}"
    body = list(range(2, LINES + 2))
    assert lines_of(Environment(backend=backend), source) == [1, *body, 1, *body, 1]
