"""Filters that take a text and give a text.

Rule: an exact `str` takes the first line of each filter; anything else is made a text there as `soft_str`
does, which keeps markup as markup.
"""

import re
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, soft_str

from tmplmon.errors import FilterArgumentError
from tmplmon.runtime.html import escape, mark
from tmplmon.runtime.markers import pass_environment, pass_eval_context

if TYPE_CHECKING:
    from tmplmon.environment import Environment

# A word for `title` begins after white space, a hyphen or an opening bracket, but not after an apostrophe.
_WORD_STARTS = re.compile(r"([-\s({\[<]+)")
_WORD = re.compile(r"\w+")


def do_upper(s: Any) -> str:
    """Make all letters capital."""
    return s.upper() if type(s) is str else soft_str(s).upper()


def do_lower(s: Any) -> str:
    """Make all letters small."""
    return s.lower() if type(s) is str else soft_str(s).lower()


def do_capitalize(s: Any) -> str:
    """Make the first letter capital and all others small."""
    return s.capitalize() if type(s) is str else soft_str(s).capitalize()


def do_title(s: Any) -> str:
    """Make the first letter of each word capital and all others small. The result is never markup."""
    text = s if type(s) is str else soft_str(s)
    pieces = _WORD_STARTS.split(text)
    if text.isascii():
        return "".join(map(str.capitalize, pieces))
    # Outside ASCII a capital may not be a title-case letter (`ǆ`), and a letter depends on others (`ς`).
    return "".join([piece[0].upper() + piece[1:].lower() for piece in pieces if piece])


def do_center(value: Any, width: int = 80) -> str:
    """Put spaces on both sides of the text.

    width: length of the result, in characters.
    """
    return value.center(width) if type(value) is str else soft_str(value).center(width)


def do_trim(value: Any, chars: str | None = None) -> str:
    """Take characters off both ends.

    chars: which characters; by default white space.
    """
    return value.strip(chars) if type(value) is str else soft_str(value).strip(chars)


def do_string(s: Any) -> str:
    """Make a text of the value; markup stays markup."""
    return s if isinstance(s, str) else str(s)


@pass_eval_context
def do_replace(eval_ctx: Any, s: Any, old: Any, new: Any, count: int | None = None) -> str:
    """Put a text in the place of another.

    old: the text to look for.
    new: the text to put there.
    count: how many to replace, from the left; by default all.

    With autoescaping, a plain text that meets markup is escaped.
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
    """Fill a printf-style format: `"%s, %s!"|format(greeting, name)`.

    args, kwargs: the values, by position or by name; not both.
    """
    if args and kwargs:
        raise FilterArgumentError("format takes its values by position or by name, not both at the same time")
    return (value if type(value) is str else soft_str(value)) % (kwargs or args)


def do_indent(s: Any, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    """Indent the lines of a text, except the first and those that are blank.

    width: number of spaces, or the text to indent by.
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
    # The added newline keeps what follows the last one, nothing included, a line.
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

    length: the most the result may have, in characters, `end` included.
    killwords: cut inside a word.
    end: what shows that something was cut off.
    leeway: how many characters too many are left alone; by default the policy `truncate.leeway`.
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
    """Break lines that are too long; line breaks that are there stay.

    width: length of a line, in characters.
    break_long_words: break a word that is longer than a line.
    wrapstring: what a line ends in; by default the environment's `newline_sequence`.
    break_on_hyphens: a line may end after a hyphen.
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
            # A line that fits is itself, unless it ends in white space, which wrapping drops.
            line
            if 0 < len(line) <= width and type(line) is str and not line[-1].isspace()
            else wrapstring.join(wrap(line))
            for line in s.splitlines()
        ]
    )


def do_wordcount(s: Any) -> int:
    """Count the words of a text: runs of letters, digits and underscores."""
    return len(_WORD.findall(s if type(s) is str else soft_str(s)))
