"""The analysis of names: the variables of each frame, and their first values.

The body of a scope, the body, ``else`` and condition of a loop, a ``with`` and a capturing block each have a
frame. The rules are Jinja's, as observed:

* The names of a frame are those that its own statements mention, without nested frames. An expression that opens a
  nested frame, such as the iterable of a loop, belongs to the enclosing frame. So all names of a frame are known
  before its first statement runs, and a nested frame sees them even before they are assigned.
* The first mention decides. A name that is read first, and that no enclosing frame has, starts with its value in
  the context. A name that is assigned first starts unset. If an enclosing frame has the name, an assignment makes
  a variable of this frame that starts with the enclosing frame's value; a read makes none.
* After an assignment on some paths through an ``if``, the name has on the other paths the value that it had before:
  that of the enclosing frame or of the context. All paths are the ``if``, at least one ``elif``, and the ``else``.
"""

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Any

from tmplmon.records import record
from tmplmon.syntax import nodes
from tmplmon.syntax.walk import children


class Start(Enum):
    """The source of the first value of a frame's name."""

    CONTEXT = "context"
    OUTER = "outer"
    UNSET = "unset"
    BOUND = "bound"


class _Branch:
    """The mentions of names on one path so far: its own, and those of the path that it branched from."""

    __slots__ = ("base", "starts", "stored")

    def __init__(self, base: "_Branch | None" = None) -> None:
        self.base = base
        self.starts: dict[str, Start] = {}
        self.stored: set[str] = set()

    def start(self, name: str) -> Start | None:
        branch: _Branch | None = self
        while branch is not None:
            if name in branch.starts:
                return branch.starts[name]
            branch = branch.base
        return None

    def is_stored(self, name: str) -> bool:
        branch: _Branch | None = self
        while branch is not None:
            if name in branch.stored:
                return True
            branch = branch.base
        return False


class FrameNames:
    """The names of one frame.

    outer: function that returns whether an enclosing frame has a name.

    After the visits, `starts` maps each name of the frame to a `Start`, and `stored` has the names that the frame
    assigns or binds.
    """

    def __init__(self, outer: Callable[[str], bool]) -> None:
        self._outer = outer
        self._branch = _Branch()

    @property
    def starts(self) -> dict[str, Start]:
        return self._branch.starts

    @property
    def stored(self) -> set[str]:
        return self._branch.stored

    # The three kinds of mention.

    def bind(self, name: str) -> None:
        self._branch.stored.add(name)
        self._branch.starts[name] = Start.BOUND

    def load(self, name: str) -> None:
        if self._branch.start(name) is None and not self._outer(name):
            self._branch.starts[name] = Start.CONTEXT

    def store(self, name: str) -> None:
        branch = self._branch
        branch.stored.add(name)
        if branch.start(name) is None:
            branch.starts[name] = Start.OUTER if self._outer(name) else Start.UNSET

    # The nodes that can contain a mention.

    def visit_all(self, body: Iterable[nodes.Node] | None) -> None:
        for node in body or ():
            visitor = _STATEMENTS.get(type(node))
            if visitor is not None:
                visitor(self, node)

    def target(self, target: nodes.Expr, mention: Callable[[str], None]) -> None:
        if isinstance(target, nodes.Name):
            mention(target.name)
        elif isinstance(target, nodes.TupleExpr):
            for item in target.items:
                self.target(item, mention)
        elif isinstance(target, nodes.NamespaceRef):
            self.load(target.name)

    def expression(self, expr: nodes.Expr | None) -> None:
        if expr is None:
            return
        if type(expr) is nodes.Name:
            self.load(expr.name)
            return
        for child in children(expr):
            self.expression(child)

    def _if(self, node: nodes.If) -> None:
        outermost = self._branch
        first = node.branches[0]
        self.expression(first[2])
        paths = [self._path(first[3])]
        # The ``elif`` branches are one path: each is an ``if`` in the ``else`` of the one before it.
        elifs = self._branch = _Branch(outermost)
        for _, _, test, body in node.branches[1:]:
            self.expression(test)
            self._merge([self._path(body), _Branch(), _Branch()])
        self._branch = outermost
        paths += [elifs, self._path(node.orelse)]
        self._merge(paths)

    def _path(self, body: list[nodes.Stmt] | None) -> _Branch:
        before = self._branch
        self._branch = path = _Branch(before)
        self.visit_all(body)
        self._branch = before
        return path

    def _merge(self, paths: list[_Branch]) -> None:
        branch = self._branch
        count: dict[str, int] = {}
        for path in paths:
            for name in path.stored:
                if not branch.is_stored(name):
                    count[name] = count.get(name, 0) + 1
        for path in paths:
            for name, start in path.starts.items():
                # If one path reads the name before it is assigned, all paths start with the outer value.
                if branch.starts.get(name) is not Start.CONTEXT:
                    branch.starts[name] = start
            branch.stored.update(path.stored)
        for name, times in count.items():
            if times < len(paths):
                branch.starts[name] = Start.OUTER if self._outer(name) else Start.CONTEXT


