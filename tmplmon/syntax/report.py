"""The only function that gives a syntax error its location, computed from character offsets."""

import re

from tmplmon.errors import TemplateSyntaxError
from tmplmon.syntax.source import Source

# A name in a message that is longer is cut.
_LONG_NAME = re.compile(r"(\w{60})\w{40,}")


def syntax_error(
    source: Source,
    message: str,
    start: int,
    end: int,
    *,
    hint: str | None = None,
    cls: type[TemplateSyntaxError] = TemplateSyntaxError,
) -> TemplateSyntaxError:
    """An error of class `cls` about the characters from `start` to `end`, or those on their first line."""
    line, column = source.line_column(start)
    text = source.line_text(line)
    end_column = min(column + max(end - start, 1), max(len(text), column + 1))
    return cls(
        _LONG_NAME.sub(r"\1…", message),
        line,
        source.name,
        source.filename,
        column=column,
        end_column=end_column,
        source_line=text,
        hint=None if hint is None else _LONG_NAME.sub(r"\1…", hint),
        source=source.original,
    )
