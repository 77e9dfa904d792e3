"""One Python function while it is compiled: its statements, temporaries and frames, and the target of its output.

Rule: statements are appended to `body` in the order in which they run. A value is an expression over names. A value
that needs a statement (such as an attribute with its fallback) appends that first, and is the name of its result.
"""

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from tmplmon.backends.bytecode import pyast
from tmplmon.backends.bytecode.pyast import APART, NOWHERE, Place
from tmplmon.backends.bytecode.unit import CompilationUnit
from tmplmon.ir import ops

CONTEXT = ".context"
OUTPUT = ".output"
LOCALS = ".locals"
NAMES = ".names"
PARENT = ".parent"
CELLS = ".cells"
DETACHED = ".detached"

# The number of functions that are compiled inside the function that defines them. Further ones are detached.
_ATTACHED = 100

# Slots without a variable in their frame: the scope looks them up, or their value is computed where it is read.
_NOT_VARIABLES = frozenset({ops.SlotKind.CONTEXT, ops.SlotKind.SELF, ops.SlotKind.SUPER})

# Statements after which execution is certainly on the statement's own line.
_STRAIGHT = frozenset({ast.Assign, ast.Expr, ast.Pass, ast.Try, ast.While})

# The value of `Function.sink` in a generator, which yields its output instead of appending it to a list.
YIELD = ""


