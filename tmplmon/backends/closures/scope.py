"""A scope as it is run (the body of a template, a block, a macro, a call body), its trees, and its code for tools.

When a scope is entered, it is checked once whether any tool listens to it. If none does, the quiet tree runs, which
contains no checks. Otherwise an activation starts, and a tree runs that fires events: one for tools that listen to
lines, one for lines and branches, one for all events (`signals`). Each tree is built when it is first needed, from
the same ops.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures import suspending
from tmplmon.backends.closures.budget import Metering
from tmplmon.backends.closures.constants import Constants
from tmplmon.backends.closures.core import QUIET, Builder, Closure, Tables, nothing, sequence
from tmplmon.backends.closures.entry import macro_of
from tmplmon.backends.closures.frame import CONTEXT, FIRST_SLOT, Frame
from tmplmon.backends.closures.statements import STATEMENTS, parameters
from tmplmon.backends.closures.templates import finish
from tmplmon.backends.closures.values import value
from tmplmon.backends.closures.variables import starts
from tmplmon.ir import ops
from tmplmon.ir.plan import Plan
from tmplmon.monitoring.direct import CLOCKS, pause_clocks, resume_clocks
from tmplmon.recursion import with_raised_recursion_limit
from tmplmon.runtime.undefined import missing

if TYPE_CHECKING:
    from types import CodeType

    from tmplmon.backends.closures.monitored import Monitored
    from tmplmon.monitoring import CodeLike, LocationTable, Site, StateArray
    from tmplmon.monitoring.events import Event


_QUIET = Tables(value, STATEMENTS)
"""How the ops of a tree are built that fires no events; `inclusions.SIGNALLING` is for the others."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A scope's closures, and what its frames start with.

    blank: copied for each run.
    names: (place, name, default) of each name that is looked up in the context.
    body: the closure that runs the scope.
    """

    blank: Frame
    names: tuple[tuple[int, str, Any], ...]
    body: Closure

    def look_up(self, f: Frame) -> None:
        """Look up the names of the context, and store them in a frame."""
        get = f[CONTEXT].names.get
        for i, name, undefined in self.names:
            f[i] = get(name, undefined)


class CompiledScope:
    """A scope of a linked template.

    outer: the scope that contains a macro or call body; None for others.
    indexes: slot → its place in a frame, the same in every tree.
    nested: the scopes of its macros and call bodies.
    run: the function that runs a macro or call body (`entry.macro_of`).
    """

    def __init__(self, constants: Constants, ir: ops.Scope, outer: "CompiledScope | None" = None) -> None:
        self.constants = constants
        self.ir = ir
        self.outer = outer
        parameters = [slot for slot, _ in ir.parameters]
        parameters += [slot for slot in (ir.caller, ir.kwargs, ir.varargs) if slot is not None]
        first = set(parameters)
        slots = [*parameters, *(slot for slot in ir.slots if slot not in first)]
        self.indexes: dict[ops.Slot, int] = {slot: i for i, slot in enumerate(slots, FIRST_SLOT)}
        self.nested = {inner: CompiledScope(constants, inner, self) for inner in ir.nested}
        self._trees: dict[tuple[str, bool, bool], Tree] = {}
        self._alone: Monitored | None = None
        self._joined: Monitored | None = None
        self.run = macro_of(self)

    @property
    def name(self) -> str:
        """Its name in frames, tracebacks and profiles."""
        return self.ir.label

    @property
    def qualname(self) -> str:
        return self.name if self.outer is None else f"{self.outer.qualname}.{self.name}"

    # --- trees ---------------------------------------------------------------------------------------------

    def tree(self, kind: str, yields: bool = False, metered: bool = False) -> Tree:
        """The tree of a kind. yields: whether it yields its output. metered: whether it spends from a budget."""
        tree = self._trees.get((kind, yields, metered))
        if tree is None:
            build = self._build if kind is QUIET else partial(_unstepped, self._build)
            tree = self._trees[kind, yields, metered] = build(kind, yields, metered)
        return tree

    def _build(self, kind: str, yields: bool, metered: bool) -> Tree:
        program = self.constants.program
        return with_raised_recursion_limit(
            lambda: self._tree_of(kind, yields, metered), program.name, program.filename
        )

    def _tree_of(self, kind: str, yields: bool, metered: bool) -> Tree:
        b = self._builder(kind, yields, metered)
        steps = [step for step in (starts(b, self.ir.frame),) if step is not None]
        steps += parameters(b, self.ir)
        body = b.body(self.ir.body)
        if body is not None:
            steps.append(body)
        if self.ir.extends:
            steps.append(finish(b))
        names = tuple(
            (self.indexes[slot], name, self.constants.default(name)) for name, slot in self.ir.context.items()
        )
        whole = sequence(steps) or nothing
        if b.signals is not None:
            whole = suspending.raising(whole)
        return Tree([None] * FIRST_SLOT + [missing] * (b.size - FIRST_SLOT), names, whole)

    def _builder(self, kind: str, yields: bool, metered: bool) -> Builder:
        metering = Metering() if metered else None
        if kind is QUIET:
            return Builder(self, _QUIET, None, metering, yields)
        from tmplmon.backends.closures.inclusions import SIGNALLING
        from tmplmon.backends.closures.signals import Signals

        return Builder(self, SIGNALLING, Signals(self, kind), metering, yields)

    # --- as tools see it -----------------------------------------------------------------------------------

    @cached_property
    def plan(self) -> "Plan":
        """The scope's sites, without those of the templates it includes."""
        return Plan(self.ir, self.constants.is_async)

    @property
    def alone(self) -> "Monitored":
        """The scope's table without the templates it includes."""
        monitored = self._alone
        if monitored is None:
            monitored = self._alone = _unstepped(self._monitored, False)
        return monitored

    @property
    def monitored(self) -> "Monitored":
        """The scope's table with its static includes. It is made again when an included template has changed."""
        monitored = self._joined
        if monitored is None or monitored.is_stale:
            monitored = self._joined = _unstepped(self._monitored, True)
        return monitored

    def _monitored(self, join: bool) -> "Monitored":
        from tmplmon.backends.closures.monitored import Monitored

        return self.alone if join and not self.plan.includes else Monitored(self, join)

    def has_listeners(self) -> bool:
        """Whether any tool listens to the scope at the moment. Called only if there is a tool (`any_tool`)."""
        if CLOCKS:
            pause_clocks()
        monitored = self._joined
        if monitored is None or monitored.is_stale:
            monitored = self.monitored
        # Written out, because it runs whenever a scope is entered while there is a tool.
        has_listeners = (
            monitored.enter()
            and monitored.data != monitored.data_without_listeners
            and monitored.is_listened_to()
        )
        if CLOCKS and not has_listeners:
            resume_clocks()
        return has_listeners

    @property
    def module_names(self) -> dict[str, Any]:
        """The globals of its frames."""
        template = self.constants.template
        return {"__name__": template.name or "<template>", "__loader__": template}

    @property
    def code_like(self) -> "CodeType":
        """The code object that stands for the scope's own file."""
        return self.monitored.scope.code

    @property
    def codelikes(self) -> "tuple[CodeLike, ...]":
        """A code object for each file, with the offsets of the sites in it; the scope's own first."""
        return self.monitored.scope.codelikes

    @property
    def locations(self) -> "LocationTable":
        """Offset → file, line, columns and the chain of includes."""
        return self.monitored.scope.locations

    @property
    def sites(self) -> "tuple[Site, ...]":
        """The sites that events come from."""
        return self.monitored.scope.sites

    @property
    def states(self) -> "StateArray":
        """Which tools listen to which of `events`: two bytes for each, in `states.data`."""
        return self.monitored.scope.states

    @property
    def events(self) -> "tuple[Event, ...]":
        """The event of each state."""
        return self.states.events


def _unstepped[T](build: Callable[..., T], *arguments: Any) -> T:
    """Calls a function that builds something for tools. A debugger does not step into it."""
    from tmplmon.monitoring.debuggers import unstepped

    result: T = unstepped(build, *arguments)
    return result
