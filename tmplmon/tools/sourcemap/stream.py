"""The source map of a page that is sent while it is made.

Rule: text goes on as soon as its tags are certain. What is kept back is a tag that is not complete, or a script
that has no end yet. Start tags get their attributes from that of the `body` on: a part of a page has none, and
stays as it is. The map can only come last, so the end tag of the body waits for the end of the page.

The pieces that a template has made are compared with what is sent. From the first difference on that is another's,
and has no places.
"""

from codecs import getincrementaldecoder
from typing import TYPE_CHECKING, Any

from tmplmon.runtime.origins import spans_of
from tmplmon.tools.sourcemap.pagemap import PageMap, attribute, inserted
from tmplmon.tools.sourcemap.tags import Tag, Tags

if TYPE_CHECKING:
    from tmplmon import Environment
    from tmplmon.runtime.origins import Span


class PageStream:
    """Puts a map into a page that is sent in parts, in UTF-8: each goes through `annotated`, and `rest` gives what
    comes last.

    pieces: the output of the template, as it is made; what has been seen of it is taken out. Each piece is there
    before its text is sent. The other arguments are those of `PageMap`.
    """

    def __init__(self, pieces: list[str], environment: "Environment | None" = None, **options: Any) -> None:
        self._pieces = pieces
        self._map = _GrowingMap(environment, options)
        self._decode = getincrementaldecoder("utf-8")("surrogateescape").decode
        self._arrived = ""  # What has not been compared with the pieces.
        self._waiting = ""  # What has been, and its tags are not certain.
        self._waits_from = 0
        self._in_body = False
        self._ends = False  # Whether the body's end tag has come.
        self._same = True

    def annotated(self, part: bytes) -> bytes:
        """What can be sent, now that there is another part of the page."""
        self._compare(self._decode(part))
        if self._ends:
            return b""
        tags = Tags(self._waiting)
        found = list(tags)
        end = tags.settled
        body = next((tag for tag in found if tag.name == "/body" and tag.end <= end), None)
        if body is not None:
            end, self._ends = body.start, True
        return self._sent([tag for tag in found if tag.end <= end], end)

    def rest(self) -> bytes:
        """The end of the page, when all its parts have come."""
        self._compare(self._decode(b"", True))
        self._waiting += self._arrived
        self._map.add(self._arrived, [(len(self._arrived), None)])
        self._arrived = ""
        found = list(Tags(self._waiting))
        body = next((tag for tag in reversed(found) if tag.name == "/body"), None)
        return self._sent(found, len(self._waiting), body)

    def _compare(self, part: str) -> None:
        """Take the pieces whose text has come."""
        self._arrived += part
        position = 0
        while self._same and position < len(self._arrived):
            if not self._pieces:
                self._same = False
            elif self._arrived.startswith(self._pieces[0], position):
                piece = self._pieces.pop(0)
                self._map.add(str(piece), spans_of(piece))
                position += len(piece)
            elif self._pieces[0].startswith(self._arrived[position:]):
                break  # The part ends within a piece.
            else:
                self._same = False
        if not self._same:
            other = self._arrived[position:]
            self._map.add(other, [(len(other), None)])
            position = len(self._arrived)
        self._waiting += self._arrived[:position]
        self._arrived = self._arrived[position:]

    def _sent(self, found: list[Tag], end: int, script_before: Tag | None = None) -> bytes:
        """What waits up to an offset, with attributes in it, and with the map before a tag."""
        insertions: list[tuple[int, str]] = []
        for tag in found:
            self._in_body = self._in_body or tag.name == "body"
            if self._in_body:
                number = self._map.number(tag, self._waits_from)
                if number is not None:
                    insertions.append((tag.name_end, attribute(number)))
        if script_before is not None and self._map.elements:
            insertions = sorted([*insertions, (script_before.start, self._map.script())])
        text, self._waiting = self._waiting[:end], self._waiting[end:]
        self._waits_from += end
        return inserted(text, insertions).encode("utf-8", "surrogateescape")


class _GrowingMap(PageMap):
    """The map of a page as far as it is known. It keeps the texts of spans, not the page."""

    def __init__(self, environment: "Environment | None", options: dict[str, Any]) -> None:
        super().__init__("", environment, **options)
        self._texts: list[str] = []
        self._tags: list[Tag] = []
        self._known = 0

    def add(self, text: str, spans: "tuple[Span, ...] | list[Span]") -> None:
        self._extend(spans)
        start = 0
        for length, _ in spans:
            self._texts.append(text[start : start + length])
            start += length

    def number(self, tag: Tag, offset: int) -> int | None:
        """Adds a tag. Gives the number that its element has in the map, None if it has none.

        offset: of the text in the page that the tag's own offsets are in.
        """
        start = offset + tag.start
        self._tags.append(Tag(start, offset + tag.name_end, offset + tag.end, tag.name))
        if tag.name[0] == "/" or self.origin(start) is None:
            return None
        self._known += 1
        return self._known - 1

    def _text(self, number: int) -> str:
        return self._texts[number]
