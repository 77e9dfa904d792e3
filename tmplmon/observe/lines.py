"""The template's lines for the code that Jinja2 generates.

Jinja2's code contains statements that stand for a statement of the template, and others that belong to no line of
it: they look up variables, fill buffers, write blank text, forget the variables of a loop.

Rule: a statement that stands for a line of the template is on that line. Any other statement is on the line of the
statement that runs before it; if that may be one of several, on the line of the one that runs next; and if nothing
runs next, a copy of it is put at the end of each way that leads there. So each line of the template begins when its
reader expects it, and the step from one line to the next is one that the template has.

    1  {% if a %}          if a:                          1
    2    x                     yield '\\n  x\\n'             2
    3  {% endif %}             yield '\\n'                  2, a copy
    4                      else: yield '\\n'               1, a copy
"""

import ast
import copy
from collections.abc import Iterator
from typing import Any

from jinja2 import nodes

from tmplmon.monitoring.lines import character_column, unify_newlines
from tmplmon.observe.columns import Columns
from tmplmon.observe.marks import Mark, MarkedSource, first_line

# A line for code that has none: beyond those of any template. See `tmplmon.monitoring.without_line`.
NO_LINE = 1 << 28

type Lines = frozenset[int]
type Function = ast.FunctionDef | ast.AsyncFunctionDef
# A place where a way ends: a list of statements, an index in it, and the line of the way.
type End = tuple[list[ast.stmt], int, int]

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_LOOPS = (ast.For, ast.AsyncFor)
_LEAVING = (ast.Return, ast.Raise, ast.Break, ast.Continue)


