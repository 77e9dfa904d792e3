"""The parts of a template that are functions to tools: its body, each block and each partial. And their
sites.

Rule: each node with a token has a site of LINE. Nodes of which Django chooses the body to render (`if`,
`for`, `ifchanged`) have branches as well. All other nodes, also those of third parties, are plain lines, and
so are the nodes in them, in whichever attribute they are.

The parts are built when a template is first rendered while a tool is active. Nodes then have a `Place`, by
which `hooks` knows what to signal.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from django.template import base
from django.template import defaulttags as tags
from django.template.base import Node, NodeList, TextNode
from django.template.loader_tags import BlockNode, ExtendsNode
from django.templatetags.i18n import BlockTranslateNode

from tmplmon.integrations.django.native.marks import END, MARKER
from tmplmon.monitoring.announced import announce
from tmplmon.monitoring.lines import remember_source
from tmplmon.monitoring.scope import EXIT, Scope, ScopeBuilder
from tmplmon.monitoring.sites import SITE_EVENTS

BODY = "<template>"
"""The name of the body of a template."""

# Django before 6.0 has no partials.
PartialDefNode: Any = getattr(tags, "PartialDefNode", ())
PartialTemplate: Any = getattr(base, "PartialTemplate", None)

_DEPTH = 4
"""How deep the attributes of a node are searched for nodes: a list of tuples with lists of nodes has depth
3."""
_numbers = count(1)
_files: dict[str, Structure] = {}


def rendered_files() -> dict[str, Structure]:
    """Return the structures of all templates that were rendered while a tool was active: absolute path →
    structure."""
    return dict(_files)


class _Shared:
    """An object that copies of a node share."""

    __slots__ = ()

    def __copy__(self) -> _Shared:
        return self

    def __deepcopy__(self, memo: object) -> _Shared:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # A pickled node is not observed.
        return type(None), ()


class Part(_Shared):
    """A function of a template. Its `scope` is set when all of its sites are known."""

    __slots__ = ("data", "firsts", "globals", "scope", "start")

    scope: Scope
    data: bytearray

    def __init__(self, module_globals: dict[str, Any], start: int) -> None:
        self.globals = module_globals
        self.start = start
        """The line of the tag of a block or partial; 1 for a body."""


class Loop(_Shared):
    """The sites of a `for`.

    line, site: where an iteration begins. branch: into the body, or out of the loop. empty: the branch to the
    nodes of `empty`, or None. jump: the end of the body.
    """

    __slots__ = ("branch", "check", "empty", "jump", "line", "site")

    def __init__(self, line: int, site: int, branch: Branch, empty: Branch | None) -> None:
        self.line = line
        self.site = site
        self.branch = branch
        self.empty = empty
        self.jump = self.check = -1


class Branch(_Shared):
    """A branch. `node` identifies the node that it belongs to."""

    __slots__ = ("check", "node", "right_check", "site")

    def __init__(self, site: int, node: int) -> None:
        self.site = site
        self.node = node
        self.check = self.right_check = -1


class Place(_Shared):
    """Where a node is: its part, line and site, and what else happens there.

    site: None for text without a line of its own. iterates: the loop of which the node is the first in the
    body. loop: the sites of a `for`. branch: that of an `ifchanged` with arguments. compare: (site, branch)
    of one without. chooses: whether the node may leave a branch undecided.
    """

    __slots__ = (
        "branch",
        "check",
        "chooses",
        "compare",
        "is_text",
        "iterates",
        "line",
        "loop",
        "part",
        "site",
    )

    def __init__(self, part: Part, line: int, site: int | None, *, is_text: bool = False) -> None:
        self.part = part
        self.line = line
        self.site = site
        self.check = -1
        self.is_text = is_text
        self.chooses = False
        self.iterates: Loop | None = None
        self.loop: Loop | None = None
        self.branch: Branch | None = None
        self.compare: tuple[int, Branch] | None = None


class Body(_Shared):
    """What a list of nodes begins: a part; or the side of a branch.

    part: the part that the list is in, or is. node: identifies the node whose body it is. branch: the branch
    whose left side it is, or None. loop: the loop that has ended if it is rendered. compare: (line, site,
    branch) that follow it.
    """

    __slots__ = ("branch", "compare", "is_part", "loop", "node", "part")

    def __init__(self, part: Part, *, is_part: bool = False, node: int = 0) -> None:
        self.part = part
        self.is_part = is_part
        self.node = node
        self.branch: Branch | None = None
        self.loop: Loop | None = None
        self.compare: tuple[int, int, Branch] | None = None


class Condition(_Shared):
    """Where a condition of an `if` is evaluated."""

    __slots__ = ("branch", "check", "line", "part", "site")

    def __init__(self, part: Part, line: int, site: int, branch: Branch) -> None:
        self.part = part
        self.line = line
        self.site = site
        self.branch = branch
        self.check = -1


class Structure:
    """All parts of a template.

    `texts` are further lines of texts: first line → the lines after it. `suites` are bodies: (line of their
    tag, line of the tag that ends them). `observed` are the nodes, lists of nodes and conditions that signal,
    and what.
    """

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.parts: list[Part] = []
        self.texts: dict[int, set[int]] = {}
        self.suites: list[tuple[int, int]] = []
        self.observed: list[tuple[Any, Place | Body | Condition]] = []


def build(nodelist: Any, origin: Any, name: str | None, source: str) -> Structure:
    """Build the parts of a template. Its nodes are not changed."""
    return _Builder(origin, name, source).build(nodelist)


def note(structure: Structure) -> None:
    """Record that a template is rendered."""
    _files[structure.filename] = structure


def file_of(origin: Any) -> str | None:
    """Return the absolute path of a template's file, or None if it is not a file."""
    name = str(getattr(origin, "name", None) or "")
    return os.path.realpath(name) if os.path.isabs(name) and os.path.isfile(name) else None


