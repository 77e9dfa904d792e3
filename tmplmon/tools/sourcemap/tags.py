"""The start tags of an HTML page, as a browser finds them.

Rule: this is the tokenizer of the HTML standard (13.2.5), reduced to what determines the boundaries of tags. What a
browser treats as text is not a tag: comments, the contents of `script`, `style`, `textarea`, `title` and the like,
quoted attribute values. Inside SVG and MathML the result depends on the element tree, which is not built here: at a
place that is ambiguous without it, the search for tags ends.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

# Elements whose content is text up to their end tag, in a browser that runs scripts. `plaintext` has no end tag.
_TEXT_ELEMENTS = frozenset(
    ("iframe", "noembed", "noframes", "noscript", "plaintext", "script", "style", "textarea", "title", "xmp")
)
_FOREIGN = frozenset(("math", "svg"))

_NAME = re.compile(r"[a-zA-Z][^\t\n\f\r />]*")
# The rest of a tag after its name: whitespace and slashes, attributes with or without a value.
_VALUE = r"""(?: "[^"]*" | '[^']*' | [^\t\n\f\r\ >"'][^\t\n\f\r\ >]* | (?=>) )"""
_ATTRIBUTES = re.compile(
    rf"""(?:
        [\t\n\f\r\ /]+
        | (?: = [^\t\n\f\r\ />=]*+ | [^\t\n\f\r\ />=]++ )
          (?: [\t\n\f\r\ ]*+ = [\t\n\f\r\ ]*+ {_VALUE} | (?! [\t\n\f\r\ ]*+ = ) )
    )*+""",
    re.VERBOSE,
)
_SCRIPT = re.compile(r"<!--|-->|</?script(?=[\t\n\f\r />])", re.IGNORECASE)


class Tag(NamedTuple):
    """A tag. `start`: offset of its `<`. `name_end`: offset after its name. `end`: offset after its `>`. `name`: in
    lower case, with a leading slash for an end tag."""

    start: int
    name_end: int
    end: int
    name: str


class Tags:
    """The tags of a page, in order. Tags inside an unclosed tag or comment are not found.

    settled: after iterating, the length of the beginning of the page whose tags do not depend on what follows.
    """

    def __init__(self, page: str) -> None:
        self.page = page
        self.settled = 0

    def __iter__(self) -> Iterator[Tag]:
        page = self.page
        position = 0
        foreign: list[str] = []
        # Whether the construct that ends at `position` is complete, so that it did not end because the page did.
        complete = True
        while True:
            start = page.find("<", position)
            if not foreign and (complete or position < len(page)):
                self.settled = start if start >= 0 else len(page)
            if start < 0:
                return
            complete = False
            following = page[start + 1 : start + 2]
            if following.isascii() and (following.isalpha() or following == "/"):
                name_match = _NAME.match(page, start + 2 if following == "/" else start + 1)
                if name_match is None:
                    # `</` without a name: a bogus comment, or nothing.
                    position = _after(page, ">", start + 2)
                    continue
                attributes = _ATTRIBUTES.match(page, name_match.end())
                end = attributes.end() if attributes is not None else name_match.end()
                if page[end : end + 1] != ">":
                    return
                name = page[start + 1 : name_match.end()].lower()
                yield Tag(start, name_match.end(), end + 1, name)
                position = end + 1
                closed = page[end - 1] == "/"
                complete = True
                if name in _FOREIGN and not closed:
                    foreign.append(name)
                elif foreign and name == f"/{foreign[-1]}":
                    foreign.pop()
                elif name in _TEXT_ELEMENTS and not (foreign and closed):
                    complete = False
                    begin, position = position, _text_end(page, position, name)
                    if foreign and "<" in page[begin:position]:
                        return
            elif following == "!":
                if foreign and page.startswith("<![CDATA[", start):
                    return
                position = _comment_end(page, start)
            elif following == "?":
                position = _after(page, ">", start)
            else:
                position = start + 1


def _after(page: str, end: str, position: int) -> int:
    """Return the offset after the next `end`; the length of the page if there is none."""
    start = page.find(end, position)
    return len(page) if start < 0 else start + len(end)


def _comment_end(page: str, start: int) -> int:
    if not page.startswith("<!--", start):
        return _after(page, ">", start)
    for short in ("<!-->", "<!--->"):
        if page.startswith(short, start):
            return start + len(short)
    return min(_after(page, "-->", start + 4), _after(page, "--!>", start + 4))


def _text_end(page: str, position: int, name: str) -> int:
    """Return the offset of the end tag of an element that contains text."""
    if name == "plaintext":
        return len(page)
    if name == "script":
        return _script_end(page, position)
    end = re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE).search(page, position)
    return len(page) if end is None else end.start()


def _script_end(page: str, position: int) -> int:
    """Return the offset of the end tag of a script. In `<!-- <script> … </script> -->` the end tag does not
    end it."""
    depth = 0  # 1 inside `<!--`, 2 inside `<script>` within that
    while (token := _SCRIPT.search(page, position)) is not None:
        position = token.end()
        kind = token.group().lower()
        if kind == "<!--":
            depth = depth or 1
            position -= 2  # `<!-->` both begins and ends a comment
        elif kind == "-->":
            depth = 0
        elif kind == "<script":
            depth = 2 if depth else 0
        elif depth == 2:
            depth = 1
        else:
            return token.start()
    return len(page)
