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


def remember_source(filename: str, text: str) -> None:
    """Let ``linecache``, and with it tracebacks, pdb and ``inspect``, show a source that is not on disk.

    The entry stays until it is removed from ``linecache.cache``.
    """
    lines = [f"{line}\n" for line in split_lines(with_plain_newlines(text))]
    # No modification time: linecache.checkcache then leaves the entry alone.
    linecache.cache[filename] = (len(text), None, lines, filename)
