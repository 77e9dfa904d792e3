"""The text of one template, and the conversion of offsets to lines and columns.

Offsets count characters of `text`, in which all line ends are ``\\n``; see `tmplmon.monitoring.lines`. Lines are
1-based. Columns are 0-based: `column` counts characters, and `utf8_column` counts UTF-8 bytes, the unit of ``ast``
nodes, code objects and carets in tracebacks.
"""

from bisect import bisect_right

from tmplmon.monitoring.lines import unify_newlines, utf8_column

# The number of characters after which the column of a long line is stored.
_STEP = 1000


class Source:
    """The text of a template.

    name: the loader's name of the template, or None.
    filename: an absolute path, or a name in angle brackets if the template is not a file.
    original: the text before its line ends were unified.
    newlines_replaced: whether the parser has replaced the line breaks in texts and strings by the environment's
        `newline_sequence`. If not, the lowering does it.
    """

    __slots__ = (
        "_ascii",
        "_long_lines",
        "_starts",
        "filename",
        "name",
        "newlines_replaced",
        "original",
        "text",
    )

    def __init__(self, text: str, name: str | None = None, filename: str = "<template>") -> None:
        self.original = text
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
        self.newlines_replaced = False
        self._long_lines: dict[int, list[int]] = {}

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
        if offset - start <= _STEP:
            return line, utf8_column(self.text[start:offset], offset - start)
        return line, self._utf8_column_in_long_line(start, offset)

    def _utf8_column_in_long_line(self, start: int, offset: int) -> int:
        """The column in UTF-8 bytes of `offset` in the line from `start`, counted from the last full `_STEP` in it,
        as a line may have thousands of tags and each has a position."""
        columns = self._long_lines.setdefault(start, [0])
        steps = (offset - start) // _STEP
        while len(columns) <= steps:
            begin = start + (len(columns) - 1) * _STEP
            columns.append(columns[-1] + utf8_column(self.text[begin : begin + _STEP], _STEP))
        begin = start + steps * _STEP
        return columns[steps] + utf8_column(self.text[begin:offset], offset - begin)

    def position(self, start: int, end: int) -> tuple[int, int, int, int]:
        """(line, end line, column, end column) of the characters from `start` up to `end`, columns in UTF-8
        bytes: the order of ``codeobject.co_positions()``."""
        line, column = self.line_utf8_column(start)
        end_line, end_column = self.line_utf8_column(max(end, start))
        return line, end_line, column, end_column

    def line_start(self, line: int) -> int:
        """The offset of the first character of the 1-based `line`."""
        return self._starts[line - 1]

    def line_text(self, line: int) -> str:
        """The text of the 1-based `line` without its line end."""
        start = self._starts[line - 1]
        end = self._starts[line] - 1 if line < len(self._starts) else len(self.text)
        return self.text[start:end]

    @property
    def line_count(self) -> int:
        """The number of lines. A line break at the end of the text begins another, empty line."""
        return len(self._starts)
