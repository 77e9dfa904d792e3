"""Python's own readers of code objects understand code-likes."""

from __future__ import annotations

import copy
import dis
import inspect
import itertools
import linecache
import marshal
import random
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from monitoring_tool import Tool

from tmplmon.monitoring import events
from tmplmon.monitoring.codelike import EXIT, CodeLike, CodeLikeBuilder, Label
from tmplmon.monitoring.frames import ScopeFrame
from tmplmon.monitoring.lines import remember_source

TEXT = "first\nsecond line\n  third\nfourth\n"


def lines_in_order(codelike: CodeLike) -> list[int]:
    """The lines of ``co_lines``, without the entries that have none, such as the driver's."""
    return [line for line, _ in itertools.groupby(row[2] for row in codelike.code.co_lines()) if line]


def check(codelike: CodeLike, positions: list[tuple[int, int, int, int]]) -> None:
    """Check the properties that all code-likes have."""
    of_unit = list(codelike.code.co_positions())
    assert [of_unit[offset // 2] for offset in codelike.offsets] == positions
    assert list(codelike.offsets) == sorted(set(codelike.offsets))
    assert codelike.start < min(codelike.offsets, default=codelike.end) <= codelike.end
    assert of_unit[codelike.start // 2][0] is not None
    # Offsets before the start and from the end on have no location.
    assert set(of_unit[: codelike.start // 2]) == {(None,) * 4}
    assert set(of_unit[codelike.end // 2 :]) == {(None,) * 4}
    instructions = {instruction.offset: instruction for instruction in dis.get_instructions(codelike.code)}
    assert {codelike.start, codelike.end, *codelike.offsets} <= instructions.keys()
    branches = [
        (offset, left, right)
        for offset, left, right in zip(codelike.offsets, codelike.left, codelike.right, strict=True)
        if right is not None
    ]
    assert {left for _, left, _ in branches} | {right for _, _, right in branches} <= instructions.keys()
    if sys.version_info >= (3, 14):
        assert list(codelike.code.co_branches()) == branches


class Flow:
    """The destination of an offset: the number of a site, or EXIT. Jumps without a line are followed."""

    def __init__(self, codelike: CodeLike) -> None:
        self.at = {instruction.offset: instruction for instruction in dis.get_instructions(codelike.code)}
        self.ends = {offset: site for site, offset in enumerate(codelike.offsets)} | {codelike.end: EXIT}

    def __call__(self, offset: Any) -> int:
        for _ in range(3):
            while self.at[offset].opname == "EXTENDED_ARG":
                offset += 2
            if offset in self.ends:
                return self.ends[offset]
            jump = self.at[offset]
            assert jump.opname.startswith("JUMP") and jump.positions.lineno is None
            offset = jump.argval
        raise AssertionError("a jump that leads to a jump that leads to a jump")


def test_an_if_and_a_loop() -> None:
    builder = CodeLikeBuilder("/srv/page.html", "page", qualname="page.block")
    top = builder.place((2, 2, 0, 9))
    test = builder.branch((2, 2, 3, 8))
    builder.place((3, 5, 0, 5))
    back = builder.jump((3, 3, 0, 5))
    after = builder.place((6, 6, 0, 5))
    builder.connect(test, right=after)
    builder.connect(back, left=top)
    codelike = builder.build()
    check(codelike, [(2, 2, 0, 9), (2, 2, 3, 8), (3, 5, 0, 5), (3, 3, 0, 5), (6, 6, 0, 5)])
    assert lines_in_order(codelike) == [2, 3, 6]
    assert codelike.left == (
        codelike.offsets[1],
        codelike.offsets[2],
        codelike.offsets[3],
        codelike.offsets[0],
        codelike.end,
    )
    assert codelike.right == (None, codelike.offsets[4], None, None, None)
    code = codelike.code
    assert (code.co_filename, code.co_name, code.co_qualname) == ("/srv/page.html", "page", "page.block")
    assert (code.co_firstlineno, code.co_varnames, code.co_argcount) == (2, (), 0)


def test_a_branch_that_goes_back_and_away() -> None:
    """Python's conditional jumps cannot reach these destinations by themselves."""
    builder = CodeLikeBuilder("/p", "p")
    first = builder.place((1, 1, 0, 1))
    back = builder.branch((2, 2, 0, 1))
    away = builder.branch((3, 3, 0, 1))
    itself = builder.branch((4, 4, 0, 1))
    builder.connect(back, left=EXIT, right=first)
    builder.connect(away, left=first, right=EXIT)
    builder.connect(itself, left=itself, right=itself)
    codelike = builder.build()
    check(codelike, [(line, line, 0, 1) for line in (1, 2, 3, 4)])
    follow = Flow(codelike)
    sides = zip(codelike.left[1:], codelike.right[1:], strict=True)
    assert [(follow(left), follow(right)) for left, right in sides] == [
        (EXIT, first),
        (first, EXIT),
        (itself, itself),
    ]


@pytest.mark.parametrize("gap", [0, 1, 120, 126, 127, 128, 250, 254, 255, 256, 257, 300, 40_000])
def test_distances(gap: int) -> None:
    """Jumps over more than 255 units need EXTENDED_ARG instructions, which make the distances longer."""
    builder = CodeLikeBuilder("/p", "p")
    first = builder.branch((1, 1, 0, 1))
    positions = [(1, 1, 0, 1)] + [(2, 2, 0, 1)] * gap + [(3, 3, 0, 1)] * 3
    for position in positions[1:-3]:
        builder.place(position)
    second, back, last = builder.branch((3, 3, 0, 1)), builder.jump((3, 3, 0, 1)), builder.place((3, 3, 0, 1))
    builder.connect(first, left=last, right=second)
    builder.connect(second, left=first, right=first)
    builder.connect(back, left=first)
    codelike = builder.build()
    check(codelike, positions)
    follow = Flow(codelike)
    led = [follow(side[site]) for site in (first, second) for side in (codelike.left, codelike.right)]
    assert led == [last, second, first, first]
    assert follow(codelike.left[back]) == first


def test_generated_control_flow() -> None:
    rng = random.Random(43)
    for _ in range(40):
        builder = CodeLikeBuilder("/p", "p")
        size = rng.randrange(1, 250)
        expected: list[tuple[int, int]] = []
        positions = []
        for number in range(size):
            positions.append((number + 1, number + 2, number % 90, number % 70))
            builder.branch(positions[-1])
            expected.append((rng.randrange(-1, size), rng.randrange(-1, size)))
            builder.connect(number, left=EXIT, right=EXIT)
        for number, (left, right) in enumerate(expected):
            builder.connect(number, left=left, right=right)
        codelike = builder.build()
        check(codelike, positions)
        follow = Flow(codelike)
        sides = zip(codelike.left, codelike.right, strict=True)
        assert [(follow(left), follow(right)) for left, right in sides] == expected


def test_labels() -> None:
    builder = CodeLikeBuilder("/p", "p")
    otherwise, end = builder.label(), builder.label()
    test = builder.branch((1, 1, 0, 1))
    builder.connect(test, right=otherwise)
    out = builder.jump((2, 2, 0, 1))
    builder.connect(out, left=end)
    builder.bind(otherwise)
    other = builder.place((3, 3, 0, 1))
    builder.bind(end)
    codelike = builder.build()
    follow = Flow(codelike)
    assert follow(codelike.right[test]) == other
    assert follow(codelike.left[out]) == EXIT


def test_a_code_like_without_sites() -> None:
    codelike = CodeLikeBuilder("/p", "p").build()
    check(codelike, [])
    assert (lines_in_order(codelike), codelike.offsets) == ([1], ())
    assert lines_in_order(CodeLikeBuilder("/p", "p", firstlineno=7).build()) == [7]


def test_the_first_line_can_be_before_the_first_site() -> None:
    builder = CodeLikeBuilder("/p", "p", firstlineno=3)
    builder.place((9, 9, 0, 1))
    codelike = builder.build()
    assert codelike.code.co_firstlineno == 3
    assert lines_in_order(codelike) == [3, 9]


MISTAKES = {
    "nowhere on its right": lambda b: b.branch((1, 1, 0, 1)),
    "jump that leads nowhere": lambda b: b.jump((1, 1, 0, 1)),
    "no site 5": lambda b: b.connect(b.branch((1, 1, 0, 1)), right=5),
    "no site -2": lambda b: b.connect(b.jump((1, 1, 0, 1)), left=-2),
    "no branch, but has a right": lambda b: b.connect(b.place((1, 1, 0, 1)), right=0),
    "can only lead to the next": lambda b: b.connect(b.leave((1, 1, 0, 1)), left=0),
    "has no line": lambda b: b.place((None, None, None, None)),
    "before the first line, 5": lambda b: b.place((4, 4, 0, 1)),
    "never bound": lambda b: b.connect(b.branch((5, 5, 0, 1)), right=b.label()),
    "cannot hold": lambda b: b.place((9, 8, 0, 1)),
}


@pytest.mark.parametrize(("message", "mistake"), MISTAKES.items(), ids=MISTAKES)
def test_invalid_arguments(message: str, mistake: Callable[[CodeLikeBuilder], object]) -> None:
    builder = CodeLikeBuilder(
        "/p", "p", firstlineno=5 if message.startswith(("before", "never", "cannot")) else 1
    )
    mistake(builder)
    with pytest.raises(ValueError, match=message):
        builder.build()


def test_a_destination_that_does_not_exist() -> None:
    with pytest.raises(ValueError, match="no site 3"):
        CodeLikeBuilder("/p", "p").connect(3, left=Label())


# -- readers of code objects ---------------------------------------------------------------------------------


def in_file(filename: str) -> CodeLike:
    builder = CodeLikeBuilder(filename, "page")
    builder.place((2, 2, 7, 11))
    builder.place((3, 3, 2, 7))
    return builder.build()


@pytest.fixture(params=["on disk", "remembered"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "on disk":
        path = tmp_path / "page.html"
        path.write_text(TEXT)
        yield str(path)
    else:
        filename = "/nowhere/page.html"
        remember_source(filename, TEXT.rstrip("\n"))
        linecache.checkcache(filename)
        yield filename
        linecache.cache.pop(filename, None)


def test_inspect_and_linecache(source: str) -> None:
    code = in_file(source).code
    assert [linecache.getline(code.co_filename, line) for line in (2, 3, 9)] == [
        "second line\n",
        "  third\n",
        "",
    ]
    assert inspect.findsource(code) == (TEXT.splitlines(keepends=True), 1)
    # inspect searches for the end of a Python block, from the first line on.
    assert inspect.getsourcelines(code) == (["second line\n"], 2)
    assert inspect.getsourcefile(code) == source


def test_traceback(source: str) -> None:
    codelike = in_file(source)
    frame = ScopeFrame(codelike.code)
    frame.move(2, codelike.offsets[0])
    error = ValueError("wrong")
    error.__traceback__ = TracebackType(None, frame.frame, codelike.offsets[0], 2)
    shown = "".join(traceback.format_exception(error))
    assert f'File "{source}", line 2, in page\n    second line\n           ^^^^\n' in shown
    frame.close()


def test_dis_shows_lines() -> None:
    shown = dis.Bytecode(in_file("/p").code).dis()
    assert "\n   2 " in shown.replace("  2  ", "\n   2 ") and "NOP" in shown


def test_copies_keep_everything() -> None:
    code = in_file("/p").code
    for other in (code.replace(), copy.deepcopy(code), marshal.loads(marshal.dumps(code))):
        assert list(other.co_positions()) == list(code.co_positions())


def test_the_vm_fires_no_local_events_of_a_code_like(tool: Tool) -> None:
    codelike = in_file("/p")
    expected = (events.PY_START, events.LINE, events.PY_RETURN, events.CALL)
    tool.watch(codelike.code).record(*expected, local=codelike.code)
    assert sys.monitoring.get_local_events(4, codelike.code) == sum(event.mask for event in expected)
    frame = ScopeFrame(codelike.code)
    assert frame.call(len, "abc") == 3
    frame.close()
    assert tool.seen == []
    check(codelike, [(2, 2, 7, 11), (3, 3, 2, 7)])
