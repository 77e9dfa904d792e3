"""A short run of the fuzzer (`tests.sandbox.fuzz`), and tests that it detects each kind of fault."""

from collections.abc import Iterator
from typing import Any

import pytest
from effort import runs_everything

from tmplmon.runtime import support
from tmplmon.sandbox import SandboxedEnvironment
from tmplmon.sandbox import environment as sandbox

from .fuzz import values
from .fuzz.__main__ import smallest
from .fuzz.generate import Case, case
from .fuzz.judge import judge

CASES = 1200 if runs_everything() else 200
GROUPS = CASES // 100
PLAIN = {"fuel": 1000, "output": 1000}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("group", range(GROUPS))
def test_cases(group: int) -> None:
    counts: dict[str, int] = {}
    for number in range(group, CASES, GROUPS):
        finding = judge(case(number), counts)
        assert finding is None, (
            f"python -m tests.sandbox.fuzz --case {number}: {finding.what}\n{finding.detail}"
        )
    assert {"output", "TemplateSyntaxError", "FuelExhausted", "UndefinedError"} <= counts.keys()


def test_a_number_gives_the_same_case() -> None:
    assert [case(number) for number in range(50)] == [case(number) for number in range(50)]


def plain(source: str, mode: str = "render", **options: Any) -> Case:
    return Case(0, {"main": source, "a.html": "never used"}, options, (("render", PLAIN), (mode, PLAIN)))


@pytest.fixture
def open_sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A sandbox that allows everything."""
    monkeypatch.setattr(SandboxedEnvironment, "is_safe_attribute", lambda *_: True)
    monkeypatch.setattr(SandboxedEnvironment, "is_safe_callable", lambda *_: True)
    monkeypatch.setattr(sandbox, "is_internal_attribute", lambda *_: False)
    yield
    values.called.clear()


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("{{ user._secret }}", "a secret came out"),
        ("{{ function.__globals__.SECRET }}", "a secret came out"),
        ("{{ user.__class__.__mro__ }}", "an object came out"),
        ("{{ user.delete() }}", "a function was called that must not be"),
        ("{{ function.__code__ }}", "an object came out"),
    ],
)
def test_an_escape_is_detected(open_sandbox: None, source: str, what: str) -> None:
    finding = judge(plain(source))
    assert finding is not None
    assert finding.what == what


@pytest.mark.parametrize("error", [RecursionError, MemoryError, NameError, SystemError])
def test_an_undocumented_exception_is_detected(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fails(*_: Any) -> Any:
        raise error("x")

    monkeypatch.setattr(values.User, "greet", fails)
    if error is RecursionError:
        # With a budget, it becomes an exception of the budget.
        assert judge(plain("{{ user.greet() }}")) is None
        return
    finding = judge(plain("{{ user.greet() }}"))
    assert finding is not None
    assert error.__name__ in finding.what


def test_a_fault_of_the_engine_is_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Any:
        return {}[1]

    monkeypatch.setattr(support, "included", fails)
    assert judge(plain("{% include 'a.html' %}")) is None  # a function of the application may raise it
    fails.__code__ = fails.__code__.replace(co_filename=support.__file__)
    finding = judge(plain("{% include 'a.html' %}"))
    assert finding is not None
    assert finding.what.startswith("KeyError")


def test_a_finding_is_reduced(open_sandbox: None) -> None:
    failing = plain(
        "{% for x in items %}text {{ x }}{% endfor %}{{ user.name ~ user._secret }} and {{ n }}", "generate"
    )
    finding = judge(failing)
    assert finding is not None
    small = smallest(failing, finding)
    assert len(small.sources["main"]) < 25
    assert "_secret" in small.sources["main"]
    assert [*small.sources] == ["main"]
    assert len(small.renders) == 1