class _Builder:
    def __init__(self, origin: Any, name: str | None, source: str) -> None:
        file = file_of(origin)
        if file is None:
            label = str(name or getattr(origin, "name", "") or "unknown source").strip("<>")
            file = f"<template {next(_numbers)}: {label}>"
            remember_source(file, source)
        self.structure = Structure(file)
        self.globals = {"__name__": name or BODY, "__file__": file, MARKER: True}
        self.branches: list[tuple[Part, Branch]] = []
        self.places: dict[int, Place] = {}
        self.seen: set[int] = set()

    def build(self, nodelist: Any) -> Structure:
        pending = [(nodelist, BODY, 1)]
        while pending:
            nodes, name, line = pending.pop(0)
            part = Part(self.globals, line)
            self.structure.parts.append(part)
            writer = _Writer(self, part, ScopeBuilder(self.structure.filename, name))
            writer.nodes(nodes)
            part.scope = writer.finish()
            part.data = part.scope.data
            self.structure.observed.append((nodes, Body(part, is_part=True)))
            pending += writer.inner
        for part, branch in self.branches:
            branch.check = part.scope.check(branch.site)
            branch.right_check = branch.check + 2 * (len(SITE_EVENTS["branch"]) - 1)
        for _, info in self.structure.observed:
            if not isinstance(info, Body) and info.site is not None:
                info.check = info.part.scope.check(info.site)
                if isinstance(info, Place) and info.loop is not None:
                    info.loop.check = info.part.scope.check(info.loop.site)
        announce(*(part.scope.code for part in self.structure.parts))
        return self.structure


class _Label:
    """A destination that is not known yet: a site, or another label; the end of the part if nothing
    follows."""

    __slots__ = ("to",)

    def __init__(self) -> None:
        self.to: _Label | int = EXIT


def _resolved(destination: _Label | int | None) -> int | None:
    while isinstance(destination, _Label):
        destination = destination.to
    return destination


