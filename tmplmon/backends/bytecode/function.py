"""One Python function under construction: its statements, temporaries, frames and where its output goes.

Rule: statements are appended to `body` in the order in which they run. A value is an expression over names; what
needs a statement of its own (an attribute with its fallback) is appended before, and leaves a name.
"""

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from tmplmon.backends.bytecode import pyast
from tmplmon.backends.bytecode.pyast import APART, NOWHERE, Place
from tmplmon.ir import ops

if TYPE_CHECKING:
    from tmplmon.backends.bytecode.compile import Compiler

CONTEXT = ".context"
OUTPUT = ".output"
LOCALS = ".locals"
NAMES = ".names"
PARENT = ".parent"

# Slots that are not variables of the frame they are in: the scope looks it up, or it is made where it is read.
_NOT_VARIABLES = frozenset({ops.SlotKind.CONTEXT, ops.SlotKind.SELF, ops.SlotKind.SUPER})

# Statements after which it is certain which line has been reached.
_STRAIGHT = frozenset({ast.Assign, ast.Expr, ast.Pass, ast.Try, ast.While})

# Tells that output is yielded, where the name of the list that it is appended to would be.
YIELD = ""


class Function:
    """`sink` is the name of the list that output is appended to, or YIELD. `scope` gives the positions of sites."""

    def __init__(self, compiler: "Compiler", scope: ops.Scope, sink: str) -> None:
        self.compiler = compiler
        self.scope = scope
        self.sink = sink
        self.body: list[ast.stmt] = []
        self.active: set[str] = set()  # variables of the frames that are open here
        # How to leave the frames that are open, innermost last; None stands for a loop.
        self.exits: list[Callable[[set[str]], None] | None] = []
        self.lookups: list[tuple[str, ast.Assign]] = []  # the prologue's
        self.extends_at = NOWHERE  # the place of the ``extends`` that came last
        self.here = NOWHERE  # the place of the op whose operands are being made
        self.unset: list[str] = []
        self._entered = NOWHERE
        self._opened: list[set[str]] = []
        self._places: dict[int, Place] = {}
        self._temps = 0

    def at(self, site: int) -> Place:
        """The place of a site; nowhere for site -1."""
        found = self._places.get(site)
        if found is None:
            found = NOWHERE if site < 0 else pyast.place(self.scope.positions[site])
            self._places[site] = found
        return found

    # Names.

    def begin(self) -> None:
        """A new statement of the template: temporaries may be used again."""
        self._temps = 0

    def temp(self) -> str:
        """A variable for the current statement."""
        self._temps += 1
        return f".{self._temps}"

    def keep(self, what: str) -> str:
        """A variable of the engine's own for as long as the function runs."""
        return f".{what}{self.compiler.next_number()}"

    @property
    def runs_once(self) -> bool:
        """Whether what is made here runs once in a run of a template or block, as far as that is known."""
        return None not in self.exits and self.scope.kind in (ops.ScopeKind.TEMPLATE, ops.ScopeKind.BLOCK)

    def kept_in_loop(self, what: str) -> str | None:
        """Inside a loop of this function, a variable of the engine's own that is None before the function's first
        statement. None elsewhere."""
        if None not in self.exits:
            return None
        name = self.keep(what)
        self.unset.append(name)
        return name

    def whole(self) -> list[ast.stmt]:
        """All statements, with what `kept_in_loop` promises before them."""
        return [pyast.set_(name, pyast.const(None, NOWHERE), NOWHERE) for name in self.unset] + self.body

    def name(self, slot: ops.Slot) -> str:
        return self.compiler.names[slot]

    def load(self, slot: ops.Slot, at: Place) -> ast.expr:
        """The value of a slot."""
        if slot.kind is ops.SlotKind.SELF:
            return pyast.call(self.runtime("TemplateReference", at), [self.context(at)], at)
        if slot.kind is ops.SlotKind.SUPER:
            name = slot.scope.name
            arguments = [self.context(at), pyast.const(name, at), self.constant("block", name, at)]
            return pyast.call(self.runtime("super_of", at), arguments, at)
        return pyast.name(self.name(slot), at)

    def constant(self, kind: str, detail: object, at: Place) -> ast.Name:
        return pyast.name(self.compiler.links.use(kind, detail), at)

    def is_stock(self, kind: str, name: str) -> bool:
        """Whether the environment's filter or test of this name is the stock one, so that it may be inlined.

        The code then depends on it: linking checks it each time."""
        target = self.compiler.target
        conventions = (target.filters if kind == "filter" else target.tests).get(name)
        if conventions is None or not conventions[1]:
            return False
        self.compiler.links.use(kind, (name, *conventions))
        return True

    def runtime(self, name: str, at: Place) -> ast.Name:
        return self.constant("runtime", name, at)

    def python(self, name: str, at: Place) -> ast.Name:
        return self.constant("python", name, at)

    def undefined(self, slot: ops.Slot, at: Place) -> ast.expr:
        """The undefined value for a variable."""
        return self.constant("undefined", slot.name, at)

    def context(self, at: Place) -> ast.expr:
        """The template's own context."""
        self.compiler.pure = False
        return pyast.name(CONTEXT, at)

    def any_context(self, at: Place) -> ast.expr:
        """A context, for what only asks it for the environment."""
        return pyast.name(CONTEXT, at)

    def nested(self) -> "Function":
        """A function inside this one, of the same scope, that puts its output into a list."""
        return Function(self.compiler, self.scope, OUTPUT)

    def look_in_locals(self) -> None:
        """Makes the look-ups of the prologue look in a dict of variables first."""
        for name, statement in self.lookups:
            statement.value = _looked_up(name, LOCALS, statement.value)

    def prologue(self) -> None:
        """What comes first in the function of a scope: names are looked up in the context."""
        scope = self.scope
        if scope.context:
            self.set(NAMES, pyast.attribute(pyast.name(CONTEXT, NOWHERE), "names", NOWHERE), NOWHERE)
            for name, slot in scope.context.items():
                self.set(
                    self.name(slot), _looked_up(name, NAMES, self.constant("default", name, NOWHERE)), NOWHERE
                )
                self.lookups.append((name, self.body[-1]))  # type: ignore[arg-type]
                self.active.add(self.name(slot))
                self.compiler.note_type(self, slot)
        start = self.enter(scope.frame)
        start()

    # Statements.

    def set(self, name: str, value: ast.expr, at: Place) -> None:
        self.body.append(pyast.set_(name, value, at))

    def named(self, value: ast.expr, at: Place) -> ast.Name:
        """A name for a value, so that it can be used twice."""
        if isinstance(value, ast.Name):
            return value
        temp = self.temp()
        self.set(temp, value, at)
        return pyast.name(temp, at)

    def reach(self, at: Place) -> None:
        """Makes a place be reached that has no code of its own."""
        self.body.append(pyast.pass_(at))

    @contextmanager
    def into(self, body: list[ast.stmt], entered: Place = NOWHERE) -> Iterator[list[ast.stmt]]:
        """Appends statements to `body` for a while. `entered` is the place of what leads there."""
        saved = self.body, self._entered
        self.body, self._entered = body, entered
        yield body
        self.body, self._entered = saved

    @property
    def quiet(self) -> Place:
        """A place for code that belongs to no line: that of what runs before it, where it is certain what that is,
        so that what follows on the same line does not count as reached again."""
        if not self.body:
            return self._entered
        line = _ends_on(self.body[-1])
        if line is None:
            return NOWHERE
        return on_line(line)

    def at_each_end(self, add: Callable[[Place], None]) -> bool:
        """Lets `add` append code that belongs to no line at the end of each way out of the last statement, to which
        it is given the place that has been reached there. False, and nothing is added, where that is not certain.

        In a generator a pause on no line loses the line that execution comes from: tracers go by where it goes on.
        """
        ways = ways_out(self.body[-1]) if self.body else None
        for body, place in ways or ():
            leave = [body.pop()] if body and type(body[-1]) is ast.Break else []
            with self.into(body):
                add(place)
            body += leave
        return bool(ways)

    @property
    def apart(self) -> Place:
        """The same for a test that what follows may be left out by."""
        at = self.quiet
        return APART if at is NOWHERE else at

    # Output.

    @contextmanager
    def output_to(self, sink: str) -> Iterator[None]:
        saved, self.sink = self.sink, sink
        yield
        self.sink = saved

    def write(self, text: ast.expr, at: Place, first: Place | None = None) -> None:
        """Puts out a text. `first` is the place of its first piece, if that is another."""
        if self.sink == YIELD:
            value: ast.expr = pyast.yield_(text, at)
        else:
            first = first or at
            value = pyast.call(pyast.attribute(pyast.name(self.sink, first), "append", first), [text], at)
        self.body.append(pyast.evaluate(value, at))

    def run(self, owner: ast.expr, context: ast.expr, at: Place, *locals: ast.expr) -> None:
        """Runs the code of a template or block, `owner`, with its output going where this function's goes. A
        template that is `pure` may be passed a dict of variables."""
        asynchronous = self.compiler.target.is_async
        if self.sink != YIELD:
            sink = pyast.name(self.sink, at)
            call: ast.expr = pyast.call(pyast.attribute(owner, "code", at), [context, sink, *locals], at)
            self.body.append(pyast.evaluate(self.awaited(call, at), at))
            return
        pieces = pyast.call(pyast.attribute(owner, "generate_code", at), [context, *locals], at)
        if asynchronous:
            piece = self.keep("piece")
            body: list[ast.stmt] = [pyast.evaluate(pyast.yield_(pyast.name(piece, at), at), at)]
            self.body.append(pyast.for_(pyast.target(piece, at), pieces, body, at, asynchronous=True))
        else:
            self.body.append(pyast.evaluate(pyast.yield_from(pieces, at), at))

    def awaited(self, value: ast.expr, at: Place) -> ast.expr:
        """Awaits what is a coroutine in an asynchronous environment."""
        return pyast.await_(value, at) if self.compiler.target.is_async else value

    def settled(self, value: ast.expr, at: Place) -> ast.expr:
        """Awaits what may be awaitable in an asynchronous environment."""
        if not self.compiler.target.is_async:
            return value
        return pyast.await_(pyast.call(self.runtime("auto_await", at), [value], at), at)

    # Frames.

    def enter(self, frame: ops.Frame) -> Callable[[], None]:
        """Opens a frame. What it returns gives its variables their first values, on each round of a loop.

        A variable of an enclosing frame that has the same name is put aside until `leave`.
        """
        starts: list[tuple[str, Callable[[Place], ast.expr]]] = []
        own: set[str] = set()
        put_aside: list[tuple[str, str]] = []
        for slot in frame.slots.values():
            if slot.kind in _NOT_VARIABLES:
                continue
            name = self.name(slot)
            aside = None
            if name in self.active:
                aside = self.keep("outer")
                at = self.quiet
                self.set(aside, pyast.name(name, at), at)
                put_aside.append((name, aside))
            else:
                own.add(name)
            if slot.initialised:
                if slot.kind is ops.SlotKind.OUTER:
                    assert slot.origin is not None
                    starts.append((name, partial(self._origin, slot.origin, name, aside)))
                elif slot.kind is ops.SlotKind.UNSET:
                    starts.append(
                        (name, partial(pyast.name, self.compiler.links.use("undefined", slot.name)))
                    )

        def leave(kept: set[str]) -> None:
            for name, aside in put_aside:
                if name not in kept:
                    at = self.quiet
                    self.set(name, pyast.name(aside, at), at)

        self.active |= own
        self.exits.append(leave)

        def start() -> None:
            for name, first_value in starts:
                at = self.quiet
                self.set(name, first_value(at), at)

        self._opened.append(own)
        return start

    def _origin(self, origin: ops.Slot, name: str, aside: str | None, at: Place) -> ast.expr:
        """The first value of the variable `name`: that of `origin`, which was put aside if the names are equal."""
        if aside is not None and self.name(origin) == name:
            return pyast.name(aside, at)
        return self.load(origin, at)

    def leave(self) -> None:
        """Closes the innermost frame."""
        leave = self.exits.pop()
        assert leave is not None
        leave(set())
        self.active -= self._opened.pop()


