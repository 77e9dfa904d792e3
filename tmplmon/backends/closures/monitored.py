"""A compiled scope as tools see it: one `tmplmon.monitoring.Scope` that spans the files of its static includes.

Rule: a template that is included by a constant name is a part of the including scope: it has its own sites there,
with the place of the include in their chains, and runs under the scope's activation. A template that was loaded
again is another template, so the scope is made again before it is next entered; until then the new one runs as a
scope of its own. Not joined in: a template that includes itself, what would make the table very long, and what
cannot be loaded.
"""

from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures.entry import Run
from tmplmon.backends.closures.frame import FIRST, RAISED, SIGNAL, Frame, original_of
from tmplmon.backends.closures.listeners import ALL, BRANCHES, LINES, has_debugger
from tmplmon.backends.closures.tracebacks import as_in_frame, error_site
from tmplmon.ir.plan import Plan
from tmplmon.monitoring import EXIT, Scope, ScopeBuilder
from tmplmon.monitoring import events as ev
from tmplmon.monitoring.announced import announce
from tmplmon.monitoring.debuggers import ENGINES
from tmplmon.monitoring.hidden import hide_all

if TYPE_CHECKING:
    from tmplmon.backends.closures.scope import CompiledScope

# This module is loaded when the first tool comes. Tools that keep a stack would take the return of what fired
# PY_START for the return of the scope.
hide_all(Run)
ENGINES.add("tmplmon.")

# Includes in includes, and sites in all, that are joined into one scope: a chain of includes is rarely longer than
# this, and a template that includes two others, which each include two others … would have a table without end.
_DEEPEST = 8
_MOST_SITES = 5000

# The events that the tree for lines and branches has.
_BRANCHES = {ev.BRANCH_LEFT, ev.BRANCH_RIGHT}
_OF_LINES = {ev.LINE, ev.PY_START, ev.PY_RETURN, ev.PY_UNWIND}
_OF_LINES |= {ev.PY_YIELD, ev.PY_RESUME, ev.PY_THROW}


# Kind of an entry in a plan → the method of ScopeBuilder that adds a site of it.
_METHODS = {
    "line": "line",
    "call": "call",
    "branch": "branch",
    "jump": "jump",
    "yield": "pause",
    "return": "leave",
}


def _add_sites(plan: Plan, builder: ScopeBuilder, inclusion: int) -> int:
    """Add all sites of a plan to a table, next to each other; return the number of the first."""
    numbers: list[int] = []
    for kind, site in plan.entries:
        position = plan.scope.positions[site]
        numbers.append(getattr(builder, _METHODS[kind])(*position, inclusion=inclusion))
    for entry, side, to in plan.destinations():
        builder.connect(numbers[entry], **{side: EXIT if to is None else numbers[to]})
    return numbers[0] if numbers else 0


class Part:
    """A file in a scope: the scope's own (inclusion 0), or a static include.

    scope: what is run there. first: the number of its first site. state: where its states begin, in bytes.
    children: IR site of an include in it → its part; None where it is not to be joined.
    """

    def __init__(self, whole: "Monitored", scope: "CompiledScope", inclusion: int, first: int) -> None:
        self.whole = whole
        self.scope = scope
        self.plan = scope.plan
        self.inclusion = inclusion
        self.first = first
        self.state = 0
        self.children: dict[int, Part | None] = {}

    def raised(self, f: Frame, error: BaseException) -> None:
        """Fire RAISE for an exception, once for each exception that passes through the frame or copies of it.

        A debugger reads the traceback to see where the exception comes from. Meanwhile the closures between the
        frame and the function that raised are left out of it.
        """
        original = original_of(f)
        if original[RAISED] is error:
            return
        original[RAISED] = error
        site = error_site(original, error)
        if site is None:
            return
        signal, number = f[SIGNAL], f[FIRST] + self.plan.place[site]
        scope_frame, traceback = signal.frame, error.__traceback__
        if scope_frame is not None:
            place = self.whole.scope.sites[number]
            error.__traceback__ = as_in_frame(traceback, scope_frame.frame, place.offset, place.line)
        try:
            signal.raise_(error, number)
        finally:
            error.__traceback__ = traceback

    def child(self, site: int, template: Any) -> "Part | None":
        """The part for a static include, if the template is the one that was joined in."""
        try:
            part = self.children[site]
        except KeyError:
            self.whole.is_stale = True  # it could not be loaded then
            return None
        if part is None:
            return None
        functions = template._functions if template.environment is self.scope.constants.environment else None
        if functions is None or functions.root is not part.scope:
            self.whole.is_stale = True
            return None
        return part


