"""What is replaced in Django, and what nodes do while their template is observed.

Rule: Django's own methods render, and are called where they were. `install` replaces
`Template.compile_nodelist`, which makes the template's list of nodes a `TemplateNodes`, and `Parser.parse`,
which notes where lists end. When a template is first rendered while a tool is active, its nodes get a `Place`
each, and `render_annotated` is replaced in their classes. Until then rendering costs a check for tools for
each template.

Signals follow from what Django calls: a body that is rendered is the side of a branch that was taken, and the
first node of a loop's body begins an iteration. Nothing is evaluated twice.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from django.template.base import Node, NodeList, Parser, Template

from tmplmon.integrations.django.native.marks import END, PLACE
from tmplmon.integrations.django.native.variables import Variables
from tmplmon.monitoring.activation import Activation
from tmplmon.monitoring.debuggers import ENGINES, unstepped
from tmplmon.monitoring.states import DEBUGGER, LEGACY_TOOLS, any_tool

_FRAMES = LEGACY_TOOLS | DEBUGGER
"""The tools that need the frame of a scope on the stack."""

_ENGINES = (
    "django.template.",
    "django.utils.",
    "contextlib",
    "importlib._bootstrap",
    "tmplmon.integrations.django.native.",
)
_replaced: list[tuple[Any, str, Any]] = []
_conditions: dict[type, type] = {}


def install() -> None:
    """Replace the methods. Does nothing if they are."""
    if not _replaced:
        ENGINES.update(_ENGINES)
        for owner, name, make in (
            (Template, "compile_nodelist", _compile),
            (Parser, "parse", _parse),
        ):
            _replace(owner, name, make)


def uninstall() -> None:
    """Undo `install`. Templates that were compiled meanwhile no longer signal."""
    while _replaced:
        owner, name, original = _replaced.pop()
        setattr(owner, name, original)


def is_installed() -> bool:
    """Whether the methods are replaced."""
    return bool(_replaced)


def _replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    original = vars(owner)[name]
    setattr(owner, name, make(original))
    _replaced.append((owner, name, original))


def _compile(original: Any) -> Any:
    @wraps(original)
    def compile_nodelist(self: Any) -> Any:
        nodes = unstepped(original, self) if any_tool() else original(self)
        if type(nodes) is NodeList:
            nodes.__class__ = TemplateNodes
            nodes.__dict__["template"] = self.origin, self.name, self.source
        return nodes

    return compile_nodelist


def _parse(original: Any) -> Any:
    @wraps(original)
    def parse(self: Any, parse_until: Any = None) -> Any:
        nodes = original(self, parse_until)
        if parse_until and self.tokens:
            nodes.__dict__[END] = self.tokens[-1]
        return nodes

    return parse


def _get_template(original: Any) -> Any:
    @wraps(original)
    def get_template(self: Any, *arguments: Any, **keywords: Any) -> Any:
        # A debugger that steps into an include stops in the template, not in what reads the file.
        return unstepped(partial(original, self, *arguments, **keywords))

    return get_template


# --- lists of nodes ----------------------------------------------------------------------------------------


class TemplateNodes(NodeList):
    """The nodes of a template."""

    def render(self, context: Any) -> Any:
        try:
            body = self.__dict__.get(PLACE)
            if body is None:
                if not any_tool() or not _replaced:
                    return NodeList.render(self, context)
                body = unstepped(_observe, self)
            return _enter(body.part, context, NodeList.render, self, context)
        except Exception as error:
            _explain(error)
            raise


class BodyNodes(NodeList):
    """The nodes of a block, of a partial, or of a body that is chosen by a node."""

    def render(self, context: Any) -> Any:
        body = self.__dict__.get(PLACE)
        if body is None:
            return super().render(context)
        if body.is_part:
            return _enter(body.part, context, NodeList.render, self, context)
        run = _threads.run
        if run is None or run.part is not body.part or run.activation is None:
            return super().render(context)
        pending = run.pending
        if pending is not None and pending.node == body.node:
            run.decide(pending is body.branch)
        if body.loop is not None:
            run.end_loop(body.loop)  # the loop has no iterations
        text = super().render(context)
        if body.compare is not None:
            line, site, branch = body.compare
            run.line = line
            run.activation.line(site)
            run.pending = branch
        return text


def _observe(nodes: TemplateNodes) -> Any:
    """Build the parts of a template, and let its nodes signal. Returns the `Body` of the template."""
    # Not before Django's templates are imported.
    from django.template.loaders.base import Loader

    from tmplmon.integrations.django.native import parts

    with _lock:
        if PLACE not in nodes.__dict__:
            if not hasattr(Loader.get_template, "__wrapped__"):
                _replace(Loader, "get_template", _get_template)
            structure = parts.build(nodes, *nodes.__dict__["template"])
            body: Any = None
            for target, info in structure.observed:
                if target is nodes:
                    body = info
                    continue
                if isinstance(target, Node):
                    _patch(type(target))
                elif type(target) is NodeList:
                    target.__class__ = BodyNodes
                elif not isinstance(target, NodeList):
                    target.__class__ = _observed_condition(type(target))
                target.__dict__[PLACE] = info
            structure.observed.clear()
            parts.note(structure)
            # Last: other threads use it without the lock.
            nodes.__dict__[PLACE] = body
        return nodes.__dict__[PLACE]


# --- runs --------------------------------------------------------------------------------------------------


class _Threads(threading.local):
    run: _Run | None = None


_threads = _Threads()
_lock = threading.RLock()


class _Run:
    """A run of a part. Without a tool that listens, `activation` is None."""

    __slots__ = ("activation", "data", "line", "loops", "node", "outer", "part", "pending")

    def __init__(self, part: Any, activation: Activation | None, outer: _Run | None) -> None:
        self.outer = outer
        """The run that has called this one."""
        self.part = part
        self.activation = activation
        self.data = part.data
        self.line = 0
        """The line of the last event."""
        self.node: Any = None
        """The innermost node that is rendered."""
        self.pending: Any = None
        """The branch of which a condition was evaluated, until its side is known."""
        self.loops: dict[Any, int] = {}
        """The loops that run, and their iterations."""

    def reach(self, line: int, site: int, check: int) -> None:
        """Signal a line, if it is another one than that of the last event."""
        if line != self.line:
            self.line = line
            if self.data[check]:
                assert self.activation is not None
                self.activation.line(site)

    def branch(self, branch: Any, left: bool) -> None:
        if self.data[branch.check if left else branch.right_check]:
            assert self.activation is not None
            self.activation.branch(branch.site, left)

    def decide(self, left: bool) -> None:
        """Signal the pending branch."""
        branch, self.pending = self.pending, None
        if branch is not None:
            self.branch(branch, left)

    def iterate(self, loop: Any) -> None:
        """Signal that an iteration of a loop begins."""
        iterations = self.loops.get(loop)
        if iterations is not None:
            self.loops[loop] = iterations + 1
            if iterations:
                self.repeat(loop)
            elif loop.empty is not None:
                self.branch(loop.empty, True)
            self.branch(loop.branch, True)

    def repeat(self, loop: Any) -> None:
        assert self.activation is not None
        self.activation.jump(loop.jump)
        self.line = loop.line
        if self.data[loop.check]:
            self.activation.line(loop.site)

    def end_loop(self, loop: Any) -> None:
        """Signal that a loop has no further iteration."""
        iterations = self.loops.pop(loop, None)
        if iterations is not None:
            if iterations:
                self.repeat(loop)
            self.branch(loop.branch if iterations or loop.empty is None else loop.empty, False)


def _enter(part: Any, context: Any, render: Callable[..., Any], *arguments: Any) -> Any:
    """Run a part: call ``render(*arguments)`` in it."""
    outer = _threads.run
    activation = part.scope.enter(Variables(context), part.globals) if _replaced else None
    _threads.run = _Run(part, activation, outer)
    try:
        if activation is None:
            return render(*arguments)
        with activation:
            text = render(*arguments)
            activation.py_return(text)
            return text
    finally:
        _threads.run = outer


# --- nodes -------------------------------------------------------------------------------------------------


def _patch(kind: type) -> None:
    """Let the nodes of a class signal: replace the `render_annotated` that it has or inherits."""
    owner: Any = next(each for each in kind.__mro__ if "render_annotated" in vars(each))
    if not hasattr(vars(owner)["render_annotated"], "signals"):
        _replace(owner, "render_annotated", _render_annotated)


def _render_annotated(original: Any) -> Any:
    @wraps(original)
    def render_annotated(self: Any, context: Any) -> Any:
        place = self.__dict__.get(PLACE)
        return original(self, context) if place is None else _render(place, original, self, context)

    render_annotated.signals = True  # type: ignore[attr-defined]
    return render_annotated


def _render(place: Any, original: Callable[[Any, Any], Any], node: Any, context: Any) -> Any:
    """Render a node, and signal it."""
    run = _threads.run
    if run is None or run.part is not place.part:
        return _render_elsewhere(place, original, node, context)
    activation = run.activation
    if activation is None or run.node is node:  # the second time by super() in an override
        return original(node, context)
    if place.iterates is not None:
        run.iterate(place.iterates)
    line, check = place.line, place.check
    if line and line != run.line:
        run.line = line
        if run.data[check]:
            activation.line(place.site)
    if place.is_text:
        return original(node, context)
    outer, run.node = run.node, node
    loop = place.loop
    if loop is not None:
        run.loops[loop] = 0
    if place.chooses:
        run.pending = place.branch
    try:
        if place.site is not None and run.data[check] & _FRAMES:
            text = activation.within(place.site, original, node, context)
        else:
            text = original(node, context)
        if loop is not None:
            run.end_loop(loop)
        if place.chooses:
            run.decide(False)
        return text
    finally:
        run.node = outer
        if loop is not None:
            run.loops.pop(loop, None)


def _render_elsewhere(place: Any, original: Callable[[Any, Any], Any], node: Any, context: Any) -> Any:
    """Render a node of another part than the one that runs: a tag has passed its nodes on.

    If its part is one of those that have called the present one, the node continues it. Else it is a run of
    its own.
    """
    present = run = _threads.run
    while run is not None and run.part is not place.part:
        run = run.outer
    if run is None:
        return _enter(place.part, context, _render, place, original, node, context)
    _threads.run, node_of_run, run.node = run, run.node, None
    try:
        return _render(place, original, node, context)
    finally:
        _threads.run, run.node = present, node_of_run


def _observed_condition(kind: type) -> type:
    """Return the class for the conditions of a class that signal."""
    if hasattr(kind, "signals"):
        return kind
    if kind not in _conditions:
        original: Any = kind.eval  # type: ignore[attr-defined]

        def evaluate(self: Any, context: Any) -> Any:
            where, run = self.__dict__.get(PLACE), _threads.run
            if where is None or run is None or run.part is not where.part or run.activation is None:
                return original(self, context)
            run.decide(False)  # the condition before this one was false
            run.reach(where.line, where.site, where.check)
            try:
                return original(self, context)
            finally:
                run.pending = where.branch

        _conditions[kind] = type(
            kind.__name__, (kind,), {"eval": evaluate, "signals": True, "__module__": kind.__module__}
        )
    return _conditions[kind]


def _explain(error: Exception) -> None:
    from tmplmon.integrations.django.native.tracebacks import add_template_frames  # only for errors

    add_template_frames(error, TemplateNodes)
