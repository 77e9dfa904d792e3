"""The location table: positions in several files, chains of includes, both directions, and its size."""

from __future__ import annotations

import copy
import pickle

import pytest

from tmplmon.monitoring.linetable import encode_linetable
from tmplmon.monitoring.locations import IncludeSite, Location, LocationTable, LocationTableBuilder


def page() -> LocationTable:
    """A page that includes nav.html twice, which itself includes link.html."""
    builder = LocationTableBuilder("page.html")
    builder.add(0, 1, 1, 0, 20)
    builder.add(4, 2, 3, 4, 6)
    for offset, line in ((10, 5), (30, 8)):
        nav = builder.include("nav.html", line, 2)
        link = builder.include("link.html", 7, parent=nav)
        builder.add(offset, 6, inclusion=nav)
        builder.add(offset + 6, 1, 1, 0, 9, inclusion=link)
        builder.add(offset + 8, 8, 8, 0, 1, inclusion=nav)
    builder.add(40, 9, 9, 300, 310)
    return builder.build()


def test_an_entry_covers_the_offsets_up_to_the_next() -> None:
    table = page()
    assert table[0] == table[3] == Location("page.html", 1, 1, 0, 20, ())
    assert table[4] == Location("page.html", 2, 3, 4, 6)
    assert table[10**9] == Location("page.html", 9, 9, 300, 310)
    assert table.line(5) == 2


def test_missing_columns_stay_missing() -> None:
    assert page()[10][:5] == ("nav.html", 6, 6, None, None)


def test_the_same_file_included_twice_has_two_chains() -> None:
    table = page()
    first, second = table[16], table[36]
    assert first[:5] == second[:5] == ("link.html", 1, 1, 0, 9)
    assert first.chain == (IncludeSite("page.html", 5, 2), IncludeSite("nav.html", 7, None))
    assert second.chain == (IncludeSite("page.html", 8, 2), IncludeSite("nav.html", 7, None))
    assert table.inclusion(16) != table.inclusion(36)
    assert table.inclusion_file(table.inclusion(36)) == "link.html"
    assert table.chain(table.inclusion(36)) == second.chain


def test_offsets_before_the_first_entry_have_no_location() -> None:
    builder = LocationTableBuilder("a")
    builder.add(6, 1)
    table = builder.build()
    assert table.get(5) is None
    assert table.get(6) == Location("a", 1, 1, None, None)
    for look_up in (table.__getitem__, table.line, table.inclusion):
        with pytest.raises(LookupError, match="offset 5 is before"):
            look_up(5)


def test_an_empty_table() -> None:
    table = LocationTableBuilder("a").build()
    assert (len(table), list(table), table.files, table.get(0), table.nbytes) == (0, [], ("a",), None, 0)


def test_iteration_and_the_reverse() -> None:
    table = page()
    assert [offset for offset, _ in table] == list(table.offsets) == [0, 4, 10, 16, 18, 30, 36, 38, 40]
    assert len(table) == 9
    assert all(table[offset] == location for offset, location in table)
    assert table.offsets_of("nav.html", 6) == (10, 30)
    assert table.offsets_of("nav.html", 7) == ()
    assert table.offsets_of("other.html", 6) == ()
    assert table.lines_of("nav.html") == (6, 8)
    assert table.files == ("page.html", "nav.html", "link.html")


def test_the_order_of_adding_does_not_matter() -> None:
    builder = LocationTableBuilder("a")
    for offset in (8, 0, 4):
        builder.add(offset, offset + 1)
    assert [(offset, location.line) for offset, location in builder.build()] == [(0, 1), (4, 5), (8, 9)]


def test_a_built_table_does_not_change() -> None:
    builder = LocationTableBuilder("a")
    builder.add(0, 1)
    table = builder.build()
    builder.add(2, 2)
    assert len(table) == 1
    with pytest.raises(AttributeError):
        table.files = ()
    with pytest.raises(AttributeError):
        del table.files


def test_equality_hash_and_pickle() -> None:
    table = page()
    table.offsets_of("page.html", 1)  # the reverse index is not compared
    for other in (pickle.loads(pickle.dumps(table)), copy.deepcopy(table), page()):
        assert other == table and hash(other) == hash(table) and list(other) == list(table)
    assert table != LocationTableBuilder("page.html").build()
    assert table != "page.html"


@pytest.mark.parametrize(
    "arguments",
    [
        (-2, 1),
        (0, 0),
        (0, 5, 4),
        (0, 1, 1, -1, 0),
        (0, 1, 1, 0, -1),
        (0, 1, 1, 5, 4),
    ],
)
def test_entries_without_a_location(arguments: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="offset"):
        LocationTableBuilder("a").add(*arguments)


def test_mistakes_in_building() -> None:
    builder = LocationTableBuilder("a")
    builder.add(0, 1)
    with pytest.raises(ValueError, match="already has"):
        builder.add(0, 2)
    with pytest.raises(ValueError, match="inclusion 1 has not been declared"):
        builder.add(2, 2, inclusion=1)
    with pytest.raises(ValueError, match="inclusion 1 has not been declared"):
        builder.include("b", 1, parent=1)
    with pytest.raises(ValueError, match="line 0"):
        builder.include("b", 0)


def test_large_values() -> None:
    builder = LocationTableBuilder("a")
    builder.add(70_000, 100_000, 200_000, 70_000, 5_000_000_000)
    assert builder.build()[70_000] == Location("a", 100_000, 200_000, 70_000, 5_000_000_000)


def test_the_size_of_an_entry() -> None:
    """An entry takes 6 bytes for a small file; in ``co_linetable`` it takes 3."""
    builder = LocationTableBuilder("a")
    places = []
    for number in range(120):
        column = number * 7 % 60
        builder.add(2 * number, number + 1, number + 1, column, column + 9)
        places.append((number + 1, number + 1, column, column + 9))
    table = builder.build()
    assert table.nbytes / len(table) == 6
    assert len(encode_linetable(places, 1)) / len(table) < 3.1


@pytest.mark.parametrize(
    ("largest", "bytes_each"),
    [(254, 1), (255, 1), (256, 2), (65535, 2), (65536, 4), (2**32 - 1, 4), (2**32, 8)],
)
def test_each_field_is_as_wide_as_its_largest_value(largest: int, bytes_each: int) -> None:
    builder = LocationTableBuilder("a")
    builder.add(largest, 1)
    table = builder.build()
    assert (table.nbytes, list(table)) == (5 + bytes_each, [(largest, Location("a", 1, 1, None, None))])
    builder = LocationTableBuilder("a")
    builder.add(0, largest, largest)
    assert (builder.build().nbytes, builder.build().line(0)) == (5 + bytes_each, largest)
    # Columns are stored as value + 1, and end lines as distances from the line.
    builder = LocationTableBuilder("a")
    builder.add(0, 1, 1 + largest, largest - 1, 3)
    table = builder.build()
    assert (table.nbytes, table[0]) == (4 + 2 * bytes_each, Location("a", 1, 1 + largest, largest - 1, 3))
