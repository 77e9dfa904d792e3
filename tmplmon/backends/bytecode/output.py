"""A run of output: one text, put out at once.

    hello {{ name }}, {{ n }}        output.append(f'hello {text of name}, {text of n}')

Rule: the values become text one by one, in the template's order. Each is a part of the f-string as long as no
later value takes statements of its own; then it is evaluated before those, into a temporary. Each line of the run
that the table promises fires LINE when it is reached: a part is on its own line, and what puts the text out is on
the line of the last part. A text that is put aside for later statements leaves a no-operation on its line.

    <td>{{ user.name }}</td>         an attribute that is a str is read, escaped and put out from top to bottom:

        while True:
            try:
                if user is no dict:
                    it = user.name
                    if type(it) is str:
                        output.append(f'<td>{escape(it)}</td>')
                        break
                else:                   the same with user['name']
            except errors:
                it = member(user, 'name')
            output.append(f'<td>{it if type(it) is int else escaped(it)}</td>')
            break

That is more code than a test and an expression after the other, and as quick. But ways that meet within a line cost
a template that coverage.py measures: see `values.read_attribute`.
"""

import ast
from collections.abc import Callable, Sequence

from tmplmon.backends.bytecode import pyast
from tmplmon.backends.bytecode.calls import call_arguments
from tmplmon.backends.bytecode.function import PARENT, YIELD, Function
from tmplmon.backends.bytecode.operands import value
from tmplmon.backends.bytecode.pyast import NO_LINE, NOWHERE, Place
from tmplmon.backends.bytecode.texts import (
    text_by_type,
    text_of,
    text_of_other,
    text_of_str,
    type_is,
)
from tmplmon.backends.bytecode.values import read_attribute
from tmplmon.ir import ops
from tmplmon.ir.facts import LONGEST_RUN, known_macro, known_super, macro_slots
from tmplmon.records import record
from tmplmon.runtime.html import escape_to_str

# A text of so many characters is put out on its own: as a part of an f-string it would be copied once more, which
# takes longer than another call of `append` (about 15 ns).
_LONG_TEXT = 1000


@record
class _Part:
    """A text, or the expression of one. `place` is None for a blank text, which has no line. What is `reached` has
    been evaluated by a statement, or needs no LINE event any more."""

    content: "str | ast.expr"
    place: Place | None
    reached: bool = False
    text: "_AttributeText | None" = None


@record
class _AttributeText:
    """The text of an attribute, of which nothing is left to do but to use it, in two places: where it is a str that
    has been read in a quick way, and where it is anything else. Each is the end of a list of statements, the rest
    of which are there; `name` is for the text."""

    name: str
    quick: ast.expr
    ends: "list[list[ast.stmt]]"
    other: ast.expr
    whole: ast.While


def emit(f: Function, run: Sequence[ops.Emit | ops.If], following: Place = NOWHERE) -> None:
    """Puts out a run, which `run_at` found. `following` is the place that is reached after it, if that is known."""
    made = _Run(f, following)
    f.begin()
    for op in run:
        if type(op) is ops.Emit:
            made.pieces(op.pieces)
        elif type(op) is ops.If:
            made.choice(op)
    made.flush()


def emit_unless_extended(f: Function, op: ops.Emit, following: Place) -> None:
    """`emit` where a parent template may have been set, which drops the output."""
    at = f.apart
    with f.into([], at) as statements:
        emit(f, [op], following)
    if statements:
        extended = pyast.compare(pyast.name(PARENT, at), [ast.Is()], [pyast.const(None, at)], at)
        f.body.append(pyast.if_(extended, statements, [], at))


