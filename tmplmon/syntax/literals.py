"""The values of literals and names, from their text.

Rule: a literal has the value that it has in Jinja. Escapes in a string are those of Python; a backslash that does
not begin an escape is kept. Numbers may have underscores between digits, and an int may have a base.
"""

import re

# A backslash that does not begin an escape is kept. It is doubled before decoding, as the decoder would warn. One
# before a character that is not ASCII is not doubled: that character is an escape itself when the text is
# decoded, and the two backslashes become one, as in Jinja.
_lone_backslash = re.compile(r"(\\[\n\\'\"abfnrtvxuUN0-7]|\\[^\x00-\x7f])|\\", re.S)


def string(literal: str) -> tuple[str, str]:
    """(terminal, value) of a string literal. Raises ValueError for an escape that cannot be decoded."""
    value = literal[1:-1]
    if "\\" in value:
        value = _lone_backslash.sub(lambda match: match[1] or "\\\\", value)
        try:
            value = value.encode("ascii", "backslashreplace").decode("unicode-escape")
        except UnicodeDecodeError as error:
            raise ValueError(f"this string has an escape that cannot be read: {error.reason}") from None
    return "STRING", value


def float_(literal: str) -> tuple[str, float]:
    """(terminal, value) of a float literal."""
    return "FLOAT", float(literal.replace("_", ""))


def integer(literal: str) -> tuple[str, int]:
    """(terminal, value) of an int literal. Raises ValueError if it exceeds Python's limit on digits."""
    try:
        return "INTEGER", int(literal.replace("_", ""), 0)
    except ValueError:
        raise ValueError("this number has too many digits") from None


def whole_name(text: str, start: int, end: int) -> tuple[str, int]:
    """(name, its end) of the name at `start`, of which a regular expression has matched the part up to `end`.

    Python's identifiers may contain marks that ``\\w`` does not match, such as the vowel signs of Indic scripts.
    """
    while end < len(text) and text[end] > "\x7f" and f"a{text[end]}".isidentifier():
        end += 1
        while end < len(text) and (text[end].isalnum() or text[end] == "_"):
            end += 1
    return text[start:end], end
