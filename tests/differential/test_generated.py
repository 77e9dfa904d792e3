"""Generated templates have the same results with Jinja2 and with both back ends.

``python -m tests.differential --count 100000`` compares more of them.
"""

import pytest
from cases.casefile import Case
from cases.engines import Engine
from effort import runs_everything

from . import __main__ as command
from . import compare
from .compare import difference
from .generate import generated
from .shrink import shrink

PORTIONS = 20 if runs_everything() else 2
PORTION = 75

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*object is not (subscriptable|callable):SyntaxWarning",  # about constants in Jinja2's generated code
    "ignore:coroutine .* was never awaited:RuntimeWarning",
)


@pytest.mark.parametrize("portion", range(PORTIONS))
def test_generated_templates(portion: int) -> None:
    for number in range(portion * PORTION, (portion + 1) * PORTION):
        report = difference(generated(number))
        assert report is None, f"template {number}\n{report}"


def test_a_case_that_differs_is_reduced(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this test, a back end differs because it trims blocks."""
    monkeypatch.setattr(compare, "BACKENDS", {"trims": Engine("tmplmon", (("trim_blocks", True),))})
    sections = {"options": "lstrip_blocks = True", "context": "a = 1\nb = 2", "run": "stream"}
    templates = {
        "main": "{{ a }}\n{% if b %}\n{# note #}{% for x in [1] %} {% include 'part' %}{% endfor %}{% endif %}",
        "part": "part",
    }
    small = shrink(Case("", sections, templates))
    assert small.templates == {"main": "{% if b %}\n{% endif %}"}
    assert small.sections == {"options": "", "context": "b = 2", "run": "render"}
    report = difference(small)
    assert report is not None
    assert "jinja2: ('output', '\\n')" in report
    assert "trims: ('output', '')" in report


def test_a_number_always_has_the_same_case() -> None:
    assert generated(7) == generated(7) != generated(8)


def test_the_command_reports_the_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "difference", lambda case: case.sections["run"])
    monkeypatch.setattr(command, "shrink", lambda case: case)
    assert command.compared(3, 5) == [
        f"=== {number}\n{generated(number).sections['run']}" for number in (3, 4)
    ]
    monkeypatch.setattr(command, "difference", lambda case: None)
    assert command.compared(3, 5) == []