class _Run:
    def __init__(self, f: Function, following: Place) -> None:
        self.f = f
        self.following = following
        self.parts: list[_Part] = []
        self.values = 0

    def pieces(self, pieces: Sequence[ops.EmitText | ops.EmitValue]) -> None:
        for piece in pieces:
            if type(piece) is ops.EmitText:
                self.add_text(piece.text, self.f.at(piece.site) if piece.site >= 0 else None)
            else:
                assert isinstance(piece, ops.EmitValue)
                self.value(piece.value, piece.escape, piece.site, piece.finished)
            if self.values >= LONGEST_RUN:
                self.flush()
                self.f.begin()

    def choice(self, op: ops.If) -> None:
        """One of two texts on one line: a part like any other."""
        f = self.f
        ((test, yes, site),) = op.branches
        at = f.here = f.at(site)
        before = len(f.body)
        condition = value(f, test)
        if len(f.body) > before:
            self.settle(before)
        first, second = (pyast.const(_text_of(body), at) for body in (yes, op.orelse))
        self.add_value(pyast.if_expr(condition, first, second, at), at)

    def add_text(self, text: str, place: Place | None) -> None:
        self.append_text(text, place)
        content = self.parts[-1].content
        if type(content) is str and len(content) >= _LONG_TEXT and self.f.sink != YIELD:
            long = self.parts.pop()
            self.flush()
            self.parts.append(long)
            self.flush()
            self.f.begin()

    def append_text(self, text: str, place: Place | None) -> None:
        last = self.parts[-1] if self.parts else None
        if last is not None and type(last.content) is str and not self.f.unit.target.native:
            if place is None or (last.place is not None and last.place["lineno"] == place["lineno"]):
                last.content += text
                return
            if last.place is None:
                last.content += text
                last.place = place
                last.reached = False
                return
        self.parts.append(_Part(text, place, place is None))

    def add_value(self, made: ast.expr, place: Place) -> None:
        self.parts.append(_Part(made, place))
        self.values += 1

    def settle(self, before: int) -> None:
        """Evaluates the parts there are before the statements from `before` on."""
        body = self.f.body
        statements = body[before:]
        del body[before:]
        for part in self.parts:
            if part.text is not None:
                self.put_aside(part)
            if part.reached or part.place is None:
                continue
            if isinstance(part.content, str):
                if not body or body[-1].lineno != part.place["lineno"]:
                    self.f.reach(part.place)
            elif not isinstance(part.content, ast.Name) or not part.content.id.startswith("."):
                part.content = self.assigned(part.content, part.place)
            part.reached = True
        body += statements

    def value(self, op: ops.Op, escape: bool | None, site: int, finished: bool = False) -> None:
        f = self.f
        at = f.at(site)
        f.here = at
        target = f.unit.target
        if (finished or target.finalize is None) and not target.native:
            if type(op) is ops.Const and escape is not None:
                self.add_text(str(escape_to_str(op.value)) if escape else str(op.value), at)
                return
            if type(op) is ops.Concat and escape is not None:
                # Joining and then escaping gives what escaping each part gives.
                for part in op.items:
                    self.joined(part, escape, at)
                return
            if type(op) is ops.Call and (self.direct_macro(op) or self.direct_super(op)):
                return
            if type(op) is ops.Attr and escape is not None and self.attribute(op, escape, at):
                return
        before = len(f.body)
        made = text_of(f, op, escape, at, finished)
        if len(f.body) > before:
            self.settle(before)
        self.add_value(made, at)

    def attribute(self, op: ops.Attr, escape: bool, at: Place) -> bool:
        """An attribute, where it can be read and made text in statements that the most frequent case, a str, runs
        through from top to bottom."""
        f = self.f
        target = f.unit.target
        if (
            f.runs_once  # it is shorter to compile otherwise
            or not target.stock_getattr
            or target.is_async
            or target.traced
            or f.at(op.site)["lineno"] != at["lineno"]
        ):
            return False
        before = len(f.body)
        f.here = at
        result, name = f.temp(), f.temp()
        ends: list[list[ast.stmt]] = []

        def then() -> list[ast.stmt]:
            ends.append([])
            return [pyast.if_(type_is(f, pyast.name(result, at), "str", at), ends[-1], [], at)]

        body = read_attribute(f, op, result, then)
        again = pyast.name(result, at)
        quick = text_of_str(f, again, escape, at)
        other = f.runtime("escaped", at) if escape else f.python("str", at)
        general = text_of_other(f, again, other, at)
        whole = pyast.once(body, at)
        f.body.append(whole)
        self.settle(before)
        text = _AttributeText(name, quick, ends, general, whole)
        self.parts.append(_Part(pyast.name(name, at), at, True, text))
        self.values += 1
        return True

    def put_aside(self, part: _Part) -> None:
        """Ends the statements of an attribute: its text has a name from then on."""
        assert part.text is not None and part.place is not None
        text, part.text, at = part.text, None, part.place
        self.end(text, lambda made: [pyast.set_(text.name, made, at)], at)

    def end(self, text: _AttributeText, use: Callable[[ast.expr], list[ast.stmt]], at: Place) -> None:
        for body in text.ends:
            body += [*use(text.quick), pyast.break_(at)]
        text.whole.body[-1:-1] = use(text.other)

    def joined(self, op: ops.Op, escape: bool, at: Place) -> None:
        """One of the values that ``~`` joins."""
        f = self.f
        if type(op) is ops.Const:
            self.add_text(str(escape_to_str(str(op.value))) if escape else str(op.value), at)
            return
        before = len(f.body)
        other = f.runtime("joined_text", at) if escape else f.python("str", at)
        made = text_by_type(f, value(f, op), escape, other, at)
        if len(f.body) > before:
            self.settle(before)
        self.add_value(made, at)

    def assigned(self, made: ast.expr, at: Place) -> ast.Name:
        name = self.f.temp()
        self.f.set(name, made, at)
        return pyast.name(name, at)

    # What puts out by itself.

    def direct_macro(self, op: ops.Call) -> bool:
        """Runs a macro that is known here with its output going where this output goes."""
        f = self.f
        if type(op.func) is not ops.Load or f.unit.target.is_async or f.sink == YIELD:
            return False
        macro = known_macro(op.func.slot)
        if macro is None:
            return False
        slots = macro_slots(macro, op)
        if slots is None:
            return False
        at = f.at(op.site)
        self.flush()
        f.here = at
        arguments = ops.Arguments([slot for slot in slots if slot is not None], [])
        _, made, _ = call_arguments(f, [], arguments, None, at)
        values = iter(made)
        passed = [f.runtime("missing", at) if slot is None else next(values) for slot in slots]
        code = pyast.name(f.unit.macro_codes[macro], at)
        call = pyast.call(code, [pyast.name(f.sink, at), *passed], at)
        f.body.append(pyast.evaluate(call, at))
        return True

    def direct_super(self, op: ops.Call) -> bool:
        """Runs the next block up the chain with its output going where this output goes."""
        f = self.f
        name = known_super(op)
        if name is None:
            return False
        at = f.at(op.site)
        self.flush()
        context = f.context(at)
        after = pyast.attribute(pyast.attribute(context, "blocks", at), "after", at)
        f.run(pyast.subscript(after, f.constant("block", name, at), at), context, at)
        return True

    def flush(self) -> None:
        """Puts out the parts there are."""
        f = self.f
        parts, self.parts, self.values = self.parts, [], 0
        if not parts:
            return
        if f.unit.target.native:
            for part in parts:
                at = part.place or f.quiet
                f.write(_node(part, at), at)
            return
        if f.unit.target.traced:
            for part in parts:
                at = part.place or f.quiet
                f.write(self.traced(part, at), at)
            return
        last = next((part.place for part in reversed(parts) if part.place is not None), None) or f.quiet
        if last["lineno"] >= NO_LINE and f.sink == YIELD:
            if self.put_out_before(parts):
                return
            # A debugger compares the line of a pause with the one that it is to stop at.
            last = self.following
        first = next((part.place for part in parts if not part.reached and part.place is not None), last)
        pending = next((part for part in parts if part.text is not None), None)
        if pending is not None:
            if self.is_last_step(pending, parts, first, last):
                self.put_out_with(pending, parts, last)
                return
            self.put_aside(pending)
        text = self.text_of_parts(parts, last)
        if text is None:
            f.reach(last)
        elif first["lineno"] != last["lineno"]:
            # The compiler would put the whole call on the line that it begins on.
            held = f.temp()
            f.set(held, text, last)
            f.write(pyast.name(held, last), last)
        else:
            f.write(text, last)

    def put_out_before(self, parts: list[_Part]) -> bool:
        """Puts a blank text that follows an ``if`` or a loop out at the end of each of its ways, where it can."""

        def put_out(place: Place) -> None:
            text = self.text_of_parts(parts, place)
            assert text is not None
            self.f.write(text, place)

        return self.f.at_each_end(put_out)

    def is_last_step(self, pending: _Part, parts: list[_Part], first: Place, last: Place) -> bool:
        """Whether nothing is left to do after an attribute but to put out, on its line. (What could fail otherwise
        would meet the handler of the attribute's errors; so would what is thrown in at a yield.)"""
        assert pending.text is not None and pending.place is not None
        return (
            self.f.sink != YIELD
            and pending.text.whole is self.f.body[-1]
            and pending.place["lineno"] == first["lineno"] == last["lineno"]
            and all(isinstance(part.content, str) for part in parts[parts.index(pending) + 1 :])
        )

    def put_out_with(self, pending: _Part, parts: list[_Part], at: Place) -> None:
        """Puts out the parts in each of the places where the text of an attribute is known."""
        f, text = self.f, pending.text
        assert text is not None

        def use(made: ast.expr) -> list[ast.stmt]:
            pending.content = made
            with f.into([], at) as body:
                whole = self.text_of_parts(parts, at)
                assert whole is not None
                f.write(whole, at)
            return body

        self.end(text, use, at)

    def traced(self, part: _Part, at: Place) -> ast.expr:
        """A part that knows where it comes from."""
        place = NOWHERE if part.place is None else part.place
        line, column, end = place["lineno"], place["col_offset"], place["end_col_offset"]
        literal = isinstance(part.content, str)
        if part.place is None:
            known = [0, 0]
        elif literal:
            known = [line, column]
        else:
            known = [line, column, end if place["end_lineno"] == line else -1]
        name = "traced_text" if literal else "traced_value"
        arguments = [_node(part, at), *(pyast.const(number, at) for number in known)]
        return pyast.call(self.f.runtime(name, at), arguments, at)

    def text_of_parts(self, parts: list[_Part], last: Place) -> ast.expr | None:
        """The text of all parts, None if it is empty. A part that has been reached is where the next one is that
        has not."""
        nodes: list[ast.expr] = []
        at = last
        for part in reversed(parts):
            if not part.reached and part.place is not None:
                at = part.place
            if part.content != "" or not part.reached:
                nodes.append(_node(part, at))
        nodes.reverse()
        if all(part.content == "" for part in parts):
            return None
        if len(nodes) == 1 and _is_text(nodes[0]):
            return nodes[0]
        return pyast.joined(
            [node if _is_text(node) else pyast.formatted(node, _place(node)) for node in nodes], last
        )


