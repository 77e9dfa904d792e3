"""Which lines a statement reaches, in which order, when its expressions stand on several lines.

Rule: the order is the bytecode back end's, so that tools see the same lines with both. There, an op with a result
of its own (an attribute, an item) is a statement, evaluated before what it is an operand of; what has been
evaluated before a later operand's statement is put aside, and is read again on its own line. So this is a small
model of that back end: `value` gives what evaluating an expression does after the statements it needs, which go to
`body`. All it keeps of the code is a trace, in the order of execution:

    a number       the line of an instruction; 0 for code that belongs to no line
    an op          the op is evaluated: here its closure does something that can be seen
    an Item        the text of a value is made: the same for that closure
    a Fork         one of several ways on

`reached_by` turns that into what closures can be given: the lines that are reached before a value is evaluated, and
those after it. On one line, which is the common case, there is nothing to find out, and nothing is done.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures import builtin
from tmplmon.ir import ops
from tmplmon.ir.facts import DICT_ATTRIBUTES
from tmplmon.ir.walk import children

if TYPE_CHECKING:
    from tmplmon.backends.closures.build import Builder
    from tmplmon.backends.closures.output import Item

type Token = "int | ops.Op | Item | Fork"


@dataclass(slots=True, eq=False)
class Fork:
    """The ways on from an op, each with the op that is evaluated on it."""

    owner: ops.Op
    ways: list[tuple[ops.Op | None, list[Token]]]


@dataclass(slots=True)
class Value:
    """What evaluating an expression does. What is `settled` is a name or a constant: it is only read."""

    trace: list[Token]
    line: int
    settled: bool = False


@dataclass(slots=True)
class Reached:
    """The lines that are reached before and after a value."""

    before: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)


class Trace:
    """The trace of a statement while it is made. `here` is the line of the op whose operands are being made."""

    def __init__(self, b: "Builder") -> None:
        self.b = b
        self.positions = b.scope.ir.positions
        self.body: list[Token] = []
        self.here = 0

    def at(self, site: int) -> int:
        return self.positions[site][0]

    # --- values, as in bytecode.values ---------------------------------------------------------------------

    def value(self, op: Any) -> Value:
        kind = type(op)
        if kind is ops.Const or kind is ops.Load:
            settled = kind is ops.Const or op.slot.kind not in (ops.SlotKind.SELF, ops.SlotKind.SUPER)
            return Value([self.here], self.here, settled)
        around = self.here
        if op.site >= 0:
            self.here = self.at(op.site)
        made = _VALUES.get(kind, Trace.plain)(self, op)
        self.here = around
        return made

    def operands(self, found: Sequence[ops.Op]) -> list[Value]:
        values: list[Value] = []
        for op in found:
            before = len(self.body)
            made = self.value(op)
            if len(self.body) > before:
                statements = self.body[before:]
                del self.body[before:]
                values = [self.settle(earlier) for earlier in values]
                self.body += statements
            values.append(made)
        return values

    def settle(self, value: Value) -> Value:
        """Evaluates a value now, unless it does not matter when."""
        return value if value.settled else self.named(value, value.line)

    def named(self, value: Value, line: int) -> Value:
        if value.settled:
            return value
        self.body += [*value.trace, line]
        return Value([line], line, True)

    def names(self, found: Sequence[ops.Op]) -> list[Value]:
        return [self.settle(value) for value in self.operands(found)]

    def into(self, op: ops.Op) -> tuple[list[Token], Value]:
        """The statements that a value takes, apart, and the value."""
        saved, self.body = self.body, []
        made = self.value(op)
        statements, self.body = self.body, saved
        return statements, made

    def plain(self, op: Any) -> Value:
        """Operands, then the op: operators, slices, literals."""
        at = self.at(op.site)
        return Value([*_joined(self.operands(children(op))), at, op], at)

    def called(self, op: Any) -> Value:
        """The same, with something of the op's own before the operands: what is called."""
        at = self.at(op.site)
        return Value([at, *_joined(self.operands(children(op))), at, op], at)

    def attribute(self, op: ops.Attr) -> Value:
        at = self.at(op.site)
        obj = self.named(self.value(op.obj), at)
        result: list[Token] = [*obj.trace, at, op]
        if not self.b.constants.stock_getattr or op.name not in DICT_ATTRIBUTES:
            result = [at, *result]
        self.body += result
        return Value([at], at, True)

    def item(self, op: ops.Item) -> Value:
        at = self.at(op.site)
        obj, key = self.names([op.obj, op.key])
        if type(op.obj) is ops.Const:
            obj = self.named(Value(obj.trace, obj.line), at)
        first = [] if self.b.constants.stock_getitem else [at]
        self.body += [*first, *obj.trace, *key.trace, at, op]
        return Value([at], at, True)

    def loop_attribute(self, op: ops.LoopAttr) -> Value:
        at = self.at(op.site)
        return Value([at, op], at, not op.loop.whole and op.name in ("index", "last", "length"))

    def filter(self, op: ops.Filter) -> Value:
        at = self.at(op.site)
        inline = None
        if self.b.constants.is_stock("filter", op.name) and not self.b.constants.is_async:
            inline = builtin.inline_filter(op, self.b.constants.environment.filters)
        if inline is None:
            return self.called(op)
        found, _ = inline
        if len(found) == 1:
            text = self.named(self.value(found[0]), at)
            return Value([at, *text.trace, at, op], at)
        subject, otherwise = self.names(found)
        return Value([at, *subject.trace, at, *otherwise.trace, op], at)

    def test(self, op: ops.Test) -> Value:
        if self.b.constants.is_stock("test", op.name) and builtin.inline_test(op) is not None:
            is_call = op.name in ("defined", "undefined", "string", "float")
            return self.called(op) if is_call else self.plain(op)
        return self.called(op)

    def compare(self, op: ops.Compare) -> Value:
        at = self.at(op.site)
        (_, second), *further = op.rest
        apart = [(operand, *self.into(operand)) for _, operand in further]
        if not any(statements for _, statements, _ in apart):
            made = _joined(self.operands([op.left, second]))
            for operand, _, value in apart:
                made += [at, Fork(op, [(operand, value.trace)])]
            return Value([*made, at, op], at)
        left, right = self.names([op.left, second])
        self.body += [*left.trace, *right.trace, at]
        for operand, statements, value in apart:
            self.body += [at, Fork(op, [(operand, [*statements, at, *value.trace, at])])]
        return Value([at, op], at, True)

    def logical(self, op: ops.Logical) -> Value:
        at = self.at(op.site)
        left = self.value(op.left)
        statements, right = self.into(op.right)
        if not statements:
            return Value([*left.trace, at, Fork(op, [(op.right, right.trace)])], at)
        self.body += [*left.trace, at, Fork(op, [(op.right, [*statements, *right.trace, at])])]
        return Value([at], at, True)

    def conditional(self, op: ops.Conditional) -> Value:
        at = self.at(op.site)
        test = self.value(op.test)
        yes, body = self.into(op.body)
        no, orelse = ([], Value([at], at)) if op.orelse is None else self.into(op.orelse)
        if not yes and not no:
            ways = [(op.body, body.trace), (op.orelse, orelse.trace)]
            return Value([*test.trace, at, Fork(op, ways)], at)
        ways = [(op.body, [*yes, *body.trace, at]), (op.orelse, [*no, *orelse.trace, at])]
        self.body += [*test.trace, at, Fork(op, ways)]
        return Value([at], at, True)


