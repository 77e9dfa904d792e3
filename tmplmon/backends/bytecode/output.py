"""A run of output: one f-string, written at once.

    hello {{ name }}, {{ n }}        output.append(f'hello {text of name}, {text of n}')

Rule: values become text one by one, in the template's order. A value is a fragment of the f-string as long as no
later value needs statements of its own; if one does, the fragments before it are evaluated into temporaries
first. Each line of the run that has a LINE site fires LINE when execution reaches it: a fragment is on its own
line, and the call that writes the text is on the line of the last fragment. A constant text that comes before
statements leaves a no-operation on its line.

    <td>{{ user.name }}</td>         for an attribute that is a str, read, escape and write are one straight path:

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

This is more code than a conditional expression, and as fast. But where paths join within a line, a template that
coverage.py measures gets slower: see `values.read_attribute`.
"""

import ast
from collections.abc import Callable, Sequence

from tmplmon.backends.bytecode import pyast
from tmplmon.backends.bytecode.calls import call_arguments
from tmplmon.backends.bytecode.function import PARENT, YIELD, Function
from tmplmon.backends.bytecode.operands import value
from tmplmon.backends.bytecode.pyast import NO_LINE, NOWHERE, Place
from tmplmon.backends.bytecode.texts import text_by_type, text_of, text_of_other, text_of_str, type_is
from tmplmon.backends.bytecode.values import read_attribute
from tmplmon.ir import ops
from tmplmon.ir.facts import LONGEST_RUN
from tmplmon.ir.output import (
    ConstantText,
    MacroCall,
    OutputRules,
    OutputValue,
    SuperCall,
    split_piece,
    starts_chunk,
)
from tmplmon.records import record
from tmplmon.runtime.html import escape_to_str

# A text of at least so many characters is written on its own: as a part of an f-string it would be copied once
# more, which takes longer than another call of `append` (about 15 ns).
_LONG_TEXT = 1000

# For an f-string of more parts, CPython appends each to a list, by an instruction that is on the last line of the
# f-string: tools would see that line after every part. (`STACK_USE_GUIDELINE` of CPython's compiler.)
_MOST_FRAGMENTS = 30


@record
class _Fragment:
    """A part of the f-string: a constant text, or the expression of a text.

    place: None for a blank text, which has no line.
    reached: whether a statement has evaluated the fragment, or it needs no LINE event.
    attribute: the unfinished statements of an attribute whose text the fragment is, if there are any.
    """

    content: "str | ast.expr"
    place: Place | None
    reached: bool = False
    attribute: "_AttributeText | None" = None


@record
class _AttributeText:
    """The statements that compute the text of an attribute, up to the point where the text is used.

    name: a variable for the text.
    text_of_str, text_of_other: the text of an attribute that was read directly and is a `str`, and of any other.
    direct_ends: the lists of statements that use `text_of_str` at their end.
    loop: the loop of one round around all statements, which uses `text_of_other` at its end.
    """

    name: str
    text_of_str: ast.expr
    direct_ends: "list[list[ast.stmt]]"
    text_of_other: ast.expr
    loop: ast.While

    def use(self, statements: Callable[[ast.expr], list[ast.stmt]], at: Place) -> None:
        """Finish the statements with those that `statements` returns for the text."""
        for body in self.direct_ends:
            body += [*statements(self.text_of_str), pyast.break_(at)]
        self.loop.body[-1:-1] = statements(self.text_of_other)


def emit(f: Function, run: Sequence[ops.Emit | ops.If], following: Place = NOWHERE) -> None:
    """Append the statements that write a run, as delimited by `run_at`.

    following: the place that execution reaches after the run, if that is certain.
    """
    writer = _RunWriter(f, following)
    f.begin()
    for op in run:
        if type(op) is ops.Emit:
            writer.pieces(op.pieces)
        elif type(op) is ops.If:
            writer.choice(op)
    writer.flush()


def emit_unless_extended(f: Function, op: ops.Emit, following: Place) -> None:
    """`emit` for output that is dropped if a parent template has been set."""
    at = f.apart
    with f.into([], at) as statements:
        emit(f, [op], following)
    if statements:
        not_extended = pyast.compare(pyast.name(PARENT, at), [ast.Is()], [pyast.const(None, at)], at)
        f.body.append(pyast.if_(not_extended, statements, [], at))


