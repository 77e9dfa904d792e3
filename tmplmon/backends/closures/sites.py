"""The places of a scope that events come from, as `tmplmon.monitoring` wants them.

Rule: an IR site is a position; what happens there has a *site* of the monitoring package each: a line that is
reached, a call, a branch, a jump, a pause. `Plan` lists them in the order in which the code would stand, with where
branches and jumps lead. It is made once for an IR scope, and entered into a table for every place at which the
scope's code is part of something: once as the scope itself, once for each static include that joins it in. A plan's
sites are neighbours in every table, so a frame only has to know where they begin (FIRST, STATE).
"""

from collections.abc import Sequence
from typing import Any

from tmplmon.backends.known import known_super
from tmplmon.ir import ops
from tmplmon.ir.walk import children
from tmplmon.monitoring import EXIT, ScopeBuilder
from tmplmon.monitoring.activation import SITE_EVENTS

_CALLS = (ops.Call, ops.Filter, ops.Test, ops.TagCall)
_AWAITED = (*_CALLS, ops.Attr, ops.Item, ops.Slice)
"""The values that may have to be awaited in an asynchronous environment."""

# Kind of site → the method of ScopeBuilder that adds one.
_METHODS = {
    "line": "line",
    "call": "call",
    "branch": "branch",
    "jump": "jump",
    "yield": "pause",
    "return": "leave",
}


class Label:
    """A destination: the entry of this number, when it is known; while listing, None is the end of the scope."""

    def __init__(self, entry: int | None = None) -> None:
        self.entry = entry