class LineSetter:
    """Sets the lines of one module that Jinja2 has generated.

    first_lines: function → its first line; for each function in the module.
    marks: function → the mark that it was generated for.
    """

    def __init__(self, module: ast.Module, source: MarkedSource) -> None:
        self.module = module
        self.source = source
        self.first_lines: dict[Function, int] = {}
        self.marks: dict[Function, Mark] = {}
        self._function: Mark = source.root
        self._columns = Columns()
        self._elif: dict[int, int] = {}
        self._next_child: dict[int, int] = {}
        self._pieces_of: dict[ast.stmt, list[tuple[ast.expr, list[int]]]] = {}
        self._loops: list[set[int]] = []
        extends = source.root.node.find(nodes.Extends)
        self._extends = None if extends is None else extends.lineno

    def set_all(self) -> None:
        """Set the lines of all nodes."""
        self.find_marks()
        blocks = {
            f"block_{block.name}": int(block.lineno or 1)
            for block in self.source.root.node.find_all(nodes.Block)
        }
        for statement in self.module.body:
            if isinstance(statement, _FUNCTIONS):
                self.function(statement, self.source.root, blocks.get(statement.name, 1))
            else:
                for node in _positioned(statement):
                    _set_line(node, NO_LINE)

    def find_marks(self) -> None:
        """Give each node an attribute `mark`, the innermost one, and `span`, its offsets in the source."""
        lines = self.source.text.split("\n")
        starts = [0]
        for line in lines:
            starts.append(starts[-1] + len(line) + 1)
        for node in _positioned(self.module):
            start = starts[node.lineno - 1] + character_column(lines[node.lineno - 1], node.col_offset)
            end = starts[node.end_lineno - 1] + character_column(
                lines[node.end_lineno - 1], node.end_col_offset
            )
            node.span = start, end
            node.mark = self.source.at(start)

    # --- statements ----------------------------------------------------------------------------------------

    def function(self, function: Function, mark: Mark, line: int) -> None:
        """Set the lines of a function that begins on `line` of the template."""
        outer, self._function = self._function, mark
        loops, self._loops = self._loops, []
        self.first_lines[function], self.marks[function] = line, mark
        for part in (function.args, *function.decorator_list):
            for node in _positioned(part):
                _set_line(node, NO_LINE)
        _set_line(function, NO_LINE)
        self.suite(function.body, frozenset(), line)
        self._function, self._loops = outer, loops

    def suite(self, body: list[ast.stmt], before: Lines, head: int) -> Lines:
        """Set the lines of consecutive statements, and return the lines from which control leaves the last one.

        before: the lines from which control comes; none at the start of a function.
        head: the line for statements that belong to no line, if no statement belongs to one.
        """
        lines = before
        waiting: list[ast.stmt] = []
        last: ast.stmt | None = None
        new_body: list[ast.stmt] = []
        statement: Any
        for statement in body:
            mark = statement.mark.statement()
            line = self.line_of(statement, mark)
            if line is None:
                if len(lines) == 1:
                    self.place(statement, *lines)
                else:
                    waiting.append(statement)
                new_body.append(statement)
            else:
                for each in waiting:
                    self.place(each, line)
                waiting.clear()
                before_statement, lines = self.lined(statement, line, lines, mark)
                new_body += before_statement
                new_body.append(statement)
                last = statement
        body[:] = new_body
        if waiting and last is not None and lines:
            del body[-len(waiting) :]
            for suite, index, line in sorted(self.ends(last), key=lambda end: end[1], reverse=True):
                copies = copy.deepcopy(waiting)
                for each in copies:
                    self.place(each, line)
                suite[index:index] = copies
        else:
            for each in waiting:
                self.place(each, head if lines else NO_LINE)
        return lines

    def lined(self, statement: Any, line: int, lines: Lines, mark: Mark) -> tuple[list[ast.stmt], Lines]:
        """Set the lines of a statement on a line of the template. Return statements to insert before it, and the
        lines from which control leaves it."""
        here = frozenset((line,))
        if isinstance(mark.node, nodes.Output):
            return self.output(statement, line, lines)
        if isinstance(statement, _FUNCTIONS):
            self.function(statement, mark, line)
            return [], here
        self.place_head(statement, line)
        statement.template_line = line
        if isinstance(statement, _LOOPS):
            self._loops.append(set())
            self.suite(statement.body, here, line)
            breaks = self._loops.pop()
            return [], here | breaks
        if isinstance(statement, ast.If):
            leaving = self.suite(statement.body, here, line)
            return [], leaving | (self.suite(statement.orelse, here, line) if statement.orelse else here)
        if isinstance(statement, ast.Try):
            for suite in (
                statement.body,
                *(h.body for h in statement.handlers),
                statement.orelse,
                statement.finalbody,
            ):
                self.suite(suite, here, line)
            return [], here
        if isinstance(statement, ast.Break) and self._loops:
            self._loops[-1].add(line)
        return [], frozenset() if isinstance(statement, _LEAVING) else here

    def ends(self, statement: Any) -> Iterator[End]:
        """The places after a statement with suites, from which control goes on."""
        line: int = statement.template_line
        if isinstance(statement, _LOOPS):
            yield statement.orelse, 0, line
            worklist: list[list[ast.stmt]] = [statement.body]
            while worklist:
                body = worklist.pop()
                for index, inner in enumerate(body):
                    if isinstance(inner, ast.Break):
                        yield body, index, inner.lineno
                    elif isinstance(inner, ast.If):
                        worklist += [inner.body, inner.orelse]
        elif isinstance(statement, ast.If):
            for suite in (statement.body, statement.orelse):
                last = suite[-1] if suite else None
                if last is None:
                    yield suite, 0, line
                elif isinstance(last, (ast.If, *_LOOPS)) and hasattr(last, "template_line"):
                    yield from self.ends(last)
                elif not isinstance(last, _LEAVING):
                    yield suite, len(suite), last.end_lineno or line

    def line_of(self, statement: Any, mark: Mark) -> int | None:
        """The line of the template that a statement stands for; None if it belongs to none."""
        node = mark.node
        is_pass = isinstance(statement, ast.Pass)
        if _forgets(statement):
            return None
        match node:
            case nodes.Template():
                runs_parent = isinstance(statement, (ast.Expr, ast.Try)) or _assigns(statement, "agen")
                if self._function is mark and runs_parent and _mentions(statement, "parent_template", "agen"):
                    return self._extends
                return None
            case nodes.If():
                return self.if_line(mark) if isinstance(statement, ast.If) else None
            case nodes.For():
                if isinstance(statement, (ast.Expr, ast.If, *_LOOPS, *_FUNCTIONS)):
                    return mark.line
                return None
            case nodes.Macro() | nodes.CallBlock():
                return None if self._function is mark else mark.line
            case nodes.FilterBlock() | nodes.AssignBlock():
                begins = isinstance(statement, ast.Assign) and isinstance(statement.value, ast.List)
                applies = isinstance(node, nodes.FilterBlock) or node.filter is not None
                ends = applies and _mentions(statement, "concat")
                return mark.line if begins or ends else None
            case nodes.With() | nodes.Scope() | nodes.OverlayScope():
                return mark.line if is_pass or statement.mark is not mark else None
            case nodes.ScopedEvalContextModifier():
                return mark.line if isinstance(statement, ast.Assign) else None
            case nodes.Output():
                return self.output_line(statement, mark)
        return None if is_pass else mark.line

    def if_line(self, mark: Mark) -> int | None:
        """The line of the next ``if`` or ``elif`` of a statement."""
        number = self._elif[id(mark)] = self._elif.get(id(mark), -1) + 1
        node = mark.node
        assert isinstance(node, nodes.If)
        return mark.line if number == 0 else int(node.elif_[number - 1].lineno)

    # --- outputs -------------------------------------------------------------------------------------------

    def output_line(self, statement: ast.stmt, mark: Mark) -> int | None:
        """The first line of a piece of output; None if it is blank text only."""
        at = self._next_child.get(id(mark), 0)
        pieces = self._pieces_of[statement] = self.pieces(statement, mark)
        if isinstance(statement, ast.If):
            self._next_child[id(mark)] = at  # The statements in it come later.
        return next((line for _, lines in pieces for line in lines), None)

    def output(self, statement: ast.stmt, line: int, lines: Lines) -> tuple[list[ast.stmt], Lines]:
        """Set the lines of a statement that writes output."""
        if isinstance(statement, ast.If):
            # In a template that may extend another one. What the condition skips is not reached.
            line = min(lines) if len(lines) == 1 else line
            self.place_head(statement, line)
            statement.template_line = line  # type: ignore[attr-defined]
            return [], self.suite(statement.body, frozenset((line,)), line) | {line}
        before: list[ast.stmt] = []
        pieces = self._pieces_of[statement]
        own = [line for _, lines in pieces for line in lines]
        # The name of what writes is on the first line, the call on the last.
        for node in _positioned(statement):
            _set_line(node, own[-1] if isinstance(node, (ast.stmt, ast.Call, ast.Tuple, ast.Yield)) else line)
        for piece, lines_of_piece in pieces:
            # Text in one piece may have several lines: it goes on after a comment, or contains constants.
            for line in lines_of_piece[:-1]:
                first = ast.Pass()
                _set_line(first, line)
                before.append(first)
            line = lines_of_piece[-1] if lines_of_piece else line
            self.place(piece, line)
        return before, frozenset((own[-1],))

    def pieces(self, statement: ast.stmt, mark: Mark) -> list[tuple[ast.expr, list[int]]]:
        """The expressions that a statement writes, each with its lines: one for a value, any number for text."""
        at = self._next_child.get(id(mark), 0)
        node = mark.node
        assert isinstance(node, nodes.Output)
        visited = {id(inner.node): inner for inner in mark.inner}
        result: list[tuple[ast.expr, list[int]]] = []
        piece: Any
        for piece in _written(statement):
            start, end = piece.span
            lines: list[int] = []
            values = [inner for inner in mark.inner if start <= inner.start < end]
            if values:
                while node.nodes[at] is not values[0].node:
                    at += 1
                line = _text_line(values[0].node)
                if line is not None:
                    lines.append(line)
                at += 1
            else:
                while at < len(node.nodes) and id(node.nodes[at]) not in visited:
                    line = _text_line(node.nodes[at])
                    if line is not None and line not in lines:
                        lines.append(line)
                    at += 1
            result.append((piece, lines))
        self._next_child[id(mark)] = at
        return result

    # --- parts -----------------------------------------------------------------------------------------------

    def place(self, part: ast.AST, line: int) -> None:
        """Set the line of a part of the code to `line`, except for the expressions of the template in it."""
        for node in _positioned(part):
            inner = node.mark.node
            is_value = isinstance(inner, nodes.Expr) and not isinstance(inner, nodes.TemplateData)
            is_value &= getattr(inner, "ctx", "load") == "load"
            _set_line(node, (node.mark.line or line) if is_value else line)
            if is_value and not isinstance(node, ast.Attribute):
                # CPython takes the end of an attribute that spans lines for the line of the call.
                self.set_columns(node, inner)

    def place_head(self, statement: ast.AST, line: int) -> None:
        """Set the line of a statement, without the statements in it."""
        _set_line(statement, line)
        for _, value in ast.iter_fields(statement):
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, ast.expr):
                    self.place(part, line)
                elif isinstance(part, ast.ExceptHandler):
                    self.place_head(part, line)

    def set_columns(self, node: Any, expression: nodes.Expr) -> None:
        position = self._columns.position(expression)
        if position is not None and position[0] == node.lineno:
            _, node.end_lineno, node.col_offset, node.end_col_offset = position


