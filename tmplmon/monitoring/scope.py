"""Scopes: all parts of this package combined, for an engine.

A scope is the code that runs as one function of the language: a rule set, a template, a macro. Its *sites* are the
positions at which events can happen. They are listed once, with a `ScopeBuilder`. The resulting scope has a
code-like for each file, a location table and a state array. Each run enters the scope:

    activation = scope.enter(variables)
    if activation is None:                  # no tool listens: run without any checks
        return run(node)
    with activation:                        # PY_START … PY_RETURN, or PY_UNWIND
        result = run_and_signal(node, activation)
        activation.py_return(result)

Rules:

- ``enter`` costs one check of the version if no tool is active, and returns None. It also returns None if every
  event is disabled, and inside a tool's callback. A tool that starts while a scope runs is seen at the next
  enter or resume.
- During a run, an event costs the check of one byte: ``if data[check]: activation.line(site)``, where ``data`` is
  ``scope.data`` and ``check`` is ``scope.check(site)``. The methods check again, so the check only saves time.
- Every callback, tracer and profiler is called from a frame of the code-like (`tmplmon.monitoring.frames`).
- A file that is included into a scope has a code-like of its own, with its own PY_START and PY_RETURN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any, Protocol, cast

from tmplmon.monitoring import events as ev
from tmplmon.monitoring._capi import in_callback, object_
from tmplmon.monitoring.activation import Activation
from tmplmon.monitoring.checked import CHECKED, CheckedActivation, describe
from tmplmon.monitoring.codelike import EXIT, CodeLike, CodeLikeBuilder, Label
from tmplmon.monitoring.direct import CLOCKS, pause_clocks, resume_clocks
from tmplmon.monitoring.flow import Arc, Flow
from tmplmon.monitoring.locations import Location, LocationTable, LocationTableBuilder
from tmplmon.monitoring.sites import FILE_EVENTS, SITE_EVENTS, FileState, Site
from tmplmon.monitoring.states import StateArray

__all__ = ["EXIT", "Label", "Scope", "ScopeBuilder"]


class Scope:
    """A scope, as tools see it. Created by `ScopeBuilder`; shared by all runs of the scope, in all
    threads."""

    def __init__(
        self,
        sites: Sequence[Site],
        codelikes: Sequence[CodeLike],
        inclusions: Sequence[int],
        inclusion_of: Sequence[int],
        locations: LocationTable,
        states: StateArray,
        activation: type[Activation] = Activation,
    ) -> None:
        """Internal: use `ScopeBuilder`."""
        self.inclusions: tuple[int, ...] = tuple(inclusions)
        """For each inclusion, the index of its file's code-like in `codelikes`."""
        self._inclusion_of = inclusion_of
        self._activation = activation
        self.sites: tuple[Site, ...] = tuple(sites)
        """The sites, indexed by the numbers from the builder."""
        self.codelikes: tuple[CodeLike, ...] = tuple(codelikes)
        """One per file; the scope's own is the first."""
        # The code objects as the C API needs them; for each of them, the index in `data` of its RAISE state; for
        # each site the C function that fires LINE there, with its arguments (None until it is first fired).
        self._handles: tuple[Any, ...] = tuple(object_.from_param(codelike.code) for codelike in codelikes)
        self._raise_checks = tuple(2 * (states.first_of(n) + FileState.RAISE) for n in range(len(codelikes)))
        self._line_calls: list[tuple[Any, ...] | None] = [None] * len(self.sites)
        self.locations = locations
        """From the offsets of all code-likes to locations. The offsets of each code-like follow those of the
        previous one."""
        self.states = states
        self.data = states.data
        """The bytes to check before an event is fired: ``data[scope.check(site)]``."""
        # id of a code object → its code-like, and the first offset in `locations`. (Comparing code objects compares
        # their content.)
        self._by_code: dict[int, tuple[CodeLike, int]] = {}
        base = 0
        for codelike in codelikes:
            self._by_code[id(codelike.code)] = codelike, base
            base += len(codelike.code.co_code)

    @property
    def code(self) -> CodeType:
        """The code-like of the scope's own file."""
        return self.codelikes[0].code

    def enter(
        self,
        variables: Mapping[str, Any] | None = None,
        module_globals: Mapping[str, Any] | None = None,
        *,
        always: bool = False,
        entered: bool = False,
    ) -> Activation | None:
        """Start a run. Returns the activation that fires its events, or None if no tool listens.

        variables: the ``f_locals`` of the frame that tools see. module_globals: added to its ``f_globals``. always:
        return an activation even if no tool listens yet, for a tool that may start during the run. entered: the
        caller has just called ``states.enter()``, and it returned true.

        Always returns None inside a callback.
        """
        if CLOCKS:  # checked here, because a scope without tools is entered often
            pause_clocks()
        if not (entered or self.states.enter() or always) or in_callback():
            if CLOCKS:
                resume_clocks()
            return None
        return self._activation(self, variables, module_globals)

    def check(self, site: int) -> int:
        """Return the index in `data` of the byte that is nonzero if a tool listens to a site.

        For a branch this is the byte of the left side; that of the right side is two bytes further (on 3.13, which
        has one branch event, both have the same byte).
        """
        return 2 * self.sites[site].state

    def location(self, code: CodeType, offset: int) -> Location:
        """Return the location of an event, from the code object and the offset or destination that a callback has
        received. At the end of the code its lines and columns are None, as in the code object.

        Raises LookupError if ``code`` does not belong to the scope, or the offset is before its first site.
        """
        codelike, base = self._by_code.get(id(code), (None, 0))
        if codelike is None or offset < codelike.start:
            raise LookupError(f"{code!r} has no location at offset {offset} in {self!r}")
        offset = codelike.landings.get(offset, offset)
        if offset >= codelike.end:
            return Location(code.co_filename, None, None, None, None)
        return self.locations[base + offset]

    def inclusion_of(self, site: int) -> int:
        """Return the number of the inclusion that a site is in; 0 is the scope's own file."""
        return self._inclusion_of[site]

    def lines(self, file: str | None = None) -> frozenset[int]:
        """Return the lines of a file on which LINE can be fired, by default of the scope's own file."""
        return frozenset(site.line for site in self.sites if site.kind == "line" and self._is_in(site, file))

    def flows(self, file: str | None = None) -> list[Flow]:
        """Return which line follows which in a file, by default the scope's own: one flow for each inclusion.

        Entering and leaving are represented by the negative first line of the file's code-like, as in coverage.py.
        """
        flows = []
        members: dict[int, list[int]] = {}
        for number, site in enumerate(self.sites):
            if self._is_in(site, file):
                members.setdefault(self._inclusion_of[number], []).append(number)
        for numbers in members.values():
            sites = [self.sites[number] for number in numbers]
            landings = self.codelikes[sites[0].file].landings
            index = {site.offset: position for position, site in enumerate(sites)}

            def ways(
                entry: int,
                sites: list[Site] = sites,
                landings: dict[int, int] = landings,
                index: dict[int, int] = index,
            ) -> list[int | None]:
                site = sites[entry]
                offsets = (site.left, site.right) if site.kind == "branch" else (site.left,)
                return [
                    None if offset is None else index.get(landings.get(offset, offset)) for offset in offsets
                ]

            flows.append(
                Flow([(site.kind, site.line) for site in sites], ways, -sites[0].code.co_firstlineno)
            )
        return flows

    def arcs(self, file: str | None = None) -> frozenset[Arc]:
        """Return all pairs (line, next line) that are possible in a file, by default in the scope's own.

        Entering and leaving are represented as in `flows`.
        """
        return frozenset(arc for flow in self.flows(file) for arc in flow.arcs())

    def _is_in(self, site: Site, file: str | None) -> bool:
        return site.file == 0 if file is None else site.code.co_filename == file

    def sites_at(self, file: str, line: int) -> tuple[int, ...]:
        """Return the numbers of the sites that begin on a line of a file, ascending."""
        return tuple(
            number
            for number, site in enumerate(self.sites)
            if site.line == line and site.code.co_filename == file
        )

    def __repr__(self) -> str:
        return f"<Scope {self.code.co_qualname} of {self.code.co_filename!r}: {len(self.sites)} sites>"