class Plan:
    """The sites of an IR scope.

    entries: (kind, IR site) of each, in order; their numbers count from 0.
    place, line, call, branch, pause: IR site → number of an entry: any at all, or one of that kind (-1: of blank
        text, which is no site).
    wait: IR site → the entry for the pauses in which something is awaited there.
    otherwise: IR site of a loop → the entry for whether its ``else`` runs.
    passes: IR site of a loop → the entry for whether an item passes its condition.
    first_on: line → the entry that its LINE comes from.
    states: number of an entry → where its state is, in bytes from the first one's.
    includes: the static includes.
    """

    def __init__(self, scope: ops.Scope, awaits: bool = False) -> None:
        """`awaits`: whether it is of an asynchronous environment."""
        self.scope = scope
        self._awaits = awaits
        self.entries: list[tuple[str, int]] = []
        self.place: dict[int, int] = {}
        self.line: dict[int, int] = {}
        self.call: dict[int, int] = {}
        self.branch: dict[int, int] = {}
        self.pause: dict[int, int] = {}
        self.wait: dict[int, int] = {}
        self._functions: set[int] = set()  # branches of loops that are functions, which end with their loop
        self.otherwise: dict[int, int] = {}
        self.passes: dict[int, int] = {}
        self.includes: list[ops.Include] = []
        self._left: dict[int, Label] = {}
        self._right: dict[int, Label] = {}
        self._loops: list[tuple[Label, Label]] = []  # where continue and break lead
        self._here = 0  # the line of the statement
        self._blank: tuple[str, int] | None = (
            None  # the entry before the first blank text that is put out alone
        )
        for _, default in scope.parameters:
            if default is not None:
                self._value(default)
        self._body(scope.body)
        extends = next((op for op in reversed(scope.body) if type(op) is ops.Extends), None)
        if extends is not None:
            self._add("line", extends.site)  # Last, the parent runs.
        self._end()
        # A line is disabled as a whole: LINE always comes from the first site that is on it.
        self.first_on: dict[int, int] = {}
        for number, (kind, site) in enumerate(self.entries):
            if kind == "line":
                self.first_on.setdefault(scope.positions[site][0], number)
        self.states: list[int] = []
        offset = 0
        for kind, _ in self.entries:
            self.states.append(offset)
            offset += 2 * len(SITE_EVENTS[kind])

    def ways(self, entry: int) -> tuple[int | None, ...]:
        """The entries that an entry leads to, None for the end: of a branch the way into its body comes first."""
        kind = self.entries[entry][0]
        after = entry + 1 if entry + 1 < len(self.entries) else None
        if kind == "jump":
            return (self._left[entry].entry,)
        if kind == "return":
            return (None,)
        return (after, self._right[entry].entry) if kind == "branch" else (after,)

    def enter_into(self, builder: ScopeBuilder, inclusion: int) -> int:
        """Add all sites to a table; return the number of the first there."""
        numbers: list[int] = []
        for kind, site in self.entries:
            position = self.scope.positions[site]
            numbers.append(getattr(builder, _METHODS[kind])(*position, inclusion=inclusion))
        for sides, side in ((self._left, "left"), (self._right, "right")):
            for entry, label in sides.items():
                landing = self._landing(label)
                ends = self.entries[landing][0] == "return" or (side == "right" and entry in self._functions)
                builder.connect(numbers[entry], **{side: EXIT if ends else numbers[landing]})
        return numbers[0] if numbers else 0

    def _landing(self, label: Label) -> int:
        """The entry that a label leads to. A jump there is gone through, as Python's compiler does: it has the line
        of what stands before it, which is not where one comes from. So has a return."""
        entry = label.entry
        assert entry is not None
        while self.entries[entry][0] == "jump":
            entry = self._left[entry].entry
            assert entry is not None
        return entry

    def fires(self, number: int) -> bool:
        """Whether events come from an entry. Jumps, returns and the further ones of a line are there for tools that
        follow the code."""
        kind, site = self.entries[number]
        if kind == "line":
            return self.first_on[self.scope.positions[site][0]] == number
        return kind not in ("jump", "return")

    # --- listing -------------------------------------------------------------------------------------------

    def _add(self, kind: str, site: int, numbers: dict[int, int] | None = None) -> int:
        number = len(self.entries)
        self.entries.append((kind, site))
        self.place.setdefault(site, number)
        if numbers is not None:
            numbers.setdefault(site, number)
        return number

    def _add_line(self, site: int) -> int:
        return self._add("line", site, self.line)

    def _branch(self, site: int) -> int:
        number = self._add("branch", site, self.branch)
        self._right[number] = Label()
        return number

    def _decision(self, test: ops.Op, site: int) -> Label:
        """Where a test leads that does not hold: a branch, unless the test is a constant: then there is one way."""
        return Label() if type(test) is ops.Const else self._right[self._branch(site)]

    def _jump(self, to: Label, site: int | None = None) -> None:
        """An unconditional jump, on the line of what stands before it."""
        number = self._add("jump", self.entries[-1][1] if site is None else site)
        self._left[number] = to

    def _bind(self, label: Label) -> None:
        label.entry = len(self.entries)

    def _end(self) -> None:
        """What leads to the end of the scope returns from the line that it comes from, as the VM's functions do: a
        tool follows the code from a branch to see on which line it goes on."""
        at_end = len(self.entries)
        leading = [
            (entry, label)
            for labels in (self._left, self._right)
            for entry, label in labels.items()
            if label.entry in (None, at_end)
        ]
        if leading:
            self._add("return", self.entries[-1][1])
        for entry, label in leading:
            sides = self._left if self._left.get(entry) is label else self._right
            sides[entry] = Label(len(self.entries))
            self._add("return", self.entries[entry][1])
        if self._blank is not None:
            if not leading:
                self._add("return", self.entries[-1][1])
            self.pause[-1] = self._add("yield", self._blank[1])

    def _body(self, body: Sequence[ops.Op]) -> None:
        for op in body:
            site = getattr(op, "site", -1)
            if site >= 0:
                self._here = self.scope.positions[site][0]
            _STATEMENTS.get(type(op), Plan._plain)(self, op)

    def _value(self, op: Any) -> None:
        """The sites of a value: its operands', then its own."""
        match op:
            case ops.Const() | ops.Load():
                return
            case ops.Logical():
                self._value(op.left)
                right = self._decision(op.left, op.site)
                self._value(op.right)
                self._add_line(op.site)
                self._bind(right)
            case ops.Conditional():
                self._value(op.test)
                right, done = self._decision(op.test, op.site), Label()
                self._value(op.body)
                self._jump(done, None if self.entries else op.site)
                self._bind(right)
                if op.orelse is not None:
                    self._value(op.orelse)
                self._bind(done)
                self._add_line(op.site)
            case _:
                for child in children(op):
                    self._value(child)
                if op.site >= 0:
                    self._own(op)

    def _own(self, op: Any) -> None:
        is_call = isinstance(op, _CALLS)
        if not is_call or self.scope.positions[op.site][0] != self._here:
            self._add_line(op.site)
        if is_call:
            self._add("call", op.site, self.call)
        if isinstance(op, _AWAITED):
            self._add_wait(op.site)

    def _add_wait(self, site: int) -> None:
        if self._awaits and site not in self.wait:
            self._add("yield", site, self.wait)

    def _plain(self, op: Any) -> None:
        """A statement that is a line, and values. The end of a block set is not reached again: what it puts into
        the variable is there already."""
        value = getattr(op, "value", None)
        if not isinstance(value, ops.Load) or not isinstance(op, ops.Assign) or value.site != op.site:
            self._add_line(op.site)
        for child in children(op):
            self._value(child)
        if isinstance(op, ops.Import):
            self._add_wait(op.site)

    def _emit(self, op: ops.Emit) -> None:
        last = -1
        for piece in op.pieces:
            if piece.site < 0:
                continue
            last = piece.site
            self._here = self.scope.positions[last][0]
            self._add_line(last)
            if isinstance(piece, ops.EmitValue):
                self._value(piece.value)
                if known_super(piece.value) is not None:
                    self._add_wait(last)
                    self._add("yield", last, self.pause)
        if last >= 0:
            if last not in self.pause:
                self._add("yield", last, self.pause)
        elif self.entries:
            # Blank text has no line that is reached: its pauses come from a place that no code leads to.
            self._blank = self._blank or self.entries[-1]

    def _if(self, op: ops.If) -> None:
        done = Label()
        for test, body, site in op.branches:
            self._here = self.scope.positions[site][0]
            self._add_line(site)
            self._value(test)
            right = self._decision(test, site)
            if type(test) is ops.Const and not test.value:
                self._jump(right)
            self._body(body)
            self._jump(done)
            self._bind(right)
        self._body(op.orelse)
        self._bind(done)

    def _for(self, op: ops.For) -> None:
        self._add_line(op.site)
        self._value(op.iter)
        again, over = Label(), Label()
        self._bind(again)
        self._add("line", op.site)
        self._add_wait(op.site)
        branch = self._branch(op.site)
        if op.recursive:
            self._functions.add(branch)
        if op.test is not None:
            self._value(op.test)
            if not op.loop.looks_ahead and type(op.test) is not ops.Const:
                number = self._add("branch", op.site)
                self._right[number] = again
                self.passes[op.site] = number
        self._loops.append((again, over))
        self._body(op.body)
        self._loops.pop()
        self._jump(again)
        self._bind(self._right[branch])
        self._bind(over)
        if op.orelse is not None:
            self._add("line", op.site)
            number = self.otherwise[op.site] = self._add("branch", op.site)
            self._right[number] = Label()
            self._body(op.orelse)
            self._bind(self._right[number])
        if op.recursive:
            self._add("yield", op.site, self.pause)

    def _jump_op(self, op: ops.Jump) -> None:
        self._add_line(op.site)
        again, over = self._loops[-1]
        self._jump(over if op.kind == "break" else again, op.site)

    def _enter(self, op: ops.Enter) -> None:
        self._add_line(op.site)
        for _, bound in op.bindings:
            self._value(bound)
        if op.autoescape is not None:
            self._value(op.autoescape)
        self._body(op.body)

    def _capture(self, op: ops.Capture) -> None:
        self._add_line(op.site)
        self._body(op.body)

    def _runs(self, op: ops.CallBlock | ops.Extends) -> None:
        """A statement that runs other code, whose output it hands on."""
        self._plain(op)
        self._add_wait(op.site)
        self._add("yield", op.site, self.pause)

    def _include(self, op: ops.Include) -> None:
        self._plain(op)
        branch = self._branch(op.site) if op.ignore_missing else None
        self._add("call", op.site, self.call)
        self._add_wait(op.site)
        self._add("yield", op.site, self.pause)
        if branch is not None:
            self._bind(self._right[branch])
        if isinstance(op.template, ops.Const) and type(op.template.value) is str:
            self.includes.append(op)


_STATEMENTS: dict[type[Any], Any] = {
    ops.Emit: Plan._emit,
    ops.If: Plan._if,
    ops.For: Plan._for,
    ops.Jump: Plan._jump_op,
    ops.Enter: Plan._enter,
    ops.Capture: Plan._capture,
    ops.CallBlock: Plan._runs,
    ops.Extends: Plan._runs,
    ops.Include: Plan._include,
}
