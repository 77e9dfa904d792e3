"""Scopes: the whole of this package in one piece, for an engine to use.

A scope is what runs as one function in the language: a rule set, a template, a macro. Its *sites* are the
places that an event can come from. They are listed once, with a :class:`ScopeBuilder`; the scope has from
then on a code-like for each file, a location table, and a state array. Each run enters it:

    activation = scope.enter(variables)
    if activation is None:                  # no tool wants anything: run without looking again
        return run(node)
    with activation:                        # PY_START … PY_RETURN, or PY_UNWIND
        result = run_and_signal(node, activation)
        activation.py_return(result)

Rules:

- ``enter`` costs one check of the version when no tool is active, and returns None. It also does where every
  event has been disabled, and inside a tool's callback. A tool that comes while a scope runs is seen at the
  next enter or resume.
- While running, an event costs the look at one byte: ``if data[check]: activation.line(site)``, where ``data`` is
  ``scope.data`` and ``check`` is ``scope.check(site)``. The methods look again, so the check is only for speed.
- Every callback, tracer and profiler is called from a frame of the code-like (:mod:`tmplmon.monitoring.frames`).
- A file that is included into a scope is a code-like of its own, with its own PY_START and PY_RETURN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

from tmplmon.monitoring import events as ev
from tmplmon.monitoring._capi import in_callback, object_
from tmplmon.monitoring.activation import Activation
from tmplmon.monitoring.codelike import EXIT, CodeLike, CodeLikeBuilder, Label
from tmplmon.monitoring.direct import pause_clocks, resume_clocks
from tmplmon.monitoring.locations import Location, LocationTable, LocationTableBuilder
from tmplmon.monitoring.sites import FILE_EVENTS, SITE_EVENTS, FileState, Site
from tmplmon.monitoring.states import StateArray

__all__ = ["EXIT", "Label", "Scope", "ScopeBuilder"]


class Scope:
    """A scope as tools see it. Made by :class:`ScopeBuilder`; shared by all runs of the scope, in all
    threads."""

    def __init__(
        self,
        sites: Sequence[Site],
        codelikes: Sequence[CodeLike],
        inclusions: Sequence[int],
        locations: LocationTable,
        states: StateArray,
    ) -> None:
        """Internal: use :class:`ScopeBuilder`."""
        self.inclusions: tuple[int, ...] = tuple(inclusions)
        """For each inclusion, the index of its file's code-like in :attr:`codelikes`."""
        self.sites: tuple[Site, ...] = tuple(sites)
        """The sites, in the order in which the builder numbered them."""
        self.codelikes: tuple[CodeLike, ...] = tuple(codelikes)
        """One per file, the scope's own first."""
        # The code objects as ctypes passes them to the C API; where `data` says who listens to RAISE in each of
        # them; and for each site the C function that fires LINE there, with its arguments (None: not fired yet).
        self._handles: tuple[Any, ...] = tuple(object_.from_param(codelike.code) for codelike in codelikes)
        self._raise_checks = tuple(2 * (states.first_of(n) + FileState.RAISE) for n in range(len(codelikes)))
        self._line_calls: list[tuple[Any, ...] | None] = [None] * len(self.sites)
        self.locations = locations
        """Offsets of all the code-likes to places; the offsets of a code-like follow those of the one before
        it."""
        self.states = states
        self.data = states.data
        """The bytes to check before firing: ``data[scope.check(site)]``."""
        self._bases: list[int] = []
        base = 0
        for codelike in codelikes:
            self._bases.append(base)
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
    ) -> Activation | None:
        """Begin a run: return what to signal with, or None if no tool listens to anything here.

        ``always``: also if none does yet. A tool that comes while something is called is seen then.

        ``variables`` becomes ``f_locals`` of the frame that tools see, ``module_globals`` part of its
        ``f_globals``.
        """
        pause_clocks()
        if not (self.states.enter() or always) or in_callback():
            resume_clocks()
            return None
        return Activation(self, variables, module_globals)

    def check(self, site: int) -> int:
        """Return the index in :attr:`data` of the byte that is not 0 if a tool listens to a site.

        A branch has a byte for going left, this one, and one for going right, which is the next but one (on
        3.13, which has one branch event, there is only this one).
        """
        return 2 * self.sites[site].state

    def location(self, code: CodeType, offset: int) -> Location:
        """Return the place of an event, from the code object and the offset that a callback got.

        Raises LookupError if ``code`` is none of the scope's, or the offset is before its first site.
        """
        for base, codelike in zip(self._bases, self.codelikes, strict=True):
            if codelike.code is code and offset >= codelike.start:
                return self.locations[base + offset]
        raise LookupError(f"{code!r} has no place at offset {offset} in {self!r}")

    def sites_at(self, file: str, line: int) -> tuple[int, ...]:
        """Return the numbers of the sites that begin on a line of a file, ascending."""
        return tuple(
            number
            for number, site in enumerate(self.sites)
            if site.line == line and site.code.co_filename == file
        )

    def __repr__(self) -> str:
        return f"<Scope {self.code.co_qualname} of {self.code.co_filename!r}: {len(self.sites)} sites>"


