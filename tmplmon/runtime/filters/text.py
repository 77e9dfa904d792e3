"""Filters from text to text.

Rule: the first line of each filter handles an exact `str`. It converts any other value with `soft_str`, which keeps
markup as markup.
"""

import re
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, soft_str

from tmplmon.errors import FilterArgumentError
from tmplmon.runtime.html import escape, mark
from tmplmon.runtime.markers import pass_environment, pass_eval_context

if TYPE_CHECKING:
    from tmplmon.environment import Environment

# For `title`, a word begins after white space, a hyphen or an opening bracket, but not after an apostrophe.
_WORD_STARTS = re.compile(r"([-\s({\[<]+)")
_WORD = re.compile(r"\w+")


def do_upper(s: Any) -> str:
    """Convert all letters to upper case."""
    return s.upper() if type(s) is str else soft_str(s).upper()


def do_lower(s: Any) -> str:
    """Convert all letters to lower case."""
    return s.lower() if type(s) is str else soft_str(s).lower()


def do_capitalize(s: Any) -> str:
    """Convert the first letter to upper case and all others to lower case."""
    return s.capitalize() if type(s) is str else soft_str(s).capitalize()


def do_title(s: Any) -> str:
    """Convert the first letter of each word to upper case and all others to lower case. The result is not
    markup."""
    text = s if type(s) is str else soft_str(s)
    parts = _WORD_STARTS.split(text)
    if text.isascii():
        return "".join(map(str.capitalize, parts))
    # Outside ASCII, upper case may differ from title case (`ǆ`), and lower case depends on the context (`ς`).
    return "".join([part[0].upper() + part[1:].lower() for part in parts if part])


def do_center(value: Any, width: int = 80) -> str:
    """Center the text by spaces on both sides.

    width: the length of the result, in characters.
    """
    return value.center(width) if type(value) is str else soft_str(value).center(width)


def do_trim(value: Any, chars: str | None = None) -> str:
    """Remove characters from both ends.

    chars: the characters; by default white space.
    """
    return value.strip(chars) if type(value) is str else soft_str(value).strip(chars)


def do_string(s: Any) -> str:
    """Convert the value to a text. Markup remains markup."""
    return s if isinstance(s, str) else str(s)


@pass_eval_context
def do_replace(eval_ctx: Any, s: Any, old: Any, new: Any, count: int | None = None) -> str:
    """Replace a text by another one.

    old: the text to replace.
    new: the text that replaces it.
    count: the maximum number of replacements, from the left; by default all are replaced.

    With autoescaping, if one of the texts is markup, the others are escaped.
    """
    if count is None:
        count = -1
    if type(s) is str and type(old) is str and type(new) is str:
        return s.replace(old, new, count)
    if not eval_ctx.autoescape:
        return str(s).replace(str(old), str(new), count)
    text_is_html = hasattr(s, "__html__")
    if hasattr(old, "__html__") or (hasattr(new, "__html__") and not text_is_html):
        text: str = escape(s)
    else:
        text = soft_str(s)
    return text.replace(soft_str(old), soft_str(new), count)


def do_format(value: Any, *args: Any, **kwargs: Any) -> str:
    """Format values in the printf style: `"%s, %s!"|format(greeting, name)`.

    args, kwargs: the values, by position or by name.

    Raises FilterArgumentError if both are passed, and what `%` raises.
    """
    if args and kwargs:
        raise FilterArgumentError("format takes its values by position or by name, not both at the same time")
    return (value if type(value) is str else soft_str(value)) % (kwargs or args)


def do_indent(s: Any, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    """Indent the lines of a text, except the first line and blank lines.

    width: the number of spaces, or the text with which to indent.
    first: indent the first line too.
    blank: indent blank lines too.
    """
    indent = width if isinstance(width, str) else " " * width
    newline = "\n"
    if isinstance(s, Markup):
        if type(s) is Markup:
            return mark(do_indent(str(s), str(indent), first, blank))
        indent = Markup(indent)
        newline = Markup(newline)
    # With the added newline, the text after the last newline is a line even if it is empty.
    lines = (s + newline).splitlines()
    if blank:
        text: str = (newline + indent).join(lines)
    else:
        text = lines[0]
        if len(lines) > 1:
            text += newline + newline.join([indent + line if line else line for line in lines[1:]])
    return indent + text if first else text


@pass_environment
def do_truncate(
    env: Any,
    s: Any,
    length: int = 255,
    killwords: bool = False,
    end: str = "...",
    leeway: int | None = None,
) -> Any:
    """Shorten a text that is too long, at the end of a word.

    length: the maximum length of the result, in characters, including `end`.
    killwords: cut inside a word.
    end: the text that replaces the removed part.
    leeway: a text that exceeds `length` by at most this many characters is not shortened; by default the policy
        `truncate.leeway`.

    Raises AssertionError if `length` is less than the length of `end`, or `leeway` is negative.
    """
    allowed: int = env.policies["truncate.leeway"] if leeway is None else leeway
    if length < len(end):
        raise AssertionError(f"truncate: length {length} is less than the {len(end)} of {end!r}")
    if allowed < 0:
        raise AssertionError(f"truncate: leeway {allowed} is negative")
    if len(s) <= length + allowed:
        return s
    kept = s[: length - len(end)]
    if killwords:
        return kept + end
    if type(kept) is str:
        space = kept.rfind(" ")
        return (kept if space < 0 else kept[:space]) + end
    return kept.rsplit(" ", 1)[0] + end


@pass_environment
def do_wordwrap(
    environment: "Environment",
    s: Any,
    width: int = 79,
    break_long_words: bool = True,
    wrapstring: str | None = None,
    break_on_hyphens: bool = True,
) -> str:
    """Break lines that are too long. Existing line breaks are kept.

    width: the maximum length of a line, in characters.
    break_long_words: break words that are longer than a line.
    wrapstring: the line break; by default the environment's `newline_sequence`.
    break_on_hyphens: allow a line to end after a hyphen.
    """
    from textwrap import TextWrapper

    if wrapstring is None:
        wrapstring = environment.newline_sequence
    wrap = TextWrapper(
        width=width,
        expand_tabs=False,
        replace_whitespace=False,
        break_long_words=break_long_words,
        break_on_hyphens=break_on_hyphens,
    ).wrap
    return wrapstring.join(
        [
            # A line that fits is kept, unless it ends in white space, which wrapping removes.
            line
            if 0 < len(line) <= width and type(line) is str and not line[-1].isspace()
            else wrapstring.join(wrap(line))
            for line in s.splitlines()
        ]
    )


def do_wordcount(s: Any) -> int:
    """Return the number of words in a text: sequences of letters, digits and underscores."""
    return len(_WORD.findall(s if type(s) is str else soft_str(s)))