class _Writer:
    """Adds the sites of one part."""

    def __init__(self, builder: _Builder, part: Part, sites: ScopeBuilder) -> None:
        self.builder = builder
        self.part = part
        self.sites = sites
        self.inner: list[tuple[Any, str, int]] = []
        self.is_empty = True
        self.waiting: list[_Label] = []
        """The labels that the next line or branch is the destination of."""
        self.ways: list[tuple[int, _Label | int | None, _Label | int | None]] = []

    def finish(self) -> Scope:
        if self.is_empty:
            self.sites.leave(max(self.part.start, 1))
        for site, left, right in self.ways:
            self.sites.connect(site, left=_resolved(left), right=_resolved(right))
        return self.sites.build()

    # --- sites ---------------------------------------------------------------------------------------------

    def add_line(self, line: int) -> int:
        self.is_empty = False
        return self.reached(self.sites.line(line))

    def add_branch(self, line: int, node: Any) -> Branch:
        branch = Branch(self.reached(self.sites.branch(line)), id(node))
        self.builder.branches.append((self.part, branch))
        return branch

    def reached(self, site: int) -> int:
        for label in self.waiting:
            label.to = site
        self.waiting = []
        return site

    def connect(
        self, site: int, *, left: _Label | int | None = None, right: _Label | int | None = None
    ) -> None:
        self.ways.append((site, left, right))

    def mark(self, node: Any, line: int, site: int | None, *, is_text: bool = False) -> Place:
        place = Place(self.part, line, site, is_text=is_text)
        self.builder.places[id(node)] = place
        self.observe(node, place)
        return place

    def observe(self, target: Any, info: Place | Body | Condition) -> None:
        self.builder.structure.observed.append((target, info))

    # --- nodes ---------------------------------------------------------------------------------------------

    def nodes(self, nodelist: Iterable[Any]) -> None:
        for node in nodelist:
            self.node(node)

    def node(self, node: Any) -> None:
        if id(node) in self.builder.seen or not isinstance(node, Node):
            return
        self.builder.seen.add(id(node))
        token = getattr(node, "token", None)
        line = getattr(token, "lineno", None)
        if not isinstance(line, int):
            # Made by a tag, and not by the parser.
            self.line_less(node)
        elif isinstance(node, TextNode):
            self.text(node, line)
        elif isinstance(node, tags.CommentNode):
            pass
        elif isinstance(node, ExtendsNode):
            self.mark(node, line, self.add_line(line))
            self.unrendered(node)
        elif isinstance(node, tags.IfNode):
            self.condition(node, line)
        elif isinstance(node, tags.ForNode):
            self.loop(node, line)
        elif isinstance(node, tags.IfChangedNode):
            self.ifchanged(node, line)
        elif isinstance(node, BlockNode) or (PartialDefNode and isinstance(node, PartialDefNode)):
            if isinstance(node, BlockNode) or getattr(node, "inline", False):
                self.mark(node, line, self.add_line(line))
            self.function(node, line)
        else:
            self.mark(node, line, self.add_line(line))
            self.further_lines(node, line)
            self.bodies(node, line, _children(node))

    def line_less(self, node: Any) -> None:
        for nodes in _children(node):
            self.nodes(nodes)

    def text(self, node: Any, line: int) -> None:
        lines = [line + number for number, text in enumerate(node.s.split("\n")) if text.strip()]
        if not lines:
            self.mark(node, 0, None, is_text=True)
            return
        self.mark(node, lines[0], self.add_line(lines[0]), is_text=True)
        self.builder.structure.texts.setdefault(lines[0], set()).update(lines[1:])

    def further_lines(self, node: Any, line: int) -> None:
        """Note the lines of texts that are in a node, and not nodes."""
        further: set[int] = set()
        if isinstance(node, tags.VerbatimNode):
            texts = enumerate(node.content.split("\n"), line)
            further = {number for number, text in texts if text.strip()}
        elif isinstance(node, BlockTranslateNode):
            for token in (*(node.singular or ()), *(node.plural or ())):
                texts = enumerate(token.contents.split("\n"), token.lineno)
                further |= {number for number, text in texts if text.strip()}
        self.builder.structure.texts.setdefault(line, set()).update(further - {line})

    def unrendered(self, node: Any) -> None:
        """Find the blocks and partials in nodes that are never rendered: those of a template that extends
        another."""
        for nodes in _children(node):
            for child in nodes:
                if isinstance(child, Node) and id(child) not in self.builder.seen:
                    self.builder.seen.add(id(child))
                    if isinstance(child, BlockNode) or (PartialDefNode and isinstance(child, PartialDefNode)):
                        line = getattr(getattr(child, "token", None), "lineno", 1)
                        self.function(child, line)
                    else:
                        self.unrendered(child)

    def function(self, node: Any, line: int) -> None:
        if isinstance(node, BlockNode):
            name = f"block {node.name}"
        else:
            name = f"partial {getattr(node, 'partial_name', '')}"
        self.suite(line, node.nodelist)
        self.inner.append((node.nodelist, name, line))

    def bodies(self, node: Any, line: int, bodies: Iterable[Any]) -> None:
        for nodes in bodies:
            self.suite(line, nodes)
            self.nodes(nodes)

    def suite(self, line: int, nodes: Any) -> int:
        """Note the lines of a body; `line`: that of the tag that begins it. Returns the line of the tag that
        ends it."""
        end = getattr(nodes, END, None)
        last = line if end is None else end.lineno
        self.builder.structure.suites.append((line, last))
        return last

    def condition(self, node: Any, line: int) -> None:
        done = _Label()
        end = line
        for number, (condition, nodes) in enumerate(node.conditions_nodelists):
            begin, body = end, Body(self.part, node=id(node))
            otherwise = None
            if condition is not None:
                site = self.add_line(begin)
                if number == 0:
                    self.mark(node, line, site).chooses = True
                branch = self.add_branch(begin, node)
                otherwise = _Label()
                self.connect(branch.site, right=otherwise)
                where = Condition(self.part, begin, site, branch)
                self.observe(condition, where)
                body.branch = branch
            end = self.suite(begin, nodes)
            self.nodes(nodes)
            self.observe(nodes, body)
            self.jump(done)
            if otherwise is not None:
                self.waiting.append(otherwise)
        self.waiting.append(done)

    def jump(self, label: _Label | int) -> int:
        # What led here goes on to the destination: the jump has the line of the site before it.
        for waiting in self.waiting:
            waiting.to = label
        self.waiting = []
        jump = self.sites.jump()
        self.connect(jump, left=label)
        return jump

    def loop(self, node: Any, line: int) -> None:
        place = self.mark(node, line, self.add_line(line))
        assert place.site is not None
        empty, done = _Label(), _Label()
        head, is_empty = place.site, None
        if node.nodelist_empty:
            # A branch of its own: the loop's end does not lead to the nodes of `empty`.
            is_empty = self.add_branch(line, node)
            self.connect(is_empty.site, right=empty)
            head = self.add_line(line)
        branch = self.add_branch(line, node)
        self.connect(branch.site, right=done)
        loop = place.loop = Loop(line, head, branch, is_empty)
        end = self.suite(line, node.nodelist_loop)
        self.nodes(node.nodelist_loop)
        loop.jump = self.jump(head)
        first = next(iter(node.nodelist_loop), None)
        if isinstance(first, Node):
            inner = self.builder.places.get(id(first)) or self.mark(first, 0, None)
            inner.iterates = loop
        body = Body(self.part, node=id(node))
        body.loop = loop
        self.waiting.append(empty)
        self.suite(end, node.nodelist_empty)
        self.nodes(node.nodelist_empty)
        self.waiting.append(done)
        self.observe(node.nodelist_empty, body)

    def ifchanged(self, node: Any, line: int) -> None:
        place = self.mark(node, line, self.add_line(line))
        place.chooses = True
        changed, unchanged = Body(self.part, node=id(node)), Body(self.part, node=id(node))
        done = _Label()
        if node._varlist:
            changed.branch = place.branch = self.add_branch(line, node)
            otherwise = _Label()
            self.connect(place.branch.site, right=otherwise)
            end = self.suite(line, node.nodelist_true)
            self.nodes(node.nodelist_true)
            self.jump(done)
            self.waiting.append(otherwise)
        else:
            # The body is rendered in any case, and its text is compared.
            end = self.suite(line, node.nodelist_true)
            self.nodes(node.nodelist_true)
            if node.nodelist_false:
                site = self.add_line(line)
                branch = self.add_branch(line, node)
                self.connect(branch.site, right=done)
                unchanged.branch = branch
                changed.compare = line, site, branch
        self.suite(end, node.nodelist_false)
        self.nodes(node.nodelist_false)
        self.waiting.append(done)
        self.observe(node.nodelist_true, changed)
        self.observe(node.nodelist_false, unchanged)


def _children(node: Any) -> list[Any]:
    """Return the lists of nodes in a node, in the order of the source."""
    lists = [getattr(node, name, None) for name in getattr(node, "child_nodelists", ())]
    for value in vars(node).values():
        lists += _lists_in(value, _DEPTH)
    unique = {id(nodes): nodes for nodes in lists if isinstance(nodes, (list, tuple)) and nodes}
    return sorted(unique.values(), key=_first_line)


def _lists_in(value: Any, depth: int) -> Iterator[Any]:
    if isinstance(value, NodeList):
        yield value
    elif isinstance(value, Node):
        yield (value,)
    elif depth and isinstance(value, (list, tuple)):
        for each in value:
            yield from _lists_in(each, depth - 1)
    elif depth and isinstance(value, dict):
        for each in value.values():
            yield from _lists_in(each, depth - 1)


def _first_line(nodes: Iterable[Any]) -> float:
    lines = (getattr(getattr(node, "token", None), "lineno", None) for node in nodes)
    return next((line for line in lines if isinstance(line, int)), float("inf"))
