"""The plan of a scope's sites: which lines, calls, branches and pauses it has, and where control goes from each.

An IR site is a position. A *plan site* is one thing that happens there: a line is reached, something is called, a
branch is decided, control jumps, the scope pauses or returns. `Plan` lists the plan sites of one scope in the order
in which compiled code would have them, and says where branches and jumps lead. Three parts of the engine read it:

    codemap              lines, arcs and branches of a template for coverage reports
    backends.closures    the events that its trees fire, and the code objects that stand for its scopes
    tests                what should be fired

The plan knows nothing of how a scope is run.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from tmplmon.ir import ops
from tmplmon.ir.facts import known_super
from tmplmon.ir.walk import children

_CALLS = (ops.Call, ops.Filter, ops.Test, ops.TagCall)
_AWAITED = (*_CALLS, ops.Attr, ops.Item, ops.Slice)
"""The values that may have to be awaited in an asynchronous environment."""


class Label:
    """A destination of a branch or jump: the index of an entry, set when that entry has been listed. At the end of
    the scope that is an entry of kind "return" (`Plan._end`)."""

    def __init__(self, entry: int | None = None) -> None:
        self.entry = entry


class Plan:
    """The sites of an IR scope.

    entries: (kind, IR site) of each plan site, in order. A kind is "line", "call", "branch", "jump", "yield" or
        "return". All dictionaries below map to indexes in this list.
    place: IR site → its first entry of any kind.
    line, call, branch: IR site → its first entry of that kind.
    output_yield: IR site → the entry of kind "yield" in which output is yielded; -1 stands for blank text, which
        has no IR site.
    await_yield: IR site → the entry of kind "yield" in which its value is awaited.
    else_branch: IR site of a loop → the branch that decides whether its ``else`` runs.
    condition_branch: IR site of a loop → the branch that decides whether an item passes the loop's condition.
    first_on: line → the entry that fires LINE for it.
    head: IR site of a loop → the entry that fires LINE when the loop is reached again from another line. A tool
        disables it by itself, as in compiled code, where it is an instruction of its own. A loop on one line has
        none.
    includes: the includes of a constant name.
    """

    def __init__(self, scope: ops.Scope, awaits: bool = False) -> None:
        """awaits: whether the scope belongs to an asynchronous environment, in which values are awaited."""
        self.scope = scope
        self._awaits = awaits
        self.entries: list[tuple[str, int]] = []
        self.place: dict[int, int] = {}
        self.line: dict[int, int] = {}
        self.call: dict[int, int] = {}
        self.branch: dict[int, int] = {}
        self.output_yield: dict[int, int] = {}
        self.await_yield: dict[int, int] = {}
        self._functions: set[int] = set()  # branches of recursive loops, which are functions in compiled code
        self.else_branch: dict[int, int] = {}
        self.condition_branch: dict[int, int] = {}
        self.head: dict[int, int] = {}
        self.includes: list[ops.Include] = []
        self._left: dict[int, Label] = {}
        self._right: dict[int, Label] = {}
        self._loops: list[tuple[Label, Label]] = []  # where continue and break lead
        self._here = 0  # the line of the current statement
        # The entry before the first output that consists of blank text only.
        self._blank: tuple[str, int] | None = None
        for _, default in scope.parameters:
            if default is not None:
                self._value(default)
        self._body(scope.body)
        extends = next((op for op in reversed(scope.body) if type(op) is ops.Extends), None)
        if extends is not None:
            self._add("line", extends.site)  # Last, the parent runs.
        self._end()
        self.first_on: dict[int, int] = {}
        for number, (kind, site) in enumerate(self.entries):
            if kind == "line":
                self.first_on.setdefault(scope.positions[site][0], number)

    def ways(self, entry: int) -> tuple[int | None, ...]:
        """The entries that an entry leads to; None is the end of the scope. A branch leads to two: the way into its
        body comes first."""
        kind = self.entries[entry][0]
        after = entry + 1 if entry + 1 < len(self.entries) else None
        if kind == "jump":
            return (self._left[entry].entry,)
        if kind == "return":
            return (None,)
        return (after, self._right[entry].entry) if kind == "branch" else (after,)

    def destinations(self) -> Iterator[tuple[int, str, int | None]]:
        """(entry, side, destination entry) of each branch and jump; side is "left" or "right", and the destination
        is None where the scope returns or, for a loop that is a function of its own, where that function ends."""
        for sides, side in ((self._left, "left"), (self._right, "right")):
            for entry, label in sides.items():
                landing = self._landing(label)
                ends = self.entries[landing][0] == "return" or (side == "right" and entry in self._functions)
                yield entry, side, None if ends else landing

    def _landing(self, label: Label) -> int:
        """The entry that a label leads to, with jumps to jumps followed as CPython's compiler does. A jump has the
        line of the code before it, which is not the line that control comes from."""
        entry = label.entry
        assert entry is not None
        while self.entries[entry][0] == "jump":
            entry = self._left[entry].entry
            assert entry is not None
        return entry

    def fires(self, number: int) -> bool:
        """Whether an entry fires events. Jumps, returns and all entries of a line but its first fire none: they are
        there for tools that follow the code from a branch to the next line."""
        kind, site = self.entries[number]
        if kind == "line":
            return self.first_on[self.scope.positions[site][0]] == number or self.head.get(site) == number
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
        """Where control goes when a test is false. A constant test has no branch, as only one way is possible."""
        return Label() if type(test) is ops.Const else self._right[self._branch(site)]

    def _jump(self, to: Label, site: int | None = None) -> None:
        """Add an unconditional jump, by default on the line of the entry before it."""
        number = self._add("jump", self.entries[-1][1] if site is None else site)
        self._left[number] = to

    def _bind(self, label: Label) -> None:
        label.entry = len(self.entries)

    def _end(self) -> None:
        """Add the returns. A branch or jump to the end of the scope gets a return on its own line, as CPython's
        compiler makes it, so that a tool that follows the code from the branch finds no other line."""
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
            self.output_yield[-1] = self._add("yield", self._blank[1])

    def _body(self, body: Sequence[ops.Op]) -> None:
        for op in body:
            site = getattr(op, "site", -1)
            if site >= 0:
                self._here = self.scope.positions[site][0]
            _STATEMENTS.get(type(op), Plan._plain)(self, op)

    def _value(self, op: Any) -> None:
        """List the sites of a value: those of its operands, then its own. Chains of operations are followed in a
        loop, as they can be longer than Python's recursion limit."""
        chain = []
        while type(op) is not ops.Const and type(op) is not ops.Load:
            operands = children(op)
            chain.append((op, operands[1:]))
            if not operands:
                break
            op = operands[0]
        for op, further in reversed(chain):
            self._operation(op, further)

    def _operation(self, op: Any, further: list[Any]) -> None:
        """List the sites of a value after those of its first operand. further: the operands after that."""
        match op:
            case ops.Logical():
                right = self._decision(op.left, op.site)
                self._value(op.right)
                self._add_line(op.site)
                self._bind(right)
            case ops.Conditional():
                right, done = self._decision(op.test, op.site), Label()
                self._value(op.body)
                self._jump(done, None if self.entries else op.site)
                self._bind(right)
                if op.orelse is not None:
                    self._value(op.orelse)
                self._bind(done)
                self._add_line(op.site)
            case _:
                for operand in further:
                    self._value(operand)
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
        if self._awaits and site not in self.await_yield:
            self._add("yield", site, self.await_yield)

    def _plain(self, op: Any) -> None:
        """List a statement that consists of a line and values. The assignment at the end of a block set has no
        line of its own, as its `Capture` has stored the value already."""
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
                    self._add("yield", last, self.output_yield)
            # Each piece may be handed out by itself.
            if last not in self.output_yield:
                self._add("yield", last, self.output_yield)
        if last < 0 and self.entries:
            # Blank text has no line. Its pauses get an entry that no code leads to.
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
        head = self._add("line", op.site)
        self._add_wait(op.site)
        branch = self._branch(op.site)
        if op.recursive:
            self._functions.add(branch)
        if op.test is not None:
            self._value(op.test)
            if not op.loop.looks_ahead and type(op.test) is not ops.Const:
                number = self._add("branch", op.site)
                self._right[number] = again
                self.condition_branch[op.site] = number
        self._loops.append((again, over))
        self._body(op.body)
        self._loops.pop()
        line = self.scope.positions[op.site][0]
        if any(self.scope.positions[site][0] != line for _, site in self.entries[head:]):
            self.head[op.site] = head
        self._jump(again)
        self._bind(self._right[branch])
        self._bind(over)
        if op.orelse is not None:
            self._add("line", op.site)
            number = self.else_branch[op.site] = self._add("branch", op.site)
            self._right[number] = Label()
            self._body(op.orelse)
            self._bind(self._right[number])
        if op.recursive:
            self._add("yield", op.site, self.output_yield)

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
        """List a statement that runs other code and passes its output on."""
        self._plain(op)
        self._add_wait(op.site)
        self._add("yield", op.site, self.output_yield)

    def _include(self, op: ops.Include) -> None:
        self._plain(op)
        branch = self._branch(op.site) if op.ignore_missing else None
        self._add("call", op.site, self.call)
        self._add_wait(op.site)
        self._add("yield", op.site, self.output_yield)
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
