"""Offsets to lines and columns, as literal values."""

import pytest

from tmplmon.syntax.source import Source

TEXT = "ab\né{{ x }}\n\n𝄞 end"
# Offset → (line, column in characters, column in bytes).
PLACES = {
    0: (1, 0, 0),
    1: (1, 1, 1),
    2: (1, 2, 2),  # the line break belongs to its line
    3: (2, 0, 0),
    4: (2, 1, 2),
    10: (2, 7, 8),
    11: (2, 8, 9),
    12: (3, 0, 0),
    13: (4, 0, 0),
    14: (4, 1, 4),
    18: (4, 5, 8),  # the end
}


@pytest.mark.parametrize(("offset", "place"), PLACES.items())
def test_lines_and_columns(offset: int, place: tuple[int, int, int]) -> None:
    source = Source(TEXT)
    line, column, byte = place
    assert source.line(offset) == line
    assert source.line_column(offset) == (line, column)
    assert source.line_utf8_column(offset) == (line, byte)


def test_lines_and_columns_in_ascii() -> None:
    source = Source("ab\ncd")
    assert [source.line_utf8_column(offset) for offset in range(6)] == [
        (1, 0),
        (1, 1),
        (1, 2),
        (2, 0),
        (2, 1),
        (2, 2),
    ]


def test_positions() -> None:
    source = Source(TEXT)
    assert source.position(4, 11) == (2, 2, 2, 9)
    assert source.position(1, 4) == (1, 2, 1, 2)
    assert source.position(3, 18) == (2, 4, 0, 8)
    assert source.position(5, 5) == (2, 2, 3, 3)
    # An end before the start counts as the start.
    assert source.position(5, 2) == (2, 2, 3, 3)


def test_lines() -> None:
    source = Source(TEXT, "name", "/file")
    assert (source.name, source.filename, source.line_count) == ("name", "/file", 4)
    assert [source.line_text(line) for line in (1, 2, 3, 4)] == ["ab", "é{{ x }}", "", "𝄞 end"]
    assert (Source("").name, Source("").filename, Source("").line_count) == (None, "<template>", 1)
    assert Source("").line_text(1) == ""
    assert (Source("a\n").line_count, Source("a\n").line_text(2)) == (2, "")


@pytest.mark.parametrize(
    ("text", "unified", "lines"),
    [
        ("a\r\nb\rc\nd", "a\nb\nc\nd", 4),
        ("\r\r\n\n", "\n\n\n", 4),
        # No other character ends a line, as in Python's own source files.
        ("a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g", "a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g", 1),
    ],
)
def test_line_ends(text: str, unified: str, lines: int) -> None:
    source = Source(text)
    assert (source.text, source.line_count) == (unified, lines)


def test_columns_of_a_long_line() -> None:
    source = Source("é\n" + "aé€𝄞" * 1000)
    widths = [0, 1, 3, 6]
    # In both directions, as positions are not requested in order.
    for column in [*range(0, 4001, 7), *range(4000, -1, -11)]:
        expected = 2, column // 4 * 10 + widths[column % 4]
        assert source.line_utf8_column(2 + column) == expected
