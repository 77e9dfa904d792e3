"""A run of output: one text, put out at once.

    hello {{ name }}, {{ n }}        output.append(f'hello {text of name}, {text of n}')

    where the text of x is           escape(x) if type(x) is str else x if type(x) is int else escaped(x)

Rule: the values become text one by one, in the template's order. Each is a part of the f-string as long as no
later value takes statements of its own; then it is evaluated before those, into a temporary. Each line of the run
that the table promises fires LINE when it is reached: a part is on its own line, and what puts the text out is on
the line of the last part. A text that is put aside for later statements leaves a no-operation on its line.
"""

import ast
from collections.abc import Sequence

from tmplmon.backends.bytecode import pyast
from tmplmon.backends.bytecode.function import PARENT, YIELD, Function
from tmplmon.backends.bytecode.pyast import NOWHERE, Place
from tmplmon.backends.bytecode.values import call_arguments, value
from tmplmon.backends.known import BOOLEAN_TESTS, LONGEST_RUN, known_macro, macro_slots
from tmplmon.ir import ops
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


def emit(f: Function, run: Sequence[ops.Emit | ops.If]) -> None:
    """Puts out a run, which `run_at` found."""
    made = _Run(f)
    f.begin()
    for op in run:
        if type(op) is ops.Emit:
            made.pieces(op.pieces)
        elif type(op) is ops.If:
            made.choice(op)
    made.flush()


def emit_unless_extended(f: Function, op: ops.Emit) -> None:
    """Puts out a run where a parent template may have been set, which drops it."""
    at = f.apart
    with f.into([], at) as statements:
        emit(f, [op])
    if statements:
        extended = pyast.compare(pyast.name(PARENT, at), [ast.Is()], [pyast.const(None, at)], at)
        f.body.append(pyast.if_(extended, statements, [], at))