def _visit_set(names: FrameNames, node: nodes.Set) -> None:
    names.expression(node.value)
    names.target(node.target, names.store)


def _visit_set_block(names: FrameNames, node: nodes.SetBlock) -> None:
    names.expression(node.filter)
    names.target(node.target, names.store)


def _visit_from_import(names: FrameNames, node: nodes.FromImport) -> None:
    names.expression(node.template)
    for _, alias in node.names:
        names.store(alias)


def _visit_import(names: FrameNames, node: nodes.Import) -> None:
    names.expression(node.template)
    names.store(node.target)


def _visit_trans(names: FrameNames, node: nodes.Trans) -> None:
    for _, value in node.bindings:
        names.expression(value)
    bound = {name for name, _ in node.bindings}
    for name in node.names:
        if name not in bound:
            names.load(name)
    names.load(translation_function(node))


def translation_function(node: nodes.Trans) -> str:
    """The name of the gettext function that a trans block calls."""
    return ("n" if node.plural is not None else "") + ("p" if node.context is not None else "") + "gettext"


def _visit_with(names: FrameNames, node: nodes.With) -> None:
    for _, value in node.bindings:
        names.expression(value)


def _visit_autoescape(names: FrameNames, node: nodes.Autoescape) -> None:
    if not node.scoped:
        names.expression(node.value)
        names.visit_all(node.body)


def _visit_custom_tag(names: FrameNames, node: nodes.CustomTag) -> None:
    for value in children(node.arguments):
        names.expression(value)


_STATEMENTS: dict[type[nodes.Node], Callable[[FrameNames, Any], None]] = {
    nodes.Output: lambda names, node: names.expression(node.expr),
    nodes.If: FrameNames._if,
    nodes.For: lambda names, node: names.expression(node.iter),
    nodes.Set: _visit_set,
    nodes.SetBlock: _visit_set_block,
    nodes.With: _visit_with,
    nodes.Macro: lambda names, node: names.store(node.name),
    nodes.CallBlock: lambda names, node: names.expression(node.call),
    nodes.FilterBlock: lambda names, node: names.expression(node.filter),
    nodes.Extends: lambda names, node: names.expression(node.template),
    nodes.Include: lambda names, node: names.expression(node.template),
    nodes.Import: _visit_import,
    nodes.FromImport: _visit_from_import,
    nodes.Do: lambda names, node: names.expression(node.expr),
    nodes.Trans: _visit_trans,
    nodes.CustomTag: _visit_custom_tag,
    nodes.Autoescape: _visit_autoescape,
}


def reads(body: Iterable[nodes.Node] | None, names: set[str]) -> set[str]:
    """Which of `names` are read in `body` before they are assigned there.

    Nested frames count, blocks do not. The order is that of the source, whichever path the template takes. The
    target of a loop, a ``with`` or a ``set`` comes before its value.
    """
    read: set[str] = set()
    remaining = set(names)
    stack: list[nodes.Node | _Target] = [*reversed([*(body or ())])]
    while stack and remaining:
        node = stack.pop()
        if isinstance(node, _Target):
            remaining.difference_update(_target_names(node.target))
        elif isinstance(node, nodes.Name):
            if node.name in remaining:
                read.add(node.name)
                remaining.discard(node.name)
        elif not isinstance(node, nodes.Block):
            if isinstance(node, nodes.Trans):
                read |= remaining.intersection(node.names)
            stack += reversed(_in_order(node))
    return read


@record
class _Target:
    """An expression that is assigned to."""

    target: nodes.Expr


def _target_names(target: nodes.Expr) -> Iterator[str]:
    if isinstance(target, nodes.TupleExpr):
        for item in target.items:
            yield from _target_names(item)
    elif isinstance(target, nodes.Name):
        yield target.name


def _in_order(node: nodes.Node) -> list[Any]:
    """The children of a node, in the order in which names in them are read and assigned."""
    if isinstance(node, nodes.With):
        targets = [_Target(target) for target, _ in node.bindings]
        return [*targets, *(value for _, value in node.bindings), *node.body]
    if isinstance(node, nodes.Parameter):
        return [_Target(nodes.Name(node.start, node.end, node.name)), *children(node)]
    inside = children(node)
    if isinstance(node, (nodes.For, nodes.Set, nodes.SetBlock)):
        inside[0] = _Target(node.target)
    return inside
