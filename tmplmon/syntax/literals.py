"""The text of a literal or a name → its value.

Rule: a literal means what Jinja takes it for. A string's escapes are Python's, and a backslash that begins
none of them stays; numbers may have underscores between digits and, if whole, a base.
"""

import re

# A backslash that starts none of Python's escapes stays in the string; doubled first, it spares the decoder's
# warning. One before a character that is not ASCII is left alone: that character is an escape by the time of
# decoding, and the two backslashes are one then, as in Jinja.
_lone_backslash = re.compile(r"(\\[\n\\'\"abfnrtvxuUN0-7]|\\[^\x00-\x7f])|\\", re.S)


def string(literal: str) -> tuple[str, str]:
    value = literal[1:-1]
    if "\\" in value:
        value = _lone_backslash.sub(lambda found: found[1] or "\\\\", value)
        try:
            value = value.encode("ascii", "backslashreplace").decode("unicode-escape")
        except UnicodeDecodeError as error:
            raise ValueError(f"this string has an escape that cannot be read: {error.reason}") from None
    return "STRING", value


def float_(literal: str) -> tuple[str, float]:
    return "FLOAT", float(literal.replace("_", ""))


def integer(literal: str) -> tuple[str, int]:
    try:
        return "INTEGER", int(literal.replace("_", ""), 0)
    except ValueError:
        raise ValueError("this number has too many digits") from None


def whole_name(text: str, start: int, end: int) -> tuple[str, int]:
    """The name at `start`, of which a regular expression found the part up to `end`, and its end. Python's
    identifiers also have marks that ``\\w`` leaves out, such as the vowel signs of Indic scripts."""
    while end < len(text) and text[end] > "\x7f" and f"a{text[end]}".isidentifier():
        end += 1
        while end < len(text) and (text[end].isalnum() or text[end] == "_"):
            end += 1
    return text[start:end], end
