"""Lines and columns of a source text, counted as Python's own tools count them.

Rule: a line ends with ``\\n``, ``\\r\\n`` or a lone ``\\r``, as in a text file that Python opens and in an editor.
`str.splitlines` must not be used on a source: it also ends lines at eight other characters, so every line after one
of them gets a wrong number. Where a tool of Python's own does that (``traceback`` with the lines of one frame,
``linecache`` with what a loader returns, coverage.py's reports), it is passed `with_plain_newlines` of the text.

Columns are 0-based. Code objects, ``ast`` nodes and tracebacks count them in UTF-8 bytes; messages and reports
count characters.
"""

import linecache
import re

_NEWLINE = re.compile(r"\r\n|\r")

# The other characters at which `str.splitlines` ends a line → a blank that takes as many bytes in UTF-8, so that
# columns stay right in both units.
_OTHER_BREAKS = str.maketrans(
    {
        **dict.fromkeys("\v\f\x1c\x1d\x1e", " "),
        "\x85": "\N{NO-BREAK SPACE}",
        **dict.fromkeys("\u2028\u2029", "\N{EN SPACE}"),
    }
)


def unify_newlines(text: str) -> str:
    """`text` with ``\\n`` at the end of each line, in place of ``\\r\\n`` and ``\\r``."""
    return _NEWLINE.sub("\n", text) if "\r" in text else text


def split_lines(text: str) -> list[str]:
    """The lines of `text` without their ends: item ``n - 1`` is line ``n``.

    A line break at the end of the text does not begin another line.
    """
    lines = unify_newlines(text).split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def with_plain_newlines(text: str) -> str:
    """`text` in the form in which `str.splitlines` finds the lines that `split_lines` does.

    Line ends are ``\\n``, and the other characters at which `str.splitlines` would end a line are blanks. Columns
    stay the same, in characters and in UTF-8 bytes.
    """
    return unify_newlines(text).translate(_OTHER_BREAKS)


def character_column(line: str, utf8_column: int) -> int:
    """The 0-based column in characters for one in UTF-8 bytes, at most the length of `line`."""
    if line.isascii():
        return min(utf8_column, len(line))
    # Every byte but those that continue a character begins one.
    return sum(byte & 0xC0 != 0x80 for byte in line.encode("utf-8", "surrogatepass")[:utf8_column])


def utf8_column(line: str, column: int) -> int:
    """The 0-based column in UTF-8 bytes for one in characters."""
    return column if line.isascii() else len(line[:column].encode("utf-8", "surrogatepass"))


LONGEST_LINE = 160
"""The number of characters of a source line that a message shows."""


def excerpt(line: str, column: int | None = None, end: int | None = None) -> tuple[str, int, int]:
    """The part of a source line that a message shows, with ``…`` for what is left out: at most `LONGEST_LINE`
    characters around a place, because a page may be one line of a megabyte.

    line: the line. column, end: 0-based columns in characters of the place, the end exclusive; None for the
        beginning of the line.

    Returns (text, column and end of the place in the text). The end is at least one after the column.
    """
    column = max(column or 0, 0)
    end = max(column if end is None else end, column + 1)
    start = 0
    if len(line) > LONGEST_LINE:
        start = max(min(column - LONGEST_LINE // 2, len(line) - LONGEST_LINE), 0)
    stop = start + LONGEST_LINE
    text = line[start:stop]
    if start:
        text = f"…{text[1:]}"
    if stop < len(line):
        text = f"{text[:-1]}…"
        end = min(end, stop)
    text = with_plain_newlines(text)
    return text, column - start, max(end - start, column - start + 1)


def with_caret(number: int, line: str, column: int | None, end: int | None) -> list[str]:
    """The lines in which a message shows a source line: the line with its number, and carets below the place. The
    arguments are those of `excerpt`; without a column there are no carets."""
    text, start, stop = excerpt(line.rstrip("\n"), column, end)
    shown = [f"{number:>4} | {text}"]
    if column is not None:
        # A tab stays a tab so that the caret stands under its character on any tab width.
        pad = "".join("\t" if c == "\t" else " " for c in text[:start])
        width = max(min(stop, len(text)) - start, 1)
        shown.append("     | " + pad + "^" * width)
    return shown


def remember_source(filename: str, text: str) -> None:
    """Let ``linecache``, and with it tracebacks, pdb and ``inspect``, show a source that is not on disk.

    The entry stays until it is removed from ``linecache.cache``.
    """
    lines = [f"{line}\n" for line in split_lines(with_plain_newlines(text))]
    # No modification time: linecache.checkcache then leaves the entry alone.
    linecache.cache[filename] = (len(text), None, lines, filename)
