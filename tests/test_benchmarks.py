"""The benchmarks are fair: the output of all engines for all workloads equals that of Jinja2.

Engines that are not installed are skipped, and so are workloads that an engine cannot express. The list of these is
tested, too, so that no engine is left out by accident.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))  # benchmarks/ is not a part of the installed package

from benchmarks import report, timing
from benchmarks.engines import NAMES, REFERENCE, CannotExpress, Engine, Unavailable, load
from benchmarks.outputs import difference, normalise
from benchmarks.sections import Run
from benchmarks.workloads import WORKLOADS
from tests.integrations.conftest import configure_django

SIZE = 7  # enough rows for all names, cities, roles and notes of workloads.py
NOT_EXPRESSED = {
    ("chameleon", "inheritance"),
    ("tornado", "inheritance"),
    ("tornado", "macro"),
    ("tornado", "macro_inline"),
}


def engine(name: str) -> Engine:
    if name == "django" and find_spec("django"):
        configure_django()  # with the settings that other tests in this process need, too
    try:
        return load(name)
    except Unavailable as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def run() -> Run:
    return Run({}, engine(REFERENCE))


@pytest.mark.parametrize("workload", WORKLOADS.values(), ids=list(WORKLOADS))
@pytest.mark.parametrize("name", NAMES)
def test_output_equals_jinja2s(run: Run, name: str, workload) -> None:
    subject = engine(name)
    try:
        run.checked(subject, workload, SIZE, workload.context(SIZE))
    except CannotExpress:
        assert (name, workload.name) in NOT_EXPRESSED
    else:
        assert (name, workload.name) not in NOT_EXPRESSED


@pytest.mark.parametrize("name", [w.name for w in WORKLOADS.values() if w.inline_of])
def test_an_inline_twin_is_the_same_page(run: Run, name: str) -> None:
    twin = WORKLOADS[name]
    context = twin.context(SIZE)
    with_component = run.reference.setup(WORKLOADS[twin.inline_of], context)()
    assert run.reference.setup(twin, context)() == with_component


@pytest.mark.parametrize("name", [n for n in NAMES if n != "handwritten"])
def test_compiling_gives_a_template_that_renders(run: Run, name: str) -> None:
    subject, workload = engine(name), WORKLOADS["objects"]
    context = workload.context(SIZE)
    render = subject.compile(subject.sources()[subject.file(workload)])
    flags = {"exact": subject.exact, "quotes_raw_in_text": subject.quotes_raw_in_text}
    expected = run.reference.setup(workload, context)()
    assert not difference(normalise(render(context), **flags), normalise(expected, **flags))


@pytest.mark.parametrize("name", ["jinja2", "tmplmon"])
@pytest.mark.parametrize("mode", ["generate", "stream"])
def test_streamed_chunks_add_up_to_the_output(run: Run, name: str, mode: str) -> None:
    subject, workload = engine(name), WORKLOADS["large"]
    context = workload.context(SIZE)
    pieces = list(subject.stream(subject.file(workload), context, mode))
    assert "".join(pieces) == run.reference.setup(workload, context)()


def test_tmplmon_has_the_templates_and_options_of_jinja2() -> None:
    from benchmarks.engines.jinja_family import Jinja2Engine, TmplmonEngine

    assert Jinja2Engine.language == TmplmonEngine.language
    for method in ("prepare", "compile", "stream", "_environment"):
        assert getattr(Jinja2Engine, method) is getattr(TmplmonEngine, method)


@pytest.mark.parametrize(
    ("left", "right", "flags", "equal"),
    [
        ("a &#34; b", "a &quot; b", {"exact": True}, True),
        ("a/b", "a&#x2f;b", {"exact": True}, True),
        ("a &lt; b", "a < b", {"exact": True}, False),
        ("a &#34; b", 'a " b', {"exact": True}, False),
        ("<p>\n a", "<p>a", {"exact": True}, False),
        ("<p>\n a", "<p>a", {"exact": False}, True),
        ("a b", "ab", {"exact": False}, False),
        ("<i>&#34;</i>", '<i>"</i>', {"exact": True, "quotes_raw_in_text": True}, True),
        ('<i t="&#34;">', '<i t=""">', {"exact": True, "quotes_raw_in_text": True}, False),
    ],
)
def test_allowed_differences(left: str, right: str, flags: dict[str, bool], equal: bool) -> None:
    assert (difference(normalise(left, **flags), normalise(right, **flags)) == "") is equal


def test_rounds_take_the_engines_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing.gc, "collect", lambda: 0)  # slow in a process that has run many tests
    order: list[str] = []
    calls = {name: lambda name=name: order.append(name) for name in "abc"}
    timings = timing.interleave(calls, rounds=3, slice_seconds=0)
    assert "".join(order[6:]) == "abcbcacab"  # after warming and counting, two calls each
    assert all(len(t.rounds) == 3 and t.best <= t.median for t in timings.values())


def test_a_target_is_reported_not_asserted() -> None:
    targets = [report.Target("a", 1.0, 0.5), report.Target("b", 1.0, 2.0), report.Target("c", 1.0, None)]
    assert [target.met for target in targets] == [True, False, None]
    lines = report.target_lines(targets)
    assert [line.split("|")[-2].strip() for line in lines[2:]] == ["met", "NOT MET", "not measured"]
    assert report.geometric_mean([0.5, 2.0]) == pytest.approx(1.0)
    assert report.geometric_mean([]) is None