def _looked_up(name: str, names: str, otherwise: ast.expr) -> ast.expr:
    """``names[name] if name in names else otherwise``: less than half of what a call of ``get`` takes."""
    key = pyast.const(name, NOWHERE)
    there = pyast.compare(key, [ast.In()], [pyast.name(names, NOWHERE)], NOWHERE)
    return pyast.if_expr(there, pyast.subscript(pyast.name(names, NOWHERE), key, NOWHERE), otherwise, NOWHERE)


def _ends_on(statement: ast.stmt) -> int | None:
    """The line that is reached last in a statement, where it is certain which that is."""
    if type(statement) in _STRAIGHT:
        return statement.lineno
    if isinstance(statement, ast.For | ast.AsyncFor):
        return None if any(_breaks(statement.body)) else statement.lineno
    if type(statement) is not ast.If:
        return None
    line = _ends_on(statement.body[-1])
    otherwise = _ends_on(statement.orelse[-1]) if statement.orelse else statement.lineno
    return line if line == otherwise else None


def _breaks(body: list[ast.stmt]) -> Iterator[list[ast.stmt]]:
    """The lists of statements in the body of a loop that end with a ``break`` out of it."""
    if body and type(body[-1]) is ast.Break:
        yield body
    for statement in body:
        if type(statement) is ast.If:
            yield from _breaks(statement.body)
            yield from _breaks(statement.orelse)
        elif type(statement) is ast.Try:
            yield from _breaks(statement.body)
            yield from _breaks(statement.handlers[0].body)


def ways_out(statement: ast.stmt) -> list[tuple[list[ast.stmt], Place]] | None:
    """The ends of an ``if`` or loop, if it is certain which place has been reached at each: lists of statements.
    What is added has to be before a ``break`` that is the last of one."""
    found: list[tuple[list[ast.stmt], Place]] = []
    if isinstance(statement, ast.For | ast.AsyncFor):
        found = [(body, on_line(body[-1].lineno)) for body in _breaks(statement.body)]
        return [(statement.orelse, on_line(statement.lineno)), *found]
    if type(statement) is not ast.If:
        return None
    for body in (statement.body, statement.orelse):
        last = body[-1] if body else None
        if type(last) in (ast.Break, ast.Continue):
            continue
        line = statement.lineno if last is None else _ends_on(last)
        if line is not None and line < pyast.NO_LINE:
            found.append((body, on_line(line)))
            continue
        inner = None if last is None else ways_out(last)
        if inner is None:
            return None
        found += inner
    return found


def on_line(line: int) -> Place:
    return {"lineno": line, "end_lineno": line, "col_offset": 0, "end_col_offset": 0}
