"""The lines that LINE is fired for, in order: the same for both back ends."""

import sys
from types import CodeType
from typing import Any

import pytest
from cases.engines import ROOT

from tmplmon import Environment
from tmplmon.loaders import FunctionLoader

monitoring = sys.monitoring


class Item:
    def __init__(self, a: int) -> None:
        self.a = a


CASES: list[tuple[str, dict[str, Any], list[int]]] = [
    (
        "{% for x in xs\n  if x.a %}\nA\n{% endfor %}\nB",
        {"xs": [Item(1), Item(0)]},
        [1, 2, 3, 1, 2, 1, 5],
    ),
    (
        "{% for x in xs\n  if x|int %}\n{{ loop.last }}\n{% endfor %}\nB",
        {"xs": [1, 0]},
        [1, 1, 2, 1, 2, 1, 3, 1, 5],
    ),
    ("{% for x in xs\n  if x %}\nA\n{% endfor %}\nB", {"xs": [1, 0]}, [1, 3, 1, 5]),
    ("{% filter upper %}{% if a %}\nx\n{% endif %}{% endfilter %}", {"a": 1}, [1, 2, 1]),
    ("{% filter upper %}{% if a %}\nx\n{% endif %}{% endfilter %}", {"a": 0}, [1]),
    ("{% filter upper %}{% if a %}\nx\n{% endif %}\n{% endfilter %}\ny", {"a": 0}, [1, 5]),
    ("{% filter upper %}{% for x in xs %}\nx\n{% endfor %}{% endfilter %}\ny", {"xs": []}, [1, 4]),
    ("{% set q|upper %}{% if a %}\nx\n{% endif %}\n{% endset %}\n{{ q }}", {"a": 0}, [1, 5]),
    ("{% set q|upper %}{% if a %}\nx\n{% endif %}\n{% endset %}\n{{ q }}", {"a": 1}, [1, 2, 1, 5]),
    ("{% set q %}{% if a %}\nx\n{% endif %}\n{% endset %}\n{{ q }}", {"a": 1}, [1, 2, 5]),
    ("{% set q %}{% if a %}\nx\n{% endif %}\n{% endset %}\n{{ q }}", {"a": 0}, [1, 5]),
]


@pytest.mark.parametrize("backend", ("bytecode", "closures"))
@pytest.mark.parametrize(("source", "context", "expected"), CASES)
def test_lines(source: str, context: dict[str, Any], expected: list[int], backend: str) -> None:
    loader = FunctionLoader(lambda name: (source, ROOT + name, lambda: True))
    template = Environment(loader=loader, backend=backend).get_template("page")
    lines: list[int] = []

    def note(code: CodeType, line: int) -> None:
        if code.co_filename == ROOT + "page":
            lines.append(line)

    monitoring.use_tool_id(4, "lines")
    monitoring.register_callback(4, monitoring.events.LINE, note)
    monitoring.set_events(4, monitoring.events.LINE)
    try:
        template.render(context)
    finally:
        monitoring.set_events(4, 0)
        monitoring.register_callback(4, monitoring.events.LINE, None)
        monitoring.free_tool_id(4)
    assert lines == expected