class _RunWriter:
    """Collects the fragments of a run, and writes them."""

    def __init__(self, f: Function, following: Place) -> None:
        self.f = f
        self.following = following
        self.fragments: list[_Fragment] = []
        self.values = 0
        target = f.unit.target
        # A macro is a function that appends to a list; a generator or coroutine cannot pass its output on so.
        direct_macros = not target.is_async and f.sink != YIELD
        self.rules = OutputRules(
            target.finalize is not None, target.native, direct_macros, True, escape_to_str
        )

    # --- collecting ----------------------------------------------------------------------------------------

    def pieces(self, pieces: Sequence[ops.EmitText | ops.EmitValue]) -> None:
        f = self.f
        for piece in pieces:
            if piece.site >= 0:
                self.begin_piece(type(piece) is ops.EmitValue)
            if type(piece) is ops.EmitValue:
                f.here = f.at(piece.site)
            for part in split_piece(piece, self.rules):
                match part:
                    case ConstantText():
                        self.add_text(part.text, f.at(part.site) if part.site >= 0 else None)
                    case OutputValue():
                        self.add_output(part)
                    case MacroCall():
                        self.run_macro(part)
                    case SuperCall():
                        self.run_super(part)
                self.flush_if_long()

    def begin_piece(self, is_value: bool) -> None:
        """Write the fragments that are handed out before the piece that begins."""
        if self.f.sink == YIELD:
            has_text = any(fragment.place is not None for fragment in self.fragments)
            if starts_chunk(is_value, self.values, has_text):
                self.flush()
                self.f.begin()

    def choice(self, op: ops.If) -> None:
        """Add one of two texts on one line, as a fragment like any other."""
        f = self.f
        ((test, yes, site),) = op.branches
        self.begin_piece(True)
        at = f.here = f.at(site)
        before = len(f.body)
        condition = value(f, test)
        self.settle(before)
        first, second = (pyast.const(_text_of(body), at) for body in (yes, op.orelse))
        self.add_value(pyast.if_expr(condition, first, second, at), at)
        self.flush_if_long()

    def add_text(self, text: str, place: Place | None) -> None:
        self.append_text(text, place)
        content = self.fragments[-1].content
        if type(content) is str and len(content) >= _LONG_TEXT and self.f.sink != YIELD:
            long = self.fragments.pop()
            self.flush()
            self.fragments.append(long)
            self.flush()
            self.f.begin()

    def append_text(self, text: str, place: Place | None) -> None:
        last = self.fragments[-1] if self.fragments else None
        if last is not None and type(last.content) is str and not self.f.unit.target.native:
            if place is None or (last.place is not None and last.place["lineno"] == place["lineno"]):
                last.content += text
                return
            if last.place is None:
                last.content += text
                last.place = place
                last.reached = False
                return
        self.fragments.append(_Fragment(text, place, place is None))

    def add_value(self, text: ast.expr, place: Place) -> None:
        self.fragments.append(_Fragment(text, place))
        self.values += 1

    def add_output(self, part: OutputValue) -> None:
        """Add the text of a value."""
        f = self.f
        op, escape, at = part.op, part.escape, f.at(part.site)
        if (
            type(op) is ops.Attr
            and escape is not None
            and not part.joined
            and self.has_attribute_path(op, part)
        ):
            self.add_attribute(op, escape, at)
            return
        before = len(f.body)
        if part.joined:
            other = f.runtime("joined_text", at) if escape else f.python("str", at)
            text = text_by_type(f, value(f, op), bool(escape), other, at)
        else:
            text = text_of(f, op, escape, at, part.finished)
        self.settle(before)
        self.add_value(text, at)

    def has_attribute_path(self, op: ops.Attr, part: OutputValue) -> bool:
        """Whether an attribute is read, made text and written in the statements of the module's docstring."""
        f = self.f
        target = f.unit.target
        return (
            part.finished
            and not target.native
            and not f.runs_once  # The other code is shorter, so it compiles faster.
            and target.stock_getattr
            and not target.is_async
            and not target.traced
            and f.at(op.site)["lineno"] == f.at(part.site)["lineno"]
        )

    def add_attribute(self, op: ops.Attr, escape: bool, at: Place) -> None:
        f = self.f
        before = len(f.body)
        f.here = at
        result, name = f.temp(), f.temp()
        direct_ends: list[list[ast.stmt]] = []

        def if_str() -> list[ast.stmt]:
            direct_ends.append([])
            return [pyast.if_(type_is(f, pyast.name(result, at), "str", at), direct_ends[-1], [], at)]

        body = read_attribute(f, op, result, if_str)
        attribute = pyast.name(result, at)
        of_str = text_of_str(f, attribute, escape, at)
        other = f.runtime("escaped", at) if escape else f.python("str", at)
        of_other = text_of_other(f, attribute, other, at)
        loop = pyast.once(body, at)
        f.body.append(loop)
        self.settle(before)
        text = _AttributeText(name, of_str, direct_ends, of_other, loop)
        self.fragments.append(_Fragment(pyast.name(name, at), at, True, text))
        self.values += 1

    def settle(self, before: int) -> None:
        """Evaluate the collected fragments before the statements from index `before` on, if there are any."""
        body = self.f.body
        if len(body) == before:
            return
        statements = body[before:]
        del body[before:]
        for fragment in self.fragments:
            if fragment.attribute is not None:
                self.assign_attribute(fragment)
            if fragment.reached or fragment.place is None:
                continue
            if isinstance(fragment.content, str):
                if not body or body[-1].lineno != fragment.place["lineno"]:
                    self.f.reach(fragment.place)
            elif not isinstance(fragment.content, ast.Name) or not fragment.content.id.startswith("."):
                fragment.content = self.assigned(fragment.content, fragment.place)
            fragment.reached = True
        body += statements

    def assigned(self, text: ast.expr, at: Place) -> ast.Name:
        name = self.f.temp()
        self.f.set(name, text, at)
        return pyast.name(name, at)

    def assign_attribute(self, fragment: _Fragment) -> None:
        """Finish the statements of an attribute by assigning its text to a variable."""
        assert fragment.attribute is not None and fragment.place is not None
        attribute, fragment.attribute, at = fragment.attribute, None, fragment.place
        attribute.use(lambda text: [pyast.set_(attribute.name, text, at)], at)

    # --- calls that write their own output -----------------------------------------------------------------

    def run_macro(self, part: MacroCall) -> None:
        """Call a macro that is known here. It writes to the output of this function."""
        f = self.f
        at = f.at(part.op.site)
        self.flush()
        f.here = at
        operands = ops.Arguments([operand for operand in part.operands if operand is not None], [])
        _, expressions, _ = call_arguments(f, [], operands, None, at)
        values = iter(expressions)
        passed = [f.runtime("missing", at) if operand is None else next(values) for operand in part.operands]
        code = pyast.name(f.unit.macro_codes[part.macro], at)
        call = pyast.call(code, [pyast.name(f.sink, at), *passed], at)
        f.body.append(pyast.evaluate(call, at))

    def run_super(self, part: SuperCall) -> None:
        """Run the next block up the inheritance chain. It writes to the output of this function."""
        f = self.f
        at = f.at(part.op.site)
        self.flush()
        context = f.context(at)
        after = pyast.attribute(pyast.attribute(context, "blocks", at), "after", at)
        f.run(pyast.subscript(after, f.constant("block", part.block, at), at), context, at)

    # --- writing -------------------------------------------------------------------------------------------

    def flush_if_long(self) -> None:
        if self.values >= LONGEST_RUN or len(self.fragments) >= _MOST_FRAGMENTS:
            self.flush()
            self.f.begin()

    def flush(self) -> None:
        """Append the statements that write the collected fragments."""
        f = self.f
        fragments, self.fragments, self.values = self.fragments, [], 0
        if not fragments:
            return
        if f.unit.target.native:
            for fragment in fragments:
                at = fragment.place or f.quiet
                f.write(_node(fragment, at), at)
            return
        if f.unit.target.traced:
            for fragment in fragments:
                at = fragment.place or f.quiet
                f.write(self.traced(fragment, at), at)
            return
        places = (fragment.place for fragment in reversed(fragments) if fragment.place is not None)
        last = next(places, None) or f.quiet
        if last["lineno"] >= NO_LINE:
            if f.sink == YIELD and self.write_blank_before(fragments):
                return
            # A debugger compares the line of a pause with the line to stop at.
            last = self.following
        first = next((each.place for each in fragments if not each.reached and each.place is not None), last)
        unfinished = next((fragment for fragment in fragments if fragment.attribute is not None), None)
        if unfinished is not None:
            if self.is_last_step(unfinished, fragments, first, last):
                self.write_with_attribute(unfinished, fragments, last)
                return
            self.assign_attribute(unfinished)
        text = self.text_of_fragments(fragments, last)
        if text is None:
            f.reach(last)
        elif first["lineno"] != last["lineno"]:
            # Python's compiler would put the whole call on the line that it begins on.
            temp = f.temp()
            f.set(temp, text, last)
            f.write(pyast.name(temp, last), last)
        else:
            f.write(text, last)

    def write_blank_before(self, fragments: list[_Fragment]) -> bool:
        """Write a blank text that follows an ``if`` or loop at the end of each path through that, if possible."""

        def write(place: Place) -> None:
            text = self.text_of_fragments(fragments, place)
            assert text is not None
            self.f.write(text, place)

        return self.f.at_each_end(write)

    def is_last_step(
        self, unfinished: _Fragment, fragments: list[_Fragment], first: Place, last: Place
    ) -> bool:
        """Whether only constant texts follow an attribute, on its line, so that the run can be written inside its
        statements. An exception of other code would meet the handler of the attribute's errors, as would one that
        is thrown in at a yield."""
        assert unfinished.attribute is not None and unfinished.place is not None
        return (
            self.f.sink != YIELD
            and unfinished.attribute.loop is self.f.body[-1]
            and unfinished.place["lineno"] == first["lineno"] == last["lineno"]
            and all(
                isinstance(fragment.content, str) for fragment in fragments[fragments.index(unfinished) + 1 :]
            )
        )

    def write_with_attribute(self, unfinished: _Fragment, fragments: list[_Fragment], at: Place) -> None:
        """Write the fragments in each place where the text of an attribute is known."""
        f, attribute = self.f, unfinished.attribute
        assert attribute is not None

        def write(text: ast.expr) -> list[ast.stmt]:
            unfinished.content = text
            with f.into([], at) as body:
                whole = self.text_of_fragments(fragments, at)
                assert whole is not None
                f.write(whole, at)
            return body

        attribute.use(write, at)

    def traced(self, fragment: _Fragment, at: Place) -> ast.expr:
        """A fragment as a text that knows its origin; see `runtime.origins`."""
        place = NOWHERE if fragment.place is None else fragment.place
        line, column, end = place["lineno"], place["col_offset"], place["end_col_offset"]
        is_constant = isinstance(fragment.content, str)
        if fragment.place is None:
            origin = [0, 0]
        elif is_constant:
            origin = [line, column]
        else:
            origin = [line, column, end if place["end_lineno"] == line else -1]
        name = "traced_text" if is_constant else "traced_value"
        arguments = [_node(fragment, at), *(pyast.const(number, at) for number in origin)]
        return pyast.call(self.f.runtime(name, at), arguments, at)

    def text_of_fragments(self, fragments: list[_Fragment], last: Place) -> ast.expr | None:
        """The text of all fragments, or None if it is empty. A fragment that has been reached is placed where the
        next one is that has not been."""
        nodes: list[ast.expr] = []
        at = last
        for fragment in reversed(fragments):
            if not fragment.reached and fragment.place is not None:
                at = fragment.place
            if fragment.content != "" or not fragment.reached:
                nodes.append(_node(fragment, at))
        nodes.reverse()
        if all(fragment.content == "" for fragment in fragments):
            return None
        if len(nodes) == 1 and _is_text(nodes[0]):
            return nodes[0]
        return pyast.joined(
            [node if _is_text(node) else pyast.formatted(node, _place(node)) for node in nodes], last
        )


# --- which ops are a run -----------------------------------------------------------------------------------


def run_at(f: Function, body: Sequence[ops.Op], start: int) -> int:
    """The index after the run of output that begins at `start`; `start` if no run does.

    A run includes an ``if`` that chooses between two texts on one line, as in ``class="{% if on %}on{% endif %}"``.
    """
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


def _node(fragment: _Fragment, at: Place) -> ast.expr:
    content = fragment.content
    if isinstance(content, str):
        return pyast.const(content, at)
    return pyast.name(content.id, at) if isinstance(content, ast.Name) else content


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is str


def _place(node: ast.expr) -> Place:
    return {name: getattr(node, name) for name in NOWHERE}