class Monitored:
    """The table of a scope. `scope` is what tools see, `root` the part of the scope's own file."""

    def __init__(self, compiled: "CompiledScope", join: bool) -> None:
        self.is_stale = False
        constants, ir = compiled.constants, compiled.ir
        builder = ScopeBuilder(
            constants.program.filename,
            compiled.name,
            qualname=compiled.qualname,
            firstlineno=min([ir.position[0], *(position[0] for position in ir.positions)]),
        )
        self._builder = builder
        self._parts: list[Part] = []
        self._count = 0
        self.root = self._add(compiled, 0, (constants.template,) if join else None)
        self.scope: Scope = builder.build()
        announce(*(codelike.code for codelike in self.scope.codelikes))
        for part in self._parts:
            if part.plan.entries:
                part.state = 2 * self.scope.sites[part.first].state
        states = self.scope.states
        beyond, branches = bytearray(len(states.data)), bytearray(len(states.data))
        for index, event in enumerate(states.events):
            if event in _BRANCHES:
                branches[2 * index] = 0xFF
            elif event not in _OF_LINES:
                beyond[2 * index] = 0xFF
        self._beyond = int.from_bytes(beyond, "little")
        self._branches = int.from_bytes(branches, "little")
        fires = bytearray(b"\xff\x00" * len(states.events))
        for part in self._parts:
            for number in range(len(part.plan.entries)):
                if not part.plan.fires(number):
                    fires[2 * self.scope.sites[part.first + number].state] = 0
        self._fires = int.from_bytes(fires, "little")
        self._data = states.data
        self._enter = states.enter_with_tools
        self._unheard = b""  # the states as they were when it was found that nothing is heard

    def is_heard(self) -> bool:
        """Whether any tool listens to anything that is fired here, as of now. To be asked where there is one."""
        if not self._enter() or self._data == self._unheard:
            return False
        if int.from_bytes(self._data, "little") & self._fires:
            return True
        self._unheard = bytes(self._data)
        return False

    def kind(self) -> str:
        """The kind of tree that fires what tools listen to. A debugger looks at who called whom, so it gets all."""
        heard = int.from_bytes(self.scope.data, "little")
        if heard & self._beyond or has_debugger():
            return ALL
        if heard & self._branches:
            return BRANCHES
        return LINES

    def _add(self, compiled: "CompiledScope", inclusion: int, chain: tuple[Any, ...] | None) -> Part:
        plan = compiled.plan
        self._count += len(plan.entries)
        part = Part(self, compiled, inclusion, _add_sites(plan, self._builder, inclusion))
        self._parts.append(part)
        if chain is not None:
            self._join(part, compiled, chain)
        return part

    def _join(self, part: Part, compiled: "CompiledScope", chain: tuple[Any, ...]) -> None:
        constants = compiled.constants
        for op in part.plan.includes:
            try:
                found = constants.environment.get_template(op.template.value, constants.template.name)  # type: ignore[union-attr]
            except Exception:
                continue
            root = found._functions.root if found.environment is constants.environment else None
            if (
                root is None
                or found in chain
                or len(chain) > _DEEPEST
                or self._count + len(root.plan.entries) > _MOST_SITES
            ):
                part.children[op.site] = None
            else:
                line, _, column, _ = compiled.ir.positions[op.site]
                inner = self._builder.include(
                    found._file, line, column, parent=part.inclusion, name=root.name, qualname=root.qualname
                )
                part.children[op.site] = self._add(root, inner, (*chain, found))