class Function:
    """A function for `scope`, whose positions its sites refer to.

    sink: the variable with the list that output is appended to, or YIELD.
    """

    def __init__(self, unit: CompilationUnit, scope: ops.Scope, sink: str) -> None:
        self.unit = unit
        self.scope = scope
        self.sink = sink
        self.body: list[ast.stmt] = []
        self.active: set[str] = set()  # variables of the open frames
        # Functions that leave the open frames, innermost last. None stands for a loop.
        self.exits: list[Callable[[set[str]], None] | None] = []
        self.lookups: list[tuple[str, ast.Assign]] = []  # the look-ups in the context, made by `look_up`
        self.extends_at = NOWHERE  # the place of the last ``extends``
        self.here = NOWHERE  # the place of the op whose operands are being compiled
        self.following: ops.Op | None = None  # the statement after the one that is being compiled
        self.unset: list[str] = []
        self.first: list[ast.stmt] = []  # definitions before all other statements
        self.functions_of_locals: dict[
            int, str
        ] = {}  # id of a list of `ops.Local` → function that returns a dict
        self._defined = 0  # the number of functions inside this one
        self._captured: set[str] = set()  # the variables that detached functions read
        self._entered = NOWHERE
        self._opened: list[set[str]] = []
        self._places: dict[int, Place] = {}
        self._temps = 0

    def at(self, site: int) -> Place:
        """The place of a site; nowhere for site -1."""
        place = self._places.get(site)
        if place is None:
            place = NOWHERE if site < 0 else pyast.place(self.scope.positions[site])
            self._places[site] = place
        return place

    # --- names ---------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Begin a new statement of the template, which may reuse the temporaries of those before it."""
        self._temps = 0

    def temp(self) -> str:
        """A new variable for the current statement."""
        self._temps += 1
        return f".{self._temps}"

    def keep(self, what: str) -> str:
        """A new variable of the engine for the whole function."""
        return f".{what}{self.unit.next_number()}"

    @property
    def runs_once(self) -> bool:
        """Whether code that is compiled now is in the body of a template or block, outside all loops."""
        return None not in self.exits and self.scope.kind in (ops.ScopeKind.TEMPLATE, ops.ScopeKind.BLOCK)

    def kept_in_loop(self, what: str) -> str | None:
        """Inside a loop of this function: a new variable of the engine that is None when the function starts. None
        outside of loops."""
        if None not in self.exits:
            return None
        name = self.keep(what)
        self.unset.append(name)
        return name

    def whole(self) -> list[ast.stmt]:
        """All statements of the function, after those that initialise the variables of `kept_in_loop`."""
        unset = pyast.const(None, NOWHERE)
        start: list[ast.stmt] = [pyast.set_(name, unset, NOWHERE) for name in self.unset]
        if self._defined > _ATTACHED:
            reads: list[ast.stmt] = [
                pyast.evaluate(pyast.name(name, NOWHERE), NOWHERE) for name in sorted(self._captured)
            ]
            cells = pyast.call(self.runtime("cells_of", NOWHERE), [pyast.name(CELLS, NOWHERE)], NOWHERE)
            definition: ast.stmt = pyast.function(CELLS, [], reads)
            start += [definition, pyast.set_(CELLS, cells, NOWHERE)]
        return start + self.first + self.body

    def define(self, definition: pyast.Definition) -> None:
        """Append the definition of a function inside this one.

        For each function inside another, Python's compiler copies the names of all variables of the outer one.
        This makes the time quadratic where there are thousands of macros. Therefore further functions are
        detached: each is compiled by itself, inside a function whose parameters are the variables that it reads.
        The statement that is appended here makes a function from its code, with the variables of this function.
        """
        self._defined += 1
        if self._defined <= _ATTACHED:
            self.body.append(definition)
            return
        captured = pyast.free_names(definition, self.unit.links.global_names)
        self._captured |= captured
        self.unit.detached.append(pyast.function(DETACHED, sorted(captured), [definition]))
        code = pyast.const(definition.name.encode(), NOWHERE)
        arguments = [code, pyast.name(CELLS, NOWHERE)]
        function = pyast.call(self.runtime("function_with", NOWHERE), arguments, NOWHERE)
        self.set(definition.name, function, NOWHERE)

    def name(self, slot: ops.Slot) -> str:
        return self.unit.names[slot]

    def load(self, slot: ops.Slot, at: Place) -> ast.expr:
        """An expression for the value of a slot."""
        if slot.kind is ops.SlotKind.SELF:
            return pyast.call(self.runtime("TemplateReference", at), [self.context(at)], at)
        if slot.kind is ops.SlotKind.SUPER:
            name = slot.scope.name
            arguments = [self.context(at), pyast.const(name, at), self.constant("block", name, at)]
            return pyast.call(self.runtime("super_of", at), arguments, at)
        return pyast.name(self.name(slot), at)

    def constant(self, kind: str, detail: object, at: Place) -> ast.Name:
        return pyast.name(self.unit.links.use(kind, detail), at)

    def is_stock(self, kind: str, name: str) -> bool:
        """Whether the environment's filter or test `name` is the stock one, so that it may be inlined.

        If it is, the code depends on that from here on: linking checks it each time.
        """
        target = self.unit.target
        convention = (target.filters if kind == "filter" else target.tests).get(name)
        if convention is None or not convention[1]:
            return False
        self.unit.links.use(kind, (name, *convention))
        return True

    def runtime(self, name: str, at: Place) -> ast.Name:
        return self.constant("runtime", name, at)

    def python(self, name: str, at: Place) -> ast.Name:
        return self.constant("python", name, at)

    def undefined(self, slot: ops.Slot, at: Place) -> ast.expr:
        """The undefined value for a variable."""
        return self.constant("undefined", slot.name, at)

    def context(self, at: Place) -> ast.expr:
        """The template's own context, so that the template cannot run with that of an including template."""
        self.unit.pure = False
        return pyast.name(CONTEXT, at)

    def any_context(self, at: Place) -> ast.expr:
        """Any context, for functions that only need its environment."""
        return pyast.name(CONTEXT, at)

    def nested(self) -> "Function":
        """A function inside this one, for the same scope, which appends its output to a list."""
        return Function(self.unit, self.scope, OUTPUT)

    def look_up(self, name: str, slot: ops.Slot) -> None:
        """Set a slot of the context to the variable `name` of the context, or the environment's global."""
        self.set(self.name(slot), _looked_up(name, NAMES, self.constant("default", name, NOWHERE)), NOWHERE)
        self.lookups.append((name, self.body[-1]))  # type: ignore[arg-type]
        self.active.add(self.name(slot))

    def look_in_locals(self) -> None:
        """Make the look-ups in the context look into the dict LOCALS first."""
        for name, statement in self.lookups:
            statement.value = _looked_up(name, LOCALS, statement.value)

    # --- statements ----------------------------------------------------------------------------------------

    def set(self, name: str, value: ast.expr, at: Place) -> None:
        self.body.append(pyast.set_(name, value, at))

    def named(self, value: ast.expr, at: Place) -> ast.Name:
        """A name for a value, so that it can be used several times."""
        if isinstance(value, ast.Name):
            return value
        temp = self.temp()
        self.set(temp, value, at)
        return pyast.name(temp, at)

    def reach(self, at: Place) -> None:
        """Add a no-operation, so that execution reaches a place that has no other code."""
        self.body.append(pyast.pass_(at))

    @contextmanager
    def into(self, body: list[ast.stmt], entered: Place = NOWHERE) -> Iterator[list[ast.stmt]]:
        """Append statements to `body` inside the ``with`` block.

        entered: the place that execution comes from when it enters `body`.
        """
        saved = self.body, self._entered
        self.body, self._entered = body, entered
        yield body
        self.body, self._entered = saved

    @property
    def quiet(self) -> Place:
        """A place for code that belongs to no line of the template: that of the code before it, if that is certain.
        Then code that follows on the same line does not fire LINE again."""
        if not self.body:
            return self._entered
        line = _ends_on(self.body[-1])
        if line is None:
            return NOWHERE
        return _on_line(line)

    def at_each_end(self, add: Callable[[Place], None]) -> bool:
        """Append code that belongs to no line at the end of each path through the last statement.

        add: appends the code to ``self.body``; its argument is the place that execution has reached there.

        Returns False, without adding anything, if the reached places are not certain. This is for generators: a
        tracer takes the line of a pause as the line that execution resumes on, so a pause must have a line.
        """
        ends = _path_ends(self.body[-1]) if self.body else None
        for body, place in ends or ():
            leave = [body.pop()] if body and type(body[-1]) is ast.Break else []
            with self.into(body):
                add(place)
            body += leave
        return bool(ends)

    @property
    def apart(self) -> Place:
        """`quiet` for a test that may skip the statements after it."""
        at = self.quiet
        return APART if at is NOWHERE else at

    # --- output --------------------------------------------------------------------------------------------

    @contextmanager
    def output_to(self, sink: str) -> Iterator[None]:
        saved, self.sink = self.sink, sink
        yield
        self.sink = saved

    def write(self, text: ast.expr, at: Place) -> None:
        """Write a text to the function's output."""
        if self.sink == YIELD:
            value: ast.expr = pyast.yield_(text, at)
        else:
            value = pyast.call(pyast.attribute(pyast.name(self.sink, at), "append", at), [text], at)
        self.body.append(pyast.evaluate(value, at))

    def run(self, owner: ast.expr, context: ast.expr, at: Place, *locals: ast.expr) -> None:
        """Run the code of a template or block, `owner`, which writes to the output of this function.

        locals: for a template that is `pure`, a dict of variables, or nothing.
        """
        asynchronous = self.unit.target.is_async
        if self.sink != YIELD:
            sink = pyast.name(self.sink, at)
            call: ast.expr = pyast.call(pyast.attribute(owner, "code", at), [context, sink, *locals], at)
            self.body.append(pyast.evaluate(self.awaited(call, at), at))
            return
        chunks = pyast.call(pyast.attribute(owner, "generate_code", at), [context, *locals], at)
        if asynchronous:
            chunk, generator = self.keep("piece"), self.keep("pieces")
            self.set(generator, chunks, at)
            body: list[ast.stmt] = [pyast.evaluate(pyast.yield_(pyast.name(chunk, at), at), at)]
            all_chunks = pyast.name(generator, at)
            loop = pyast.for_(pyast.target(chunk, at), all_chunks, body, at, asynchronous=True)
            self.body.append(pyast.closing(generator, [loop], at))
        else:
            self.body.append(pyast.evaluate(pyast.yield_from(chunks, at), at))

    def awaited(self, value: ast.expr, at: Place) -> ast.expr:
        """A value that is a coroutine in an asynchronous environment: awaited there."""
        return pyast.await_(value, at) if self.unit.target.is_async else value

    def settled(self, value: ast.expr, at: Place) -> ast.expr:
        """A value that may be awaitable in an asynchronous environment: awaited there if it is."""
        if not self.unit.target.is_async:
            return value
        return pyast.await_(pyast.call(self.runtime("auto_await", at), [value], at), at)

    # --- frames --------------------------------------------------------------------------------------------

    def enter(self, frame: ops.Frame) -> Callable[[], None]:
        """Open a frame. The returned function appends the statements that give the frame's variables their first
        values; in a loop, they run on each round.

        The value of a variable of an enclosing frame that has the same name is saved until `leave`.
        """
        starts: list[tuple[str, Callable[[Place], ast.expr]]] = []
        own: set[str] = set()
        saved: list[tuple[str, str]] = []
        for slot in frame.slots.values():
            if slot.kind in _NOT_VARIABLES:
                continue
            name = self.name(slot)
            saved_name = None
            if name in self.active:
                saved_name = self.keep("outer")
                at = self.quiet
                self.set(saved_name, pyast.name(name, at), at)
                saved.append((name, saved_name))
            else:
                own.add(name)
            if slot.initialised:
                if slot.kind is ops.SlotKind.OUTER:
                    assert slot.origin is not None
                    starts.append((name, partial(self._outer_value, slot.origin, name, saved_name)))
                elif slot.kind is ops.SlotKind.UNSET:
                    starts.append((name, partial(pyast.name, self.unit.links.use("undefined", slot.name))))

        def leave(kept: set[str]) -> None:
            for name, saved_name in saved:
                if name not in kept:
                    at = self.quiet
                    self.set(name, pyast.name(saved_name, at), at)

        self.active |= own
        self.exits.append(leave)

        def start() -> None:
            for name, first_value in starts:
                at = self.quiet
                self.set(name, first_value(at), at)

        self._opened.append(own)
        return start

    def _outer_value(self, origin: ops.Slot, name: str, saved_name: str | None, at: Place) -> ast.expr:
        """The first value of the variable `name`: that of the slot `origin`.

        saved_name: the variable with the saved value of an outer variable called `name`, or None.
        """
        if saved_name is not None and self.name(origin) == name:
            return pyast.name(saved_name, at)
        return self.load(origin, at)

    def leave(self) -> None:
        """Close the innermost frame."""
        leave = self.exits.pop()
        assert leave is not None
        leave(set())
        self.active -= self._opened.pop()


