"""Includes in trees that signal: a static one runs as a part of the including scope.

Rule: if the loaded template is the one whose sites were joined in (`monitored`), its own tree runs under this
scope's activation, with PY_START and PY_RETURN or PY_UNWIND of its file. Any other template is entered as a scope
of its own.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from tmplmon.backends.closures import budget as metered
from tmplmon.backends.closures import suspending
from tmplmon.backends.closures.core import ALL, Builder, Closure, Tables
from tmplmon.backends.closures.entry import error_leaving, fill, signal_from
from tmplmon.backends.closures.frame import (
    CONTEXT,
    FILE,
    FIRST,
    METER,
    OUTPUT,
    RAISED,
    SIGNAL,
    Frame,
    original_of,
)
from tmplmon.backends.closures.monitored import ScopeFile
from tmplmon.backends.closures.statements import STATEMENTS
from tmplmon.backends.closures.templates import include_operands, runner
from tmplmon.backends.closures.tracebacks import Variables
from tmplmon.backends.closures.values import value
from tmplmon.errors import TemplateNotFound
from tmplmon.ir import ops
from tmplmon.monitoring.debuggers import unstepped
from tmplmon.monitoring.direct import pause_clocks
from tmplmon.monitoring.hidden import hide_all
from tmplmon.runtime import support


def include(b: Builder, op: ops.Include) -> Closure:
    assert b.signals is not None
    name, key, context_for = include_operands(b, op)
    site, static = op.site, key is not None
    load = _loader(b, op, key)
    branch = b.signals.branch(b.signals.plan.branch[site]) if op.ignore_missing else None

    def find(f: Frame, name: Any) -> tuple[Any, Any, ScopeFile | None]:
        """The template, the context it runs in, and the file of this scope that it is."""
        template = f[CONTEXT].loaded.get(key) if static else None
        if template is None:
            template = load(f, name)
        if branch is not None:
            branch(f, template is not None)
        if template is None:
            return None, None, None
        return template, context_for(f, template), f[FILE].child(site, template) if static else None

    # Where scopes may suspend, each file is a scope of its own, and has no frame of this one around it.
    place = None if b.runs_suspending else b.signals.plan.place[site]
    begin = partial(_RunningFile, kind=b.signals.kind, yields=b.yields, place=place)
    return b.at_line(site, suspending.include_file(name, find, begin, runner(b, site), site))


def _loader(b: Builder, op: ops.Include, key: object) -> Callable[[Frame, Any], Any]:
    """A function that loads the template of a name. Where a missing template is ignored, its exception is handled
    here, which fires RAISE and EXCEPTION_HANDLED."""
    assert b.signals is not None
    this, number = b.constants.template, b.signals.plan.call[op.site]

    def load(f: Frame, name: Any) -> Any:
        return unstepped(support.included, f[CONTEXT], name, key, this, False)

    def load_or_ignore(f: Frame, name: Any) -> Any:
        signal, there = f[SIGNAL], f[FIRST] + number
        try:
            return load(f, name)
        except TemplateNotFound as error:
            signal.raise_(error, there)
            signal.exception_handled(error, there)
            return None
        except BaseException as error:
            signal.raise_(error, there)
            signal.reraise(error, there)
            original_of(f)[RAISED] = error
            raise

    return load_or_ignore if op.ignore_missing else load


class _RunningFile:
    """A file of a scope while it runs, in a ``with``: its frame and its tree."""

    __slots__ = ("body", "budget", "depth", "f", "scope", "signal")

    def __init__(
        self, around: Frame, file: ScopeFile, context: Any, *, kind: str, yields: bool, place: int | None
    ) -> None:
        pause_clocks()  # until PY_START of the file
        if place is not None:
            around[SIGNAL].reach(around[FIRST] + place)
        self.scope = scope = file.scope
        self.signal = around[SIGNAL]
        self.f: Frame = []
        self.budget = budget = around[METER]
        self.depth = 0 if budget is None else budget.depth
        if budget is not None:
            metered.enter(budget)
        self.signal.py_start(file.inclusion, Variables(scope, self.f), scope.module_names)
        try:
            # In the callback for PY_START a tool may have set local events that the outer tree does not fire.
            tree = scope.tree(kind if kind is ALL else file.whole.kind(), yields, budget is not None)
            f = fill(self.f, tree, [context], around[OUTPUT], (), budget)
            signal_from(f, self.signal, file)
            tree.look_up(f)
        except BaseException as error:
            self.signal.py_unwind(error)
            raise
        self.body = tree.body

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        pause_clocks()
        if self.budget is not None:
            metered.leave(self.budget, error, self.depth)
        if error is None:
            self.signal.py_return()
            return
        passing = error if kind is GeneratorExit else error_leaving(self.scope, self.f, error)
        self.f[RAISED] = None  # the exception leads to the frame
        self.signal.py_unwind(passing)
        if passing is not error:
            raise passing from error


# Tools that keep a stack would take the return of what fired PY_START for the return of the file.
hide_all(_RunningFile)

SIGNALLING = Tables(value, {**STATEMENTS, ops.Include: include})
"""How the ops of a tree are built that fires events."""