_VALUES: dict[type[Any], Callable[[Trace, Any], Value]] = {
    ops.Attr: Trace.attribute,
    ops.Item: Trace.item,
    ops.LoopAttr: Trace.loop_attribute,
    ops.Filter: Trace.filter,
    ops.Test: Trace.test,
    ops.Call: Trace.called,
    ops.TagCall: Trace.called,
    ops.Concat: Trace.called,
    ops.Compare: Trace.compare,
    ops.Logical: Trace.logical,
    ops.Conditional: Trace.conditional,
}


def _joined(values: Iterable[Value]) -> list[Token]:
    return [token for value in values for token in value.trace]


# --- from traces to closures -------------------------------------------------------------------------------


# What may run a part of this very scope: a loop that calls itself.
_CALLS = (ops.Call, ops.TagCall)


def attach(trace: Iterable[Token], reached: dict[int, Reached], current: int = -1) -> list[int]:
    """Give the lines of a trace to the ops in it: those after an op to that op. Returns the lines before the first;
    in the ways of a fork they go to the op that is evaluated there.

    `current` is the line that has been reached when the trace begins, -1 where that is not certain. A line that has
    been reached for certain is left out.
    """
    first: list[int] = []
    pending = first
    for token in trace:
        if isinstance(token, int):
            if token != current:
                pending.append(token)
                current = token
        elif isinstance(token, Fork):
            for root, way in token.ways:
                leading = attach(way, reached, current)
                if root is not None:
                    reached.setdefault(id(root), Reached()).before += leading
            pending = reached.setdefault(id(token.owner), Reached()).after
            current = -1
        else:
            pending = reached.setdefault(id(token), Reached()).after
            if isinstance(token, _CALLS):
                current = -1
    return first


# --- statements --------------------------------------------------------------------------------------------


def traces(b: "Builder", op: Any) -> list[tuple[int, list[Token]]]:
    """The traces of a statement's expressions, each with the IR site that it belongs to."""
    make = _STATEMENTS.get(type(op))
    return [] if make is None else make(b, op)