def run_at(f: Function, body: Sequence[ops.Op], start: int) -> int:
    """Where the run of output that begins at `start` ends: it takes in ``if``s that choose between two texts on one
    line, as in ``class="{% if on %}on{% endif %}"``."""
    end = start
    if f.unit.target.stepping:
        first = body[start]
        return start + (type(first) is ops.Emit and not first.unless_extended)
    while end < len(body):
        op = body[end]
        if type(op) is ops.Emit:
            if op.unless_extended:
                break
        elif type(op) is not ops.If or not _is_choice(f, op):
            break
        end += 1
    return end


def _is_choice(f: Function, op: ops.If) -> bool:
    if len(op.branches) != 1 or f.unit.target.native or isinstance(op.branches[0][0], ops.Const):
        return False
    positions = f.scope.positions
    line = positions[op.branches[0][2]][0]
    for body in (op.branches[0][1], op.orelse):
        for inner in body:
            if type(inner) is not ops.Emit or inner.unless_extended:
                return False
            for piece in inner.pieces:
                if type(piece) is not ops.EmitText or (piece.site >= 0 and positions[piece.site][0] != line):
                    return False
    return True


def _text_of(body: Sequence[ops.Op]) -> str:
    return "".join([piece.text for op in body for piece in op.pieces])  # type: ignore[union-attr]


def _node(part: _Part, at: Place) -> ast.expr:
    content = part.content
    if isinstance(content, str):
        return pyast.const(content, at)
    return pyast.name(content.id, at) if isinstance(content, ast.Name) else content


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is str


def _place(node: ast.expr) -> Place:
    return {name: getattr(node, name) for name in NOWHERE}
