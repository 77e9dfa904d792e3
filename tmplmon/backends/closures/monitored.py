"""A compiled scope as tools see it: one `tmplmon.monitoring.Scope` that spans the files of its static includes.

A template that is included by a constant name is part of the including scope: it has its own sites there, with the
include in their chains, and runs under the scope's activation. When such a template is loaded again, the table is
stale: it is made again before the scope is next entered, and until then the new template runs as a scope of its
own. These are never joined to the including scope: a template that includes itself, one that cannot be loaded, and
one that would make the table too long.
"""

from typing import TYPE_CHECKING, Any

from tmplmon.backends.closures.core import ALL, BRANCHES, LINES
from tmplmon.backends.closures.entry import Run
from tmplmon.backends.closures.frame import FIRST, RAISED, SIGNAL, Frame, original_of
from tmplmon.backends.closures.tracebacks import as_in_frame, error_site
from tmplmon.ir.plan import Plan
from tmplmon.monitoring import EXIT, Scope, ScopeBuilder
from tmplmon.monitoring import events as ev
from tmplmon.monitoring.announced import announce
from tmplmon.monitoring.debuggers import ENGINES
from tmplmon.monitoring.hidden import hide_all
from tmplmon.monitoring.legacy import uses_frames
from tmplmon.monitoring.states import TOOLS

if TYPE_CHECKING:
    from tmplmon.backends.closures.scope import CompiledScope

# This module is loaded when the first tool starts. Tools that keep a stack would take the return of the function
# that fires PY_START for the return of the scope, so they do not see it.
hide_all(Run)
ENGINES.add("tmplmon.")

# The greatest depth of includes and the greatest number of sites in one scope. Chains of includes are rarely
# longer. A template that includes two others, which each include two others, and so on, would make an endless
# table.
_DEEPEST = 8
_MOST_SITES = 5000

# The events that the trees for branches and for lines fire.
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


class ScopeFile:
    """A file in a scope: the scope's own (inclusion 0), or that of a static include.

    whole: the table that the file belongs to.
    scope: the compiled scope of the file.
    first: the number of its first site.
    state: the offset of its first state, in bytes.
    children: IR site of an include → the included file; None if it is not joined.
    """

    def __init__(self, whole: "Monitored", scope: "CompiledScope", inclusion: int, first: int) -> None:
        self.whole = whole
        self.scope = scope
        self.plan = scope.plan
        self.inclusion = inclusion
        self.first = first
        self.state = 0
        self.children: dict[int, ScopeFile | None] = {}

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

    def child(self, site: int, template: Any) -> "ScopeFile | None":
        """The included file, if `template` is the one that was joined; else None."""
        try:
            file = self.children[site]
        except KeyError:
            self.whole.is_stale = True  # It could not be loaded when the table was made.
            return None
        if file is None:
            return None
        functions = template._functions if template.environment is self.scope.constants.environment else None
        if functions is None or functions.root is not file.scope:
            self.whole.is_stale = True
            return None
        return file


class Monitored:
    """The table of a scope.

    scope: the `tmplmon.monitoring.Scope`. root: the scope's own file.
    is_stale: whether the table has to be made again.
    enter: refreshes the states; returns whether any is active. data: the states.
    data_without_listeners: the states when a scope was last found to have no listeners.
    """

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
        self._files: list[ScopeFile] = []
        self._count = 0
        self.root = self._add(compiled, 0, (constants.template,) if join else None)
        self.scope: Scope = builder.build()
        announce(*(codelike.code for codelike in self.scope.codelikes))
        for file in self._files:
            if file.plan.entries:
                file.state = 2 * self.scope.sites[file.first].state
        states = self.scope.states
        others, branches = bytearray(len(states.data)), bytearray(len(states.data))
        for index, event in enumerate(states.events):
            if event in _BRANCHES:
                branches[2 * index] = 0xFF
            elif event not in _OF_LINES:
                others[2 * index] = TOOLS
        # The states of a kind as one integer, to be masked with the active ones.
        self._others = int.from_bytes(others, "little")
        self._branches = int.from_bytes(branches, "little")
        fires = bytearray(b"\xff\x00" * len(states.events))
        for file in self._files:
            for number in range(len(file.plan.entries)):
                if not file.plan.fires(number):
                    fires[2 * self.scope.sites[file.first + number].state] = 0
        self._fires = int.from_bytes(fires, "little")
        self.data = states.data
        self.enter = states.enter_with_tools
        self.data_without_listeners = b""

    def has_listeners(self) -> bool:
        """Whether any tool listens to an event that the scope fires, at the moment."""
        return self.enter() and self.data != self.data_without_listeners and self.is_listened_to()

    def is_listened_to(self) -> bool:
        """Whether any tool listens to an event that the scope fires, as of the last `enter`."""
        if int.from_bytes(self.data, "little") & self._fires:
            return True
        self.data_without_listeners = bytes(self.data)
        return False

    def kind(self) -> str:
        """The kind of tree that fires what tools listen to. For a debugger, calls have to be made from the scope's
        frame."""
        active = int.from_bytes(self.scope.data, "little")
        if active & self._others or uses_frames():
            return ALL
        return BRANCHES if active & self._branches else LINES

    def _add(self, compiled: "CompiledScope", inclusion: int, chain: tuple[Any, ...] | None) -> ScopeFile:
        plan = compiled.plan
        self._count += len(plan.entries)
        file = ScopeFile(self, compiled, inclusion, _add_sites(plan, self._builder, inclusion))
        self._files.append(file)
        if chain is not None:
            self._join(file, compiled, chain)
        return file

    def _join(self, file: ScopeFile, compiled: "CompiledScope", chain: tuple[Any, ...]) -> None:
        constants = compiled.constants
        for op in file.plan.includes:
            try:
                template = constants.environment.get_template(op.template.value, constants.template.name)  # type: ignore[union-attr]
            except Exception:
                continue
            root = template._functions.root if template.environment is constants.environment else None
            if (
                root is None
                or template in chain
                or len(chain) > _DEEPEST
                or self._count + len(root.plan.entries) > _MOST_SITES
            ):
                file.children[op.site] = None
            else:
                line, _, column, _ = compiled.ir.positions[op.site]
                inner = self._builder.include(
                    template._file,
                    line,
                    column,
                    parent=file.inclusion,
                    name=root.name,
                    qualname=root.qualname,
                )
                file.children[op.site] = self._add(root, inner, (*chain, template))
