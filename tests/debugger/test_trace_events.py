"""The events of ``sys.settrace`` in templates, on which some debuggers rely."""

import sys
from types import FrameType
from typing import Any

import pytest
from cases import casefile
from cases.engines import RENDERERS, ROOT, Engine, evaluate
from cases.test_cases import PATHS, each
from effort import every

BACKENDS = ["bytecode", "closures"]

pytestmark = pytest.mark.filterwarnings(
    "ignore:coroutine .* was never awaited:RuntimeWarning",
    "ignore:coroutine method .* was never awaited:RuntimeWarning",
)


class Lines:
    """A trace function that records (name, event) of the events of templates without a `frame.f_lineno`."""

    def __init__(self) -> None:
        self.missing: list[tuple[str, str]] = []
        self.called: dict[FrameType, int | None] = {}

    def __call__(self, frame: FrameType, event: str, arg: Any) -> "Lines | None":
        if not frame.f_code.co_filename.startswith(ROOT):
            return None
        # These debuggers ignore functions whose call has no line.
        if self.called.setdefault(frame, frame.f_lineno) is not None and frame.f_lineno is None:
            self.missing.append((frame.f_code.co_name, event))
        return self


@pytest.mark.parametrize("backend", BACKENDS)
@each(every(8, PATHS))
def test_a_function_whose_call_has_a_line_has_one_in_all_events(path: Any, backend: str) -> None:
    """Otherwise, PyCharm's debugger raises TypeError in the program."""
    case = casefile.read(path)
    engine = Engine("tmplmon", (("backend", backend),))
    for how in (case.sections.get("run", "render"), "generate", "generate_async"):
        is_async = "async" in how
        if is_async and case.refusal("async"):
            continue
        options = evaluate(case.sections.get("options", ""), engine)
        options |= {"enable_async": True} if is_async else {}
        variables = evaluate(case.sections.get("context", ""), engine)
        lines = Lines()
        before = sys.gettrace()
        try:
            template = engine.environment(case.templates, **options).get_template("main")
            sys.settrace(lines)
            RENDERERS[how](template, variables)
        except Exception:
            pass  # other tests check the output
        finally:
            sys.settrace(before)
        assert lines.missing == []
