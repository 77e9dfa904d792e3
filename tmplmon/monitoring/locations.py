"""From offsets to locations: a table for code that comes from one or several source files.

CPython's line table has one file per code object, and can only be read from its start. A scope of another language
often spans files, because includes are joined into it. Here an offset leads to a location in one of several files,
and to the chain of includes that led to that file. A file that is included twice is in the table twice: two ranges
of offsets with two chains.

Rules: an entry covers the offsets from its own up to that of the next entry. Lines count from 1, columns from 0 in
UTF-8 bytes with an exclusive end (as in ``code.co_positions()``), None if unknown. A table is immutable.

Layout: one ``array`` per field, sorted by offset, each of the narrowest type for its largest value; end lines as
differences, and columns as value + 1 (0: None). A lookup is one binary search, O(log n). An entry takes 6
bytes for a file of some 250 lines and up to 10 for most others; ``co_linetable`` takes 3 to 5, and has to be
scanned.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

__all__ = ["IncludeSite", "Location", "LocationTable", "LocationTableBuilder"]


class IncludeSite(NamedTuple):
    """The location of an include: line from 1 and column (UTF-8 bytes from 0, None if unknown) in ``file``."""

    file: str
    line: int
    column: int | None = None


class Location(NamedTuple):
    """The location of an offset. ``chain`` leads from the scope's own file to ``file``, outermost include
    first. Lines are None at the end of a scope's code, which `Scope.location` finds; a table has no such
    locations."""

    file: str
    line: int | None
    end_line: int | None
    column: int | None
    end_column: int | None
    chain: tuple[IncludeSite, ...] = ()


class _Inclusion(NamedTuple):
    """A file at one include. ``parent`` is the index of the inclusion that contains the include."""

    file: int
    parent: int
    line: int
    column: int | None


class LocationTable:
    """From offsets to locations, for one scope. Created by `LocationTableBuilder`; immutable, hashable and
    picklable."""

    __slots__ = (
        "_chains",
        "_columns",
        "_end_columns",
        "_inclusion_of",
        "_inclusions",
        "_lines",
        "_offsets",
        "_reverse",
        "_spans",
        "files",
    )

    files: tuple[str, ...]
    """All files, the scope's own first, without duplicates."""

    def __init__(
        self,
        files: tuple[str, ...],
        inclusions: tuple[_Inclusion, ...],
        columns: tuple[array[int], ...],
    ) -> None:
        """Internal: use `LocationTableBuilder`."""
        set_attribute = object.__setattr__
        set_attribute(self, "files", files)
        set_attribute(self, "_inclusions", inclusions)
        names = ("_offsets", "_inclusion_of", "_lines", "_spans", "_columns", "_end_columns")
        for name, column in zip(names, columns, strict=True):
            set_attribute(self, name, column)
        chains: list[tuple[IncludeSite, ...]] = [()]
        for inclusion in inclusions[1:]:
            site = IncludeSite(files[inclusions[inclusion.parent].file], inclusion.line, inclusion.column)
            chains.append((*chains[inclusion.parent], site))
        set_attribute(self, "_chains", tuple(chains))
        set_attribute(self, "_reverse", None)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a LocationTable cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a LocationTable cannot be changed")

    # -- lookup ----------------------------------------------------------------------------------------------

    def __getitem__(self, offset: int) -> Location:
        """Return the location of ``offset``. Raises LookupError for an offset before the first entry."""
        return self._location(self._index(offset))

    def get(self, offset: int) -> Location | None:
        """Return the location of ``offset``, or None if no entry covers it."""
        index = bisect_right(self._offsets, offset) - 1
        return None if index < 0 else self._location(index)

    def line(self, offset: int) -> int:
        """Return only the line, which is faster. Raises LookupError for an offset before the first entry."""
        return self._lines[self._index(offset)]

    def inclusion(self, offset: int) -> int:
        """Return the number of the inclusion of ``offset``, from `LocationTableBuilder.include` (0: the
        scope's own file). Raises LookupError for an offset before the first entry."""
        return self._inclusion_of[self._index(offset)]

    def chain(self, inclusion: int) -> tuple[IncludeSite, ...]:
        """Return the include chain of an inclusion, outermost first; empty for the scope's own file. Raises
        IndexError for an unknown inclusion."""
        return self._chains[inclusion]

    def inclusion_file(self, inclusion: int) -> str:
        """Return the file of an inclusion. Raises IndexError for an unknown inclusion."""
        return self.files[self._inclusions[inclusion].file]

    def offsets_of(self, file: str, line: int) -> tuple[int, ...]:
        """Return the offsets of all entries that begin on ``line`` of ``file``, ascending, for all chains."""
        return self._by_place().get((file, line), ())

    def lines_of(self, file: str) -> tuple[int, ...]:
        """Return the lines of ``file`` on which an entry begins, ascending, without duplicates."""
        return tuple(sorted({line for name, line in self._by_place() if name == file}))

    # -- collection ------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._offsets)

    def __iter__(self) -> Iterator[tuple[int, Location]]:
        """Yield ``(offset, location)`` in the order of the offsets."""
        for index, offset in enumerate(self._offsets):
            yield offset, self._location(index)

    @property
    def offsets(self) -> Sequence[int]:
        """The offsets of the entries, ascending."""
        return tuple(self._offsets)

    @property
    def nbytes(self) -> int:
        """The size of the entries in bytes, without file names and include chains, comparable to
        ``co_linetable``."""
        return sum(len(column) * column.itemsize for column in self._fields())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LocationTable):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash((self.files, self._inclusions, self._offsets.tobytes()))

    def __repr__(self) -> str:
        return f"<LocationTable of {self.files[0]!r}: {len(self)} entries, {len(self.files)} files>"

    def __reduce__(self) -> tuple[Any, ...]:
        return LocationTable, (self.files, self._inclusions, self._fields())

    # -- implementation --------------------------------------------------------------------------------------

    _offsets: array[int]
    _inclusion_of: array[int]
    _lines: array[int]
    _spans: array[int]
    _columns: array[int]
    _end_columns: array[int]
    _inclusions: tuple[_Inclusion, ...]
    _chains: tuple[tuple[IncludeSite, ...], ...]
    _reverse: dict[tuple[str, int], tuple[int, ...]] | None

    def _fields(self) -> tuple[array[int], ...]:
        return (self._offsets, self._inclusion_of, self._lines, self._spans, self._columns, self._end_columns)

    def _key(self) -> tuple[object, ...]:
        return (self.files, self._inclusions, self._fields())

    def _index(self, offset: int) -> int:
        index = bisect_right(self._offsets, offset) - 1
        if index < 0:
            raise LookupError(f"offset {offset} is before the first entry of {self!r}")
        return index

    def _location(self, index: int) -> Location:
        inclusion = self._inclusion_of[index]
        line = self._lines[index]
        column, end_column = self._columns[index], self._end_columns[index]
        return Location(
            self.files[self._inclusions[inclusion].file],
            line,
            line + self._spans[index],
            column - 1 if column else None,
            end_column - 1 if end_column else None,
            self._chains[inclusion],
        )

    def _by_place(self) -> dict[tuple[str, int], tuple[int, ...]]:
        """The inverse index, created on first use: most tables are never searched by line."""
        reverse = self._reverse
        if reverse is None:
            places: dict[tuple[str, int], list[int]] = {}
            for offset, inclusion, line in zip(self._offsets, self._inclusion_of, self._lines, strict=True):
                places.setdefault((self.inclusion_file(inclusion), line), []).append(offset)
            reverse = {place: tuple(offsets) for place, offsets in places.items()}
            object.__setattr__(self, "_reverse", reverse)
        return reverse