def _positioned(part: ast.AST) -> Iterator[Any]:
    return (node for node in ast.walk(part) if hasattr(node, "lineno"))


def _set_line(node: Any, line: int) -> None:
    node.lineno = node.end_lineno = line
    node.col_offset = node.end_col_offset = -1


def _written(statement: ast.stmt) -> list[ast.expr]:
    """The expressions that a statement of an output writes: yielded, or added to a list."""
    if isinstance(statement, ast.If):
        return [piece for inner in statement.body for piece in _written(inner)]
    value = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(value, ast.Yield) and value.value is not None:
        return [value.value]
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        added = value.args[0]
        return list(added.elts) if value.func.attr == "extend" and isinstance(added, ast.Tuple) else [added]
    return []


def _text_line(node: nodes.Node) -> int | None:
    """The line where a text or a constant begins; None if the text is blank."""
    if not isinstance(node, nodes.TemplateData) or node.lineno is None:
        return first_line(node)
    text = unify_newlines(node.data)
    blank = len(text) - len(text.lstrip())
    return int(node.lineno) + text.count("\n", 0, blank) if blank < len(text) else None


def _forgets(statement: ast.stmt) -> bool:
    """Whether a statement makes variables undefined, at the end of their scope."""
    return (
        isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Name)
        and statement.value.id == "missing"
    )


def _assigns(statement: ast.stmt, name: str) -> bool:
    return (
        isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and statement.targets[0].id == name
    )


def _mentions(statement: ast.stmt, *names: str) -> bool:
    return any(isinstance(node, ast.Name) and node.id in names for node in ast.walk(statement))