def _looked_up(name: str, names: str, otherwise: ast.expr) -> ast.expr:
    """``names[name] if name in names else otherwise``, which takes less than half the time of a call of ``get``."""
    key = pyast.const(name, NOWHERE)
    is_there = pyast.compare(key, [ast.In()], [pyast.name(names, NOWHERE)], NOWHERE)
    return pyast.if_expr(
        is_there, pyast.subscript(pyast.name(names, NOWHERE), key, NOWHERE), otherwise, NOWHERE
    )


def _ends_on(statement: ast.stmt) -> int | None:
    """The line that execution is on after a statement, or None if that is not certain."""
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
            for handler in statement.handlers:
                yield from _breaks(handler.body)


def _path_ends(statement: ast.stmt) -> list[tuple[list[ast.stmt], Place]] | None:
    """(list of statements, place that execution has reached at its end) for each path through an ``if`` or loop, or
    None if the places are not certain. A list may end with a ``break``, before which code has to be added."""
    ends: list[tuple[list[ast.stmt], Place]] = []
    if isinstance(statement, ast.For | ast.AsyncFor):
        ends = [(body, _on_line(body[-1].lineno)) for body in _breaks(statement.body)]
        return [(statement.orelse, _on_line(statement.lineno)), *ends]
    if type(statement) is not ast.If:
        return None
    for body in (statement.body, statement.orelse):
        last = body[-1] if body else None
        if type(last) in (ast.Break, ast.Continue):
            continue
        line = statement.lineno if last is None else _ends_on(last)
        if line is not None and line < pyast.NO_LINE:
            ends.append((body, _on_line(line)))
            continue
        inner = None if last is None else _path_ends(last)
        if inner is None:
            return None
        ends += inner
    return ends


def _on_line(line: int) -> Place:
    return {"lineno": line, "end_lineno": line, "col_offset": 0, "end_col_offset": 0}