class LocationTableBuilder:
    """Collects the entries of a `LocationTable`, in any order.

    builder = LocationTableBuilder("page.html")
    builder.add(0, 1, 1, 0, 14)
    nav = builder.include("nav.html", line=2, column=0)
    builder.add(2, 1, 1, 0, 5, inclusion=nav)
    table = builder.build()
    """

    def __init__(self, file: str) -> None:
        """``file`` is the scope's own file, inclusion 0."""
        self._files: dict[str, int] = {file: 0}
        self._inclusions: list[_Inclusion] = [_Inclusion(0, -1, 0, None)]
        self._entries: dict[int, tuple[int, int, int, int, int]] = {}

    def include(self, file: str, line: int, column: int | None = None, *, parent: int = 0) -> int:
        """Declare that ``file`` is included at ``line`` and ``column`` of the inclusion ``parent``.

        Returns the number of the new inclusion, for `add` and as a parent. Every include is an
        inclusion of its own, even of the same file. Raises ValueError for an unknown parent or an invalid
        line or column.
        """
        self._check_inclusion(parent)
        if line < 1 or (column or 0) < 0:
            raise ValueError(f"an include cannot be at line {line}, column {column}")
        index = self._files.setdefault(file, len(self._files))
        self._inclusions.append(_Inclusion(index, parent, line, column))
        return len(self._inclusions) - 1

    def add(
        self,
        offset: int,
        line: int,
        end_line: int | None = None,
        column: int | None = None,
        end_column: int | None = None,
        *,
        inclusion: int = 0,
    ) -> None:
        """Set the location of the offsets from ``offset`` up to the next entry.

        An end line of None means ``line``. Raises ValueError for a negative offset, a line below 1, an end
        before the start, an unknown inclusion, or an offset that already has an entry.
        """
        self._check_inclusion(inclusion)
        span = 0 if end_line is None else end_line - line
        if offset < 0:
            raise ValueError(f"a location cannot have the negative offset {offset}")
        if line < 1 or span < 0 or (column or 0) < 0 or (end_column or 0) < 0:
            location = (line, end_line, column, end_column)
            raise ValueError(
                f"offset {offset}: {location} is no location; lines count from 1, columns from 0"
            )
        if span == 0 and column is not None and end_column is not None and end_column < column:
            raise ValueError(f"offset {offset}: column {column} is after the end column {end_column}")
        if offset in self._entries:
            raise ValueError(f"offset {offset} already has a location")
        self._entries[offset] = (
            inclusion,
            line,
            span,
            0 if column is None else column + 1,
            0 if end_column is None else end_column + 1,
        )

    def build(self) -> LocationTable:
        """Return the table of the entries added so far."""
        offsets = sorted(self._entries)
        rows = [self._entries[offset] for offset in offsets]
        fields = [offsets, *map(list, zip(*rows, strict=True))] if rows else [[]] * 6
        return LocationTable(tuple(self._files), tuple(self._inclusions), tuple(map(_narrow, fields)))

    def _check_inclusion(self, inclusion: int) -> None:
        if not 0 <= inclusion < len(self._inclusions):
            raise ValueError(f"inclusion {inclusion} has not been declared")


def _narrow(values: list[int]) -> array[int]:
    """Return ``values`` in the narrowest unsigned array that holds them."""
    largest = max(values, default=0)
    for typecode in "BHI":
        if largest < 1 << 8 * array(typecode).itemsize:
            return array(typecode, values)
    return array("Q", values)
