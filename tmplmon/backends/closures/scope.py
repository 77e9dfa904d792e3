"""A scope as it is run: a template's body, a block, a macro or a call body.

Rule: to enter a scope is to ask once whether any tool is there. If not, the quiet tree runs, in which there is not
one check. If so, the scope's activation begins, and a tree that signals runs: one for tools that want lines, one
for those that want branches too, another for those that also want calls and exceptions (`signals`). Each tree is
built when it is first needed, from the same ops.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures import suspending
from tmplmon.backends.closures.budget import Metering
from tmplmon.backends.closures.constants import Constants
from tmplmon.backends.closures.core import Builder, Closure, Tables, nothing, sequence
from tmplmon.backends.closures.entry import macro_of
from tmplmon.backends.closures.frame import CONTEXT, HEAD, Frame
from tmplmon.backends.closures.listeners import QUIET
from tmplmon.backends.closures.statements import STATEMENTS, parameters
from tmplmon.backends.closures.templates import finish
from tmplmon.backends.closures.values import value
from tmplmon.backends.closures.variables import starts
from tmplmon.ir import ops
from tmplmon.ir.plan import Plan
from tmplmon.monitoring.direct import pause_clocks, resume_clocks
from tmplmon.recursion import with_raised_recursion_limit
from tmplmon.runtime.undefined import missing

if TYPE_CHECKING:
    from types import CodeType

    from tmplmon.backends.closures.monitored import Monitored
    from tmplmon.monitoring import CodeLike, LocationTable, Site, StateArray
    from tmplmon.monitoring.events import Event


_QUIET = Tables(value, STATEMENTS)
"""How the ops of a tree are built that fires no events."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A scope's closures. A frame starts as a copy of `blank`; `names` (place, name, undefined) are looked up in
    the context; `body` is run."""

    blank: Frame
    names: tuple[tuple[int, str, Any], ...]
    body: Closure

    def look_up(self, f: Frame) -> None:
        get = f[CONTEXT].names.get
        for i, name, undefined in self.names:
            f[i] = get(name, undefined)


class CompiledScope:
    """A scope of a template that is linked. `outer` is the one a macro or call body is in.

    indexes: slot → its place in a frame, in every tree.
    nested: the scopes of its macros and call bodies.
    """

    def __init__(self, constants: Constants, ir: ops.Scope, outer: "CompiledScope | None" = None) -> None:
        self.constants = constants
        self.ir = ir
        self.outer = outer
        parameters = [slot for slot, _ in ir.parameters]
        parameters += [slot for slot in (ir.caller, ir.kwargs, ir.varargs) if slot is not None]
        first = set(parameters)
        slots = [*parameters, *(slot for slot in ir.slots if slot not in first)]
        self.indexes: dict[ops.Slot, int] = {slot: i for i, slot in enumerate(slots, HEAD)}
        self.nested = {inner: CompiledScope(constants, inner, self) for inner in ir.nested}
        self._trees: dict[tuple[str, bool, bool], Tree] = {}
        self._alone: Monitored | None = None
        self._joined: Monitored | None = None
        self.run = macro_of(self)

    @property
    def name(self) -> str:
        """What frames, tracebacks and profiles call it."""
        return self.ir.label

    @property
    def qualname(self) -> str:
        return self.name if self.outer is None else f"{self.outer.qualname}.{self.name}"

    # --- trees ---------------------------------------------------------------------------------------------

    def tree(self, kind: str, yields: bool = False, metered: bool = False) -> Tree:
        """The tree of a kind; with `yields`, one whose closures yield the output; `metered`, one that spends."""
        found = self._trees.get((kind, yields, metered))
        if found is None:
            found = self._trees[kind, yields, metered] = (
                self._built_deeply(kind, yields, metered)
                if kind is QUIET
                else _unstepped(self._built_deeply, kind, yields, metered)
            )
        return found

    def _built_deeply(self, kind: str, yields: bool, metered: bool) -> Tree:
        program = self.constants.program
        return with_raised_recursion_limit(
            lambda: self._built(kind, yields, metered), program.name, program.filename
        )

    def _built(self, kind: str, yields: bool, metered: bool) -> Tree:
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
        return Tree([None] * HEAD + [missing] * (b.size - HEAD), names, whole)

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
        found = self._alone
        if found is None:
            found = self._alone = _unstepped(self._monitored, False)
        return found

    @property
    def monitored(self) -> "Monitored":
        """The scope's table; static includes are a part of it. Made again when one of them was."""
        found = self._joined
        if found is None or found.is_stale:
            found = self._joined = _unstepped(self._monitored, True)
        return found

    def _monitored(self, join: bool) -> "Monitored":
        from tmplmon.backends.closures.monitored import Monitored

        return self.alone if join and not self.plan.includes else Monitored(self, join)

    def is_heard(self) -> bool:
        """Whether any tool listens to the scope, as of now. To be asked where there is a tool at all."""
        pause_clocks()
        monitored = self._joined
        if monitored is None or monitored.is_stale:
            monitored = self.monitored
        is_heard = monitored.is_heard()
        if not is_heard:
            resume_clocks()
        return is_heard

    @property
    def module_names(self) -> dict[str, Any]:
        """What the globals of its frames say of the template."""
        template = self.constants.template
        return {"__name__": template.name or "<template>", "__loader__": template}

    @property
    def code_like(self) -> "CodeType":
        """The code object that stands for the scope. (`codelikes` has those of the files it includes, too.)"""
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
        """The places that events come from."""
        return self.monitored.scope.sites

    @property
    def states(self) -> "StateArray":
        """Who listens to which event, two bytes each (`states.data`); `events` says which they are."""
        return self.monitored.scope.states

    @property
    def events(self) -> "tuple[Event, ...]":
        """The event of each state."""
        return self.states.events

    # --- entering ------------------------------------------------------------------------------------------

    def code_in(self, f: Frame) -> Callable[..., Any]:
        """The function of a macro that is made in a frame: `code(output, *slots)`."""
        run = self.run
        return lambda output, *slots: run(f, output, slots)


def _unstepped[T](build: Callable[..., T], *arguments: Any) -> T:
    """Builds what is there for tools. A debugger that steps does not step into that."""
    from tmplmon.monitoring.debuggers import unstepped

    built: T = unstepped(build, *arguments)
    return built
