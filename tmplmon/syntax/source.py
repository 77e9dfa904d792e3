"""The text of one template, and the only class that turns an offset into a line and a column.

Offsets are counts of characters into `text`, whose line ends are all ``\\n`` (a ``\\r\\n`` or a lone ``\\r`` in
the template is one of them, as universal newlines have it, so line numbers are those an editor shows). Lines are
1-based. Columns are 0-based; `column` counts characters and `utf8_column` UTF-8 bytes, the unit of ``ast`` nodes,
code objects and traceback carets.
"""

from bisect import bisect_right

from tmplmon.monitoring.lines import unify_newlines, utf8_column


class Source:
    """A template's text with its names: `name` (the loader's, or None) and `filename` (an absolute path, or a
    name in angle brackets when the template is not a file)."""

    __slots__ = ("_ascii", "_starts", "filename", "name", "text")

    def __init__(self, text: str, name: str | None = None, filename: str = "<template>") -> None:
        self.text = text = unify_newlines(text)
        self.name = name
        self.filename = filename
        starts = [0]
        find = text.find
        at = find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = find("\n", at + 1)
        self._starts = starts
        self._ascii = text.isascii()

    def line(self, offset: int) -> int:
        """The 1-based line that the character at `offset` is on."""
        return bisect_right(self._starts, offset)

    def line_column(self, offset: int) -> tuple[int, int]:
        """(1-based line, 0-based column in characters) of `offset`."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1]

    def line_utf8_column(self, offset: int) -> tuple[int, int]:
        """(1-based line, 0-based column in UTF-8 bytes) of `offset`."""
        line = bisect_right(self._starts, offset)
        start = self._starts[line - 1]
        if self._ascii:
            return line, offset - start
        return line, utf8_column(self.text[start:offset], offset - start)

    def position(self, start: int, end: int) -> tuple[int, int, int, int]:
        """(line, end line, column, end column) of the characters from `start` up to `end`, columns in UTF-8
        bytes: the order of ``codeobject.co_positions()``."""
        line, column = self.line_utf8_column(start)
        end_line, end_column = self.line_utf8_column(max(end, start))
        return line, end_line, column, end_column

    def line_text(self, line: int) -> str:
        """The text of the 1-based `line` without its line end."""
        start = self._starts[line - 1]
        end = self._starts[line] - 1 if line < len(self._starts) else len(self.text)
        return self.text[start:end]

    @property
    def line_count(self) -> int:
        return len(self._starts)
