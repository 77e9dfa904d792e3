"""Records the LINE and BRANCH events of templates in a form that is the same for both back ends.

Rule: a line is (template, line). A branch is (template, from line, to line). Its destination is the next line that
is reached, which is found by following the instructions, as coverage.py does. Branches whose sides lead to the same
line are left out, because such a tool does not count them: the engine's own tests in compiled code (``type(x) is
str``), and branches of which both sides are on one line of the template.
"""

import dis
import functools
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import CodeType

from cases.engines import ROOT

from tmplmon import CodeMap

type Event = tuple[str, int] | tuple[str, int, int]

TOOL = 4
EXIT = -1  # in place of a line
_JUMPS = {"JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"}
_RETURNS = {"RETURN_VALUE", "RETURN_CONST"}
_RAISES = {"RAISE_VARARGS", "RERAISE"}
monitoring = sys.monitoring
_NAMES = ("BRANCH_LEFT", "BRANCH_RIGHT") if hasattr(monitoring.events, "BRANCH_LEFT") else ("BRANCH",)
BRANCHES = [getattr(monitoring.events, name) for name in _NAMES]


class Walk:
    """The instructions of a code object, and the destinations of its branches."""

    def __init__(self, code: CodeType) -> None:
        self.code = code
        self.instructions = list(dis.get_instructions(code))
        self.number = {instruction.offset: n for n, instruction in enumerate(self.instructions)}
        self.lines = {o: line for start, end, line in code.co_lines() for o in range(start, end, 2)}

    @functools.cache  # noqa: B019 - lives as long as the tests
    def leads_to(self, line: int | None, offset: int) -> frozenset[int]:
        """The other lines that may be reached next from an offset on `line`."""
        lines: set[int] = set()
        seen: set[int] = set()
        pending = [self.number[offset]]
        while pending:
            n = pending.pop()
            while n < len(self.instructions) and n not in seen:
                seen.add(n)
                instruction = self.instructions[n]
                here = self.lines.get(instruction.offset)
                if here is not None and here != line:
                    lines.add(here)
                    break
                if instruction.opname in _RETURNS:
                    lines.add(EXIT)
                    break
                if instruction.opname in _RAISES:
                    break
                if instruction.opname in _JUMPS:
                    n = self.number[instruction.jump_target]
                    continue
                if instruction.jump_target is not None:
                    pending.append(self.number[instruction.jump_target])
                n += 1
        return frozenset(lines)

    @functools.cache  # noqa: B019
    def decides(self, offset: int) -> bool:
        """Whether the sides of a branch lead to different lines."""
        n, line = self.number[offset], self.lines.get(offset)
        target = self.instructions[n].jump_target
        if line is None or target is None:
            return False
        left = self.leads_to(line, self.instructions[n + 1].offset)
        right = self.leads_to(line, target)
        return bool(left) and bool(right) and left != right

    def arc(self, offset: int, destination: int) -> tuple[int, int] | None:
        """(from line, to line) of a branch event, or None if there is not exactly one next line."""
        line = self.lines.get(offset)
        if line is None or not self.decides(offset):
            return None
        ends = self.leads_to(line, destination)
        return (line, min(ends)) if len(ends) == 1 else None


walk = functools.cache(Walk)


@contextmanager
def recorded(root: str = ROOT) -> Iterator[list[Event]]:
    """Record the events of the templates below the folder `root` while the block runs."""
    raw_events: list[tuple[CodeType, tuple[int, ...]]] = []
    events: list[Event] = []

    def listener(code: CodeType, *where: int) -> object:
        if not code.co_filename.startswith(root):
            return monitoring.DISABLE
        raw_events.append((code, where))
        return None

    kinds = [monitoring.events.LINE, *BRANCHES]
    monitoring.use_tool_id(TOOL, "recording")
    for event in kinds:
        monitoring.register_callback(TOOL, event, listener)
    monitoring.set_events(TOOL, sum(kinds))
    try:
        yield events
    finally:
        monitoring.set_events(TOOL, monitoring.events.NO_EVENTS)
        for event in kinds:
            monitoring.register_callback(TOOL, event, None)
        monitoring.free_tool_id(TOOL)
        for code, where in raw_events:
            name = code.co_filename.removeprefix(root)
            arc = where if len(where) == 1 else walk(code).arc(*where)
            if arc is not None:
                events.append((name, *arc))  # type: ignore[arg-type]


def as_reported(events: list[Event], maps: Mapping[str, CodeMap]) -> list[Event]:
    """The events of executable lines, which reports count.

    maps: name of a template → its code map.

    A statement belongs to the line on which it begins. If it has expressions on further lines, compiled code fires
    events for these lines, too, and may return to the first one; closures fire an event for the first line only.
    So a further line counts as the first line (`CodeMap.first`), and an event that follows one of the same
    statement is left out. Everything else is kept, such as the events of a line that a loop reaches again.
    """
    reported: list[Event] = []
    before: tuple[str, int] | None = None
    was_further = False
    for name, line, *to in events:
        first = maps[name].first
        start, is_further = first.get(line, line), line in first
        if to:
            end = first.get(to[0], to[0])
            if end != start:
                reported.append((name, start, end))
            continue
        if before != (name, start) or not (is_further or was_further):
            reported.append((name, start))
        before, was_further = (name, start), is_further
    return reported