type _Position = tuple[int, int | None, int | None, int | None]


@dataclass(slots=True)
class _SiteEntry:
    kind: str
    file: int
    number: int  # in its code-like
    inclusion: int
    position: _Position


class AddSite(Protocol):
    """A method of `ScopeBuilder` that adds a site and returns its number."""

    def __call__(
        self,
        line: int,
        end_line: int | None = None,
        column: int | None = None,
        end_column: int | None = None,
        *,
        inclusion: int = 0,
    ) -> int: ...


def _adds(kind: str) -> AddSite:
    """Return the method that adds sites of a kind. (A `functools.partialmethod` takes three times as long.)"""

    def add_site(
        self: ScopeBuilder,
        line: int,
        end_line: int | None = None,
        column: int | None = None,
        end_column: int | None = None,
        *,
        inclusion: int = 0,
    ) -> int:
        return self.add(kind, line, end_line, column, end_column, inclusion=inclusion)

    return cast(AddSite, add_site)


class ScopeBuilder:
    """Lists the sites of a scope. Each method that adds a site returns its number, counted from 0 in the whole
    scope.

    The sites of one file have to be added in the order of their code. ``line`` and ``end_line`` count from 1;
    columns are UTF-8 bytes, counted from 0, and the end is exclusive. An end line of None means ``line``, a
    column of None is unknown. ``inclusion`` is a number from `include`. The methods raise ValueError
    for an unknown inclusion.

        builder = ScopeBuilder("/srv/discount.rules", "discount")
        first = builder.line(1, 1, 0, 12)
        test = builder.branch(1, 1, 3, 9)
        builder.line(2, 2, 4, 20)
        builder.connect(test, right=EXIT)
        scope = builder.build()
    """

    def __init__(
        self,
        filename: str,
        name: str,
        *,
        qualname: str | None = None,
        firstlineno: int | None = None,
        checked: bool | None = None,
    ) -> None:
        """firstlineno: that of the code-like; by default the smallest line of a site. checked: whether mistakes of
        the engine raise errors (`tmplmon.monitoring.checked`); by default if the environment variable is set.

        Raises TypeError for a file name that is no str.
        """
        _check_filename(filename)
        self._checked = CHECKED if checked is None else checked
        self._is_built = False
        self._name, self._qualname = name, qualname
        self._locations = LocationTableBuilder(filename)
        self._builders = [CodeLikeBuilder(filename, name, qualname=qualname, firstlineno=firstlineno)]
        self._files = {filename: 0}
        self._file_of_inclusion = [0]
        self._entries: list[_SiteEntry] = []
        self._last: dict[int, _SiteEntry] = {}  # the last site of each file
        self._current: dict[int, int] = {}  # the inclusion of each file that was added to last

    def include(
        self,
        filename: str,
        line: int,
        column: int | None = None,
        *,
        parent: int = 0,
        name: str | None = None,
        qualname: str | None = None,
    ) -> int:
        """Declare that a file is included at a line. Returns the number to pass as ``inclusion`` for its sites.

        parent: the inclusion that contains the include. name, qualname: the names of the file's code-like; by
        default those of the scope.

        A file that is included twice has two inclusions and one code-like. Raises ValueError for an unknown parent.
        """
        _check_filename(filename)
        inclusion = self._locations.include(filename, line, column, parent=parent)
        if filename not in self._files:
            self._files[filename] = len(self._builders)
            named = (self._name, self._qualname) if name is None else (name, qualname)
            self._builders.append(CodeLikeBuilder(filename, named[0], qualname=named[1]))
        self._file_of_inclusion.append(self._files[filename])
        return inclusion

    def add(
        self,
        kind: str,
        line: int,
        end_line: int | None = None,
        column: int | None = None,
        end_column: int | None = None,
        *,
        inclusion: int = 0,
    ) -> int:
        """Add a site of a kind (see `SITE_EVENTS`), and return its number. There is a method for each kind."""
        if not 0 <= inclusion < len(self._file_of_inclusion):
            raise ValueError(f"inclusion {inclusion} has not been declared")
        file = self._continue(inclusion)
        add_to_skeleton = getattr(self._builders[file], _SKELETON_METHODS[kind])
        number = add_to_skeleton((line, line if end_line is None else end_line, column, end_column))
        position = (line, end_line, column, end_column)
        self._last[file] = _SiteEntry(kind, file, number, inclusion, position)
        self._entries.append(self._last[file])
        return len(self._entries) - 1

    line = _adds("line")
    """Add the beginning of a line: `Activation.line`."""
    call = _adds("call")
    """Add a call: `Activation.call`, ``c_return``, ``c_raise`` and ``invoke``."""
    branch = _adds("branch")
    """Add a branch: `Activation.branch`. Its left side leads to the next site unless it is connected."""

    def jump(
        self,
        line: int | None = None,
        end_line: int | None = None,
        column: int | None = None,
        end_column: int | None = None,
        *,
        inclusion: int = 0,
    ) -> int:
        """Add an unconditional jump, such as at the end of a loop's body: `Activation.jump`.

        By default it has the position of the site before it in its file. A jump on another line would look to tools
        like a line that is reached.
        """
        if line is None:
            previous = self._last.get(self._file_of_inclusion[inclusion])
            if previous is None:
                raise ValueError("a jump without a line needs a site before it")
            line, end_line, column, end_column = previous.position
        return self.add("jump", line, end_line, column, end_column, inclusion=inclusion)

    leave = _adds("return")
    """Add a return: `Activation.py_return`. The return at the end of a file needs no site."""
    pause = _adds("yield")
    """Add a yield: `Activation.py_yield`, ``py_resume`` and ``py_throw``."""
    iterate = _adds("iterate")
    """Add a place where an iterator may end: `Activation.stop_iteration`."""

    def connect(
        self, site: int, *, left: int | Label | None = None, right: int | Label | None = None
    ) -> None:
        """Set the destination of a branch or of a jump (``left``): a site or label of the same file, or EXIT.

        Raises ValueError for a site of another file.
        """
        entry = self._entries[site]
        self._builders[entry.file].connect(
            entry.number,
            left=self._number_in(entry.file, left),
            right=self._number_in(entry.file, right),
        )

    def label(self) -> Label:
        """Return a new label, for a destination that has not been added yet."""
        return Label()

    def bind(self, label: Label, *, inclusion: int = 0) -> None:
        """Bind a label to the next site that is added to the inclusion's file, or to EXIT if none is."""
        self._builders[self._continue(inclusion)].bind(label)

    def build(self) -> Scope:
        """Create the scope. Raises ValueError as `CodeLikeBuilder.build` does, and RuntimeError if it was called
        before."""
        if self._is_built:
            raise RuntimeError(f"{self._name}: this builder has already built its scope")
        if self._checked:
            self._check_jumps()
        self._is_built = True
        codelikes = [builder.build() for builder in self._builders]
        events: list[ev.Event] = []
        owners: list[CodeType] = []
        sites: dict[int, Site] = {}
        entries_of: list[list[tuple[int, _SiteEntry]]] = [[] for _ in codelikes]
        for number, entry in enumerate(self._entries):
            entries_of[entry.file].append((number, entry))
        base = 0
        for codelike, entries in zip(codelikes, entries_of, strict=True):
            first_state = len(events)
            events += FILE_EVENTS
            for number, entry in entries:
                sites[number] = _site(entry, codelike, first_state, len(events))
                events += SITE_EVENTS[entry.kind]
                self._locations.add(
                    base + codelike.offsets[entry.number], *entry.position, inclusion=entry.inclusion
                )
            if entries:
                inclusion = entries[0][1].inclusion
                self._locations.add(base + codelike.start, codelike.code.co_firstlineno, inclusion=inclusion)
            owners += [codelike.code] * (len(events) - first_state)
            base += len(codelike.code.co_code)
        ordered = [sites[number] for number in range(len(self._entries))]
        states = StateArray(events, owners)
        inclusion_of = [entry.inclusion for entry in self._entries]
        return Scope(
            ordered,
            codelikes,
            self._file_of_inclusion,
            inclusion_of,
            self._locations.build(),
            states,
            CheckedActivation if self._checked else Activation,
        )

    # -- implementation --------------------------------------------------------------------------------------
    def _check_jumps(self) -> None:
        before: dict[int, _SiteEntry] = {}
        for number, entry in enumerate(self._entries):
            previous = before.get(entry.inclusion)
            line = entry.position[0]
            if entry.kind == "jump" and previous is not None and previous.position[0] != line:
                file = self._builders[entry.file].filename
                raise ValueError(
                    f"{describe(number, 'jump', file, line)} is on another line than the site before it, line"
                    f" {previous.position[0]}: tools would take its line for one that is reached"
                )
            before[entry.inclusion] = entry

    def _continue(self, inclusion: int) -> int:
        """Continue with the code of an inclusion. Returns its file."""
        file = self._file_of_inclusion[inclusion]
        if self._current.setdefault(file, inclusion) != inclusion:
            # The code of one inclusion of a file does not continue with that of another.
            self._builders[file].end()
            self._current[file] = inclusion
        return file

    def _number_in(self, file: int, destination: int | Label | None) -> int | Label | None:
        if not isinstance(destination, int) or destination == EXIT:
            return destination
        entry = self._entries[destination]
        if entry.file != file:
            raise ValueError(f"site {destination} is in another file")
        return entry.number


def _check_filename(filename: object) -> None:
    if not isinstance(filename, str):
        raise TypeError(f"a file name has to be a str, not {type(filename).__name__}: {filename!r}")


# Kind of a site → the method of CodeLikeBuilder that adds it to the skeleton.
_SKELETON_METHODS = {
    "line": "place",
    "call": "place",
    "branch": "branch",
    "jump": "jump",
    "return": "leave",
    "yield": "place",
    "iterate": "place",
}


def _site(entry: _SiteEntry, codelike: CodeLike, file_state: int, state: int) -> Site:
    return Site(
        kind=entry.kind,
        file=entry.file,
        code=codelike.code,
        offset=codelike.offsets[entry.number],
        line=entry.position[0],
        state=state,
        file_state=file_state,
        left=codelike.left[entry.number],
        right=codelike.right[entry.number],
    )