class _Run:
    def __init__(self, f: Function) -> None:
        self.f = f
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
        if last is not None and type(last.content) is str and not self.f.compiler.target.native:
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
        target = f.compiler.target
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
        before = len(f.body)
        made = self.convert(op, escape, at, finished)
        if len(f.body) > before:
            self.settle(before)
        self.add_value(made, at)

    def joined(self, op: ops.Op, escape: bool, at: Place) -> None:
        """One of the values that ``~`` joins."""
        f = self.f
        if type(op) is ops.Const:
            self.add_text(str(escape_to_str(str(op.value))) if escape else str(op.value), at)
            return
        before = len(f.body)
        other = f.runtime("joined_text", at) if escape else f.python("str", at)
        made = self.text_of(value(f, op), escape, other, at)
        if len(f.body) > before:
            self.settle(before)
        self.add_value(made, at)

    def text_of(self, held: ast.expr, escape: bool, other: ast.expr, at: Place) -> ast.expr:
        """The text of a value: made in place of a str, an int itself, by the function `other` of the rest."""
        f = self.f
        first, again = self.twice(held, at)
        text: ast.expr = pyast.call(f.runtime("escape_text", at), [again], at) if escape else again
        otherwise = pyast.if_expr(_type_is(f, again, "int", at), again, pyast.call(other, [again], at), at)
        return pyast.if_expr(_type_is(f, first, "str", at), text, otherwise, at)

    def twice(self, held: ast.expr, at: Place) -> tuple[ast.expr, ast.expr]:
        """A value to evaluate first, and what has it afterwards."""
        if isinstance(held, ast.Name):
            return held, held
        temp = self.f.temp()
        return pyast.walrus(temp, held, at), pyast.name(temp, at)

    def convert(self, op: ops.Op, escape: bool | None, at: Place, finished: bool = False) -> ast.expr:
        """An expression for the text of a value, or for an int, which has no character to escape."""
        f = self.f
        target = f.compiler.target
        if target.finalize is not None and not finished:
            return self.finalized(op, escape, at)
        if target.native:
            return value(f, op)
        if type(op) is ops.LoopAttr and op.name not in ("first", "last"):
            return value(f, op)
        if type(op) is ops.Filter and _is_stock(f, op):
            if op.name in ("e", "escape") and not op.arguments.values():
                return self.convert(op.value, True, at, finished=True)
            if op.name == "safe" and escape:
                first, again = self.twice(value(f, op.value), at)
                html = pyast.call(f.runtime("html_of", at), [again], at)
                return pyast.if_expr(_type_is(f, first, "str", at), again, html, at)
            if op.name in ("length", "count"):
                return value(f, op)
        if type(op) is ops.Test and op.name in BOOLEAN_TESTS and target.tests[op.name][1]:
            return pyast.call(f.python("str", at), [value(f, op)], at)
        held = value(f, op)
        if escape is None:
            return pyast.call(f.runtime("emit", at), [f.context(at), held], at)
        if target.traced:
            other: ast.expr = f.runtime("traced_escaped" if escape else "traced_plain", at)
        else:
            other = f.runtime("escaped", at) if escape else f.python("str", at)
        return self.text_of(held, escape, other, at)

    def assigned(self, made: ast.expr, at: Place) -> ast.Name:
        name = self.f.temp()
        self.f.set(name, made, at)
        return pyast.name(name, at)

    def finalized(self, op: ops.Op, escape: bool | None, at: Place) -> ast.expr:
        """A value that passes through the application's function before it becomes text."""
        f = self.f
        target = f.compiler.target
        assert target.finalize is not None
        wants, *_ = target.finalize
        held: ast.expr = value(f, op)
        constant = type(op) is ops.Const
        if constant and escape:
            # A constant is escaped first, as Jinja2 does it while compiling.
            held = pyast.call(f.runtime("escape", at), [held], at)
        arguments: list[ast.expr] = []
        if wants == "environment":
            arguments = [f.constant("environment", None, at)]
        elif wants == "context":
            arguments = [f.context(at)]
        elif wants == "eval_context":
            arguments = [pyast.attribute(f.context(at), "eval_ctx", at)]
        result = pyast.call(f.constant("finalize", wants, at), [*arguments, held], at)
        if target.native:
            return result
        if constant or escape is False:
            return pyast.call(f.python("str", at), [result], at)
        if escape is None:
            return pyast.call(f.runtime("emit", at), [f.context(at), result], at)
        return pyast.call(f.runtime("escaped", at), [result], at)

    # What puts out by itself.

    def direct_macro(self, op: ops.Call) -> bool:
        """Runs a macro that is known here with its output going where this output goes."""
        f = self.f
        if type(op.func) is not ops.Load or f.compiler.target.is_async or f.sink == YIELD:
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
        _, made, _ = call_arguments(f, [], arguments, at)
        values = iter(made)
        passed = [f.runtime("missing", at) if slot is None else next(values) for slot in slots]
        code = pyast.name(f.compiler.macro_codes[macro], at)
        call = pyast.call(code, [pyast.name(f.sink, at), *passed], at)
        f.body.append(pyast.evaluate(call, at))
        return True

    def direct_super(self, op: ops.Call) -> bool:
        """Runs the next block up the chain with its output going where this output goes."""
        f = self.f
        func = op.func
        if type(func) is not ops.Load or func.slot.kind is not ops.SlotKind.SUPER or op.arguments.values():
            return False
        name = func.slot.scope.name
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
        if f.compiler.target.native:
            for part in parts:
                at = part.place or f.quiet
                f.write(_node(part, at), at)
            return
        if f.compiler.target.traced:
            for part in parts:
                at = part.place or f.quiet
                f.write(self.traced(part, at), at)
            return
        last = next((part.place for part in reversed(parts) if part.place is not None), None) or f.quiet
        text = self.text_of_parts(parts, last)
        first = next((part.place for part in parts if not part.reached and part.place is not None), last)
        if text is None:
            f.reach(last)
        elif first["lineno"] != last["lineno"]:
            # The compiler would put the whole call on the line that it begins on.
            held = f.temp()
            f.set(held, text, last)
            f.write(pyast.name(held, last), last)
        else:
            f.write(text, last)

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
    if f.compiler.target.stepping:
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
    if len(op.branches) != 1 or f.compiler.target.native or isinstance(op.branches[0][0], ops.Const):
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


def _type_is(f: Function, held: ast.expr, python_type: str, at: Place) -> ast.expr:
    kind = pyast.call(f.python("type", at), [held], at)
    return pyast.compare(kind, [ast.Is()], [f.python(python_type, at)], at)


def _is_stock(f: Function, op: ops.Filter) -> bool:
    known = f.compiler.target.filters.get(op.name)
    return known is not None and known[1]