def _of(
    b: "Builder", site: int, found: Sequence[ops.Op], first: Sequence[int] = ()
) -> list[tuple[int, list[Token]]]:
    """Values that are operands of what happens at a site."""
    trace = Trace(b)
    trace.here = at = trace.at(site)
    values = _joined(trace.operands(found))
    return [(site, [*first, *trace.body, *values, at])]


def _assign(b: "Builder", op: ops.Assign) -> list[tuple[int, list[Token]]]:
    if isinstance(op.value, ops.Load) and op.value.slot.kind is ops.SlotKind.TEMP:
        return [(op.site, [])]  # Captured text: the tag has been reached already.
    checked = [b.scope.ir.positions[target.site][0] for target in _namespaces(op.target)]
    return _of(b, op.site, [op.value], checked)


def _namespaces(target: ops.Target) -> list[ops.NamespaceTarget]:
    if isinstance(target, tuple):
        return [found for part in target for found in _namespaces(part)]
    return [target] if isinstance(target, ops.NamespaceTarget) else []


def _evaluate(b: "Builder", op: ops.Evaluate) -> list[tuple[int, list[Token]]]:
    return _of(b, op.site, [op.value])


def _if(b: "Builder", op: ops.If) -> list[tuple[int, list[Token]]]:
    return [made for test, _, site in op.branches for made in _of(b, site, [test])]


def _for(b: "Builder", op: ops.For) -> list[tuple[int, list[Token]]]:
    trace = Trace(b)
    trace.here = at = trace.at(op.site)
    iterable = trace.value(op.iter)
    if op.recursive:
        return [(op.site, [*trace.body, at, *iterable.trace, at])]
    return [(op.site, [*trace.body, *iterable.trace, at])]


def _direct(b: "Builder", op: ops.Call) -> list[tuple[int, list[Token]]]:
    """A macro that is run where it is called."""
    trace = Trace(b)
    trace.here = at = trace.at(op.site)
    values = _joined(trace.operands(op.arguments.values()))
    return [(op.site, [*trace.body, at, *values, at])]


def passing(b: "Builder", op: ops.For) -> list[Token]:
    """The condition of a loop."""
    assert op.test is not None
    ((_, trace),) = _of(b, op.site, [op.test])
    return trace


def default(b: "Builder", op: ops.Op) -> list[Token]:
    """The default of a parameter."""
    trace = Trace(b)
    value = trace.value(op)
    return [0, *trace.body, *value.trace, 0]


def _enter(b: "Builder", op: ops.Enter) -> list[tuple[int, list[Token]]]:
    found = [bound for _, bound in op.bindings]
    if op.autoescape is not None:
        found.append(op.autoescape)
    return _of(b, op.site, found, [b.scope.ir.positions[op.site][0]])


def _loads(b: "Builder", op: ops.Extends | ops.Include | ops.Import) -> list[tuple[int, list[Token]]]:
    return _of(b, op.site, [op.template])


_STATEMENTS: dict[type[Any], Callable[[Any, Any], list[tuple[int, list[Token]]]]] = {
    ops.Assign: _assign,
    ops.Evaluate: _evaluate,
    ops.If: _if,
    ops.For: _for,
    ops.Enter: _enter,
    ops.Extends: _loads,
    ops.Include: _loads,
    ops.Import: _loads,
    ops.Call: _direct,
}


# --- output ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Part:
    """A part of a run of output, as in bytecode.output. `line` is 0 for a blank text."""

    trace: list[Token]
    line: int
    is_text: bool
    reached: bool


def run(b: "Builder", items: "Sequence[tuple[int, Item | None]]") -> list[Token]:
    """The trace of a run of output: of each part the line, and the value if it is one."""
    trace = Trace(b)
    parts: list[_Part] = []

    def settle(statements: list[Token]) -> None:
        for part in parts:
            if part.reached or not part.line:
                continue
            trace.body += [part.line] if part.is_text else [*part.trace, part.line]
            part.reached = True
        trace.body += statements

    for line, item in items:
        if item is None:
            last = parts[-1] if parts else None
            if last is not None and last.is_text and (not line or last.line in (0, line)):
                if not last.line:
                    last.line, last.reached = line, not line
            else:
                parts.append(_Part([], line, True, not line))
            continue
        before = len(trace.body)
        trace.here = line
        made = trace.value(item.op)
        if len(trace.body) > before:
            statements = trace.body[before:]
            del trace.body[before:]
            settle(statements)
        parts.append(_Part([line, *made.trace, line, item], line, False, False))
    last_line = next((part.line for part in reversed(parts) if part.line), 0)
    at = last_line
    ending: list[list[Token]] = []
    for part in reversed(parts):
        if not part.reached and part.line:
            at = part.line
        if part.is_text or part.reached:
            ending.append([at] if part.is_text and not part.reached else [at] if at else [])
        else:
            ending.append([*part.trace, part.line])
    made_of = [token for tokens in reversed(ending) for token in tokens]
    return [*trace.body, *made_of, *([last_line] if last_line else [])]
