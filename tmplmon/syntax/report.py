"""The one place where a syntax error gets its place: offsets in, line, column and source line out."""

from tmplmon.errors import TemplateSyntaxError
from tmplmon.syntax.source import Source


def syntax_error(
    source: Source,
    message: str,
    start: int,
    end: int,
    *,
    hint: str | None = None,
    cls: type[TemplateSyntaxError] = TemplateSyntaxError,
) -> TemplateSyntaxError:
    """An error about the characters from `start` up to `end`; where they span lines, about those on the
    first."""
    line, column = source.line_column(start)
    text = source.line_text(line)
    end_column = min(column + max(end - start, 1), max(len(text), column + 1))
    return cls(
        message,
        line,
        source.name,
        source.filename,
        column=column,
        end_column=end_column,
        source_line=text,
        hint=hint,
    )