type _Place = tuple[int, int | None, int | None, int | None]


@dataclass(slots=True)
class _Entry:
    kind: str
    file: int
    number: int  # in its code-like
    inclusion: int
    place: _Place


class ScopeBuilder:
    """Lists the sites of a scope. Each method that adds one returns its number, counted from 0 in the whole
    scope.

    Sites of one file have to be added in the order of their code. ``line`` and ``end_line`` count from 1;
    columns are UTF-8 bytes from 0, the end exclusive; an end line of None is the line, a column of None is
    unknown.

        builder = ScopeBuilder("/srv/discount.rules", "discount")
        first = builder.line(1, 1, 0, 12)
        test = builder.branch(1, 1, 3, 9)
        builder.line(2, 2, 4, 20)
        builder.connect(test, right=EXIT)
        scope = builder.build()
    """

    def __init__(
        self, filename: str, name: str, *, qualname: str | None = None, firstlineno: int | None = None
    ) -> None:
        """``firstlineno``, the code-like's, is by default the smallest line of a site."""
        self._name, self._qualname = name, qualname
        self._locations = LocationTableBuilder(filename)
        self._builders = [CodeLikeBuilder(filename, name, qualname=qualname, firstlineno=firstlineno)]
        self._files = {filename: 0}
        self._file_of_inclusion = [0]
        self._entries: list[_Entry] = []

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
        """Say that a file is included at a line; return the number to give as ``inclusion`` with its sites.

        The same file included twice is two inclusions of one code-like. It is named as the scope is, or ``name``
        and ``qualname``.
        """
        inclusion = self._locations.include(filename, line, column, parent=parent)
        if filename not in self._files:
            self._files[filename] = len(self._builders)
            named = (self._name, self._qualname) if name is None else (name, qualname)
            self._builders.append(CodeLikeBuilder(filename, named[0], qualname=named[1]))
        self._file_of_inclusion.append(self._files[filename])
        return inclusion

    def line(
        self,
        line: int,
        end_line: int | None = None,
        column: int | None = None,
        end_column: int | None = None,
        *,
        inclusion: int = 0,
    ) -> int:
        """Add the beginning of a line: :meth:`Activation.line`."""
        return self._add("line", (line, end_line, column, end_column), inclusion)

    def call(
        self,
        line: int,
        end_line: int | None = None,
        column: int | None = None,
        end_column: int | None = None,
        *,
        inclusion: int = 0,
    ) -> int:
        """Add a call: :meth:`Activation.call`, ``c_return``, ``c_raise`` and ``invoke``."""
        return self._add("call", (line, end_line, column, end_column), inclusion)

    def branch(
        self,
        line: int,
        end_line: int | None = None,
        column: int | None = None,
        end_column: int | None = None,
        *,
        inclusion: int = 0,
    ) -> int:
        """Add a branch: :meth:`Activation.branch`. It leads to the next site on its left until it is
        connected."""
        return self._add("branch", (line, end_line, column, end_column), inclusion)

    def jump(
        self,
        line: int,
        end_line: int | None = None,
        column: int | None = None,
        end_column: int | None = None,
        *,
        inclusion: int = 0,
    ) -> int:
        """Add an unconditional jump, the end of a loop's body say: :meth:`Activation.jump`."""
        return self._add("jump", (line, end_line, column, end_column), inclusion)

    def leave(
        self,
        line: int,
        end_line: int | None = None,
        column: int | None = None,
        end_column: int | None = None,
        *,
        inclusion: int = 0,
    ) -> int:
        """Add a return: :meth:`Activation.py_return`. The return at the end of a file needs no site."""
        return self._add("return", (line, end_line, column, end_column), inclusion)

    def pause(
        self,
        line: int,
        end_line: int | None = None,
        column: int | None = None,
        end_column: int | None = None,
        *,
        inclusion: int = 0,
    ) -> int:
        """Add a yield: :meth:`Activation.py_yield`, ``py_resume`` and ``py_throw``."""
        return self._add("yield", (line, end_line, column, end_column), inclusion)

    def iterate(
        self,
        line: int,
        end_line: int | None = None,
        column: int | None = None,
        end_column: int | None = None,
        *,
        inclusion: int = 0,
    ) -> int:
        """Add a place where an iterator may end: :meth:`Activation.stop_iteration`."""
        return self._add("iterate", (line, end_line, column, end_column), inclusion)

    def connect(
        self, site: int, *, left: int | Label | None = None, right: int | Label | None = None
    ) -> None:
        """Set where a branch or a jump (``left``) leads: to a site or label of the same file, or EXIT.

        Raises ValueError for a site of another file.
        """
        entry = self._entries[site]
        self._builders[entry.file].connect(
            entry.number,
            left=self._number_in(entry.file, left),
            right=self._number_in(entry.file, right),
        )

    def label(self) -> Label:
        """Return a new label, to connect sites to before their destination has been added."""
        return Label()

    def bind(self, label: Label, *, inclusion: int = 0) -> None:
        """Let a label stand for the site that is added next to the inclusion's file, or for EXIT if none
        is."""
        self._builders[self._file_of_inclusion[inclusion]].bind(label)

    def build(self) -> Scope:
        """Make the scope. Raises ValueError for what :meth:`CodeLikeBuilder.build` refuses."""
        codelikes = [builder.build() for builder in self._builders]
        events: list[ev.Event] = []
        owners: list[CodeType] = []
        sites: dict[int, Site] = {}
        base = 0
        for file, codelike in enumerate(codelikes):
            first_state = len(events)
            events += FILE_EVENTS
            mine = [(number, entry) for number, entry in enumerate(self._entries) if entry.file == file]
            for number, entry in mine:
                sites[number] = _site(entry, codelike, first_state, len(events))
                events += SITE_EVENTS[entry.kind]
                self._locations.add(
                    base + codelike.offsets[entry.number], *entry.place, inclusion=entry.inclusion
                )
            if mine:
                inclusion = mine[0][1].inclusion
                self._locations.add(base + codelike.start, codelike.code.co_firstlineno, inclusion=inclusion)
            owners += [codelike.code] * (len(events) - first_state)
            base += len(codelike.code.co_code)
        ordered = [sites[number] for number in range(len(self._entries))]
        states = StateArray(events, owners)
        return Scope(ordered, codelikes, self._file_of_inclusion, self._locations.build(), states)

    # -- inside ----------------------------------------------------------------------------------------------

    def _add(self, kind: str, place: _Place, inclusion: int) -> int:
        if not 0 <= inclusion < len(self._file_of_inclusion):
            raise ValueError(f"inclusion {inclusion} has not been declared")
        position = (place[0], place[0] if place[1] is None else place[1], place[2], place[3])
        file = self._file_of_inclusion[inclusion]
        add = getattr(self._builders[file], _CODE_OF_KIND[kind])
        self._entries.append(_Entry(kind, file, add(position), inclusion, place))
        return len(self._entries) - 1

    def _number_in(self, file: int, destination: int | Label | None) -> int | Label | None:
        if not isinstance(destination, int) or destination == EXIT:
            return destination
        entry = self._entries[destination]
        if entry.file != file:
            raise ValueError(f"site {destination} is in another file")
        return entry.number


# What a site is in the skeleton of the code-like.
_CODE_OF_KIND = {
    "line": "place",
    "call": "place",
    "branch": "branch",
    "jump": "jump",
    "return": "leave",
    "yield": "place",
    "iterate": "place",
}


def _site(entry: _Entry, codelike: CodeLike, file_state: int, state: int) -> Site:
    return Site(
        kind=entry.kind,
        file=entry.file,
        code=codelike.code,
        offset=codelike.offsets[entry.number],
        line=entry.place[0],
        state=state,
        file_state=file_state,
        left=codelike.left[entry.number],
        right=codelike.right[entry.number],
    )
