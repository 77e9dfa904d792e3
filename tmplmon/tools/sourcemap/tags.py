"""The start tags of an HTML page, where a browser sees them.

Rule: this is the tokenizer of the HTML standard (13.2.5) with everything left out that does not move a tag's
boundary. What a browser takes for text is no tag: comments, the content of `script`, `style`, `textarea`, `title`
and the like, what stands in quotes inside a tag. Inside of SVG and MathML the answer depends on the tree, which is
not built here: what could be read in two ways there ends the tags that are found.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

# Elements whose content is text up to their end tag, for a browser that runs scripts. A `plaintext` has none.
_TEXT_ELEMENTS = frozenset(
    ("iframe", "noembed", "noframes", "noscript", "plaintext", "script", "style", "textarea", "title", "xmp")
)
_FOREIGN = frozenset(("math", "svg"))

_NAME = re.compile(r"[a-zA-Z][^\t\n\f\r />]*")
# What a tag has after its name: blanks and slashes, attributes with or without a value.
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
    """A tag. Offsets in the page: of its `<`, the end of its name, and behind its `>`. `name` is in small letters,
    with a slash before it if it is an end tag."""

    start: int
    name_end: int
    end: int
    name: str


class Tags:
    """The tags of a page, in order. What an unclosed tag or comment has swallowed has none.

    settled: once they have been read, the length of the page's beginning whose tags are the same whatever follows.
    """

    def __init__(self, page: str) -> None:
        self.page = page
        self.settled = 0

    def __iter__(self) -> Iterator[Tag]:
        page = self.page
        position = 0
        foreign: list[str] = []
        complete = (
            True  # Whether what ends at `position` does so of itself. If not, it may be the page that ends.
        )
        while True:
            start = page.find("<", position)
            if not foreign and (complete or position < len(page)):
                self.settled = start if start >= 0 else len(page)
            if start < 0:
                return
            complete = False
            following = page[start + 1 : start + 2]
            if following.isascii() and (following.isalpha() or following == "/"):
                named = _NAME.match(page, start + 2 if following == "/" else start + 1)
                if named is None:
                    # `</` that is no tag: a comment, or nothing.
                    position = _after(page, ">", start + 2)
                    continue
                attributes = _ATTRIBUTES.match(page, named.end())
                end = attributes.end() if attributes is not None else named.end()
                if page[end : end + 1] != ">":
                    return
                name = page[start + 1 : named.end()].lower()
                yield Tag(start, named.end(), end + 1, name)
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
    """The offset behind the next `end`; that of the page's end if there is none."""
    found = page.find(end, position)
    return len(page) if found < 0 else found + len(end)


def _comment_end(page: str, start: int) -> int:
    if not page.startswith("<!--", start):
        return _after(page, ">", start)
    for short in ("<!-->", "<!--->"):
        if page.startswith(short, start):
            return start + len(short)
    return min(_after(page, "-->", start + 4), _after(page, "--!>", start + 4))


def _text_end(page: str, position: int, name: str) -> int:
    """The offset of the end tag of an element that contains text."""
    if name == "plaintext":
        return len(page)
    if name == "script":
        return _script_end(page, position)
    end = re.compile(rf"</{name}(?=[\t\n\f\r />])", re.IGNORECASE).search(page, position)
    return len(page) if end is None else end.start()


def _script_end(page: str, position: int) -> int:
    """A script that writes a script: in `<!-- <script> … </script> -->`, the end tag does not end it."""
    depth = 0  # 1 inside `<!--`, 2 inside `<script>` in that.
    while (found := _SCRIPT.search(page, position)) is not None:
        position = found.end()
        kind = found.group().lower()
        if kind == "<!--":
            depth = depth or 1
            position -= 2  # `<!-->` is both.
        elif kind == "-->":
            depth = 0
        elif kind == "<script":
            depth = 2 if depth else 0
        elif depth == 2:
            depth = 1
        else:
            return found.start()
    return len(page)
