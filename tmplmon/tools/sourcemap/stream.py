"""The source map of a page that is sent while it is rendered.

Rule: text is passed on as soon as its tags are certain. Only an incomplete tag, or a script without its end,
is held back. Start tags get their attributes from `<body>` on, so a fragment of a page is not changed. The
map comes last, so `</body>` is held back until the end of the page.

The chunks that the template produced are compared with the text that is sent. After the first difference the
text is not the template's, and has no places.
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
    """Inserts a map into a page that is sent in parts, in UTF-8: each part goes through `annotated`, and `rest`
    returns the end.

    chunks: the output of the template. A chunk is appended before its text is sent, and removed here once it
    has been compared. The other arguments are those of `PageMap`.
    """

    def __init__(self, chunks: list[str], environment: "Environment | None" = None, **options: Any) -> None:
        self._chunks = chunks
        self._map = _GrowingMap(environment, options)
        self._decode = getincrementaldecoder("utf-8")("surrogateescape").decode
        self._received = ""  # text that has not been compared with the chunks
        self._held_back = ""  # text that has been compared, but whose tags are not certain
        self._held_back_offset = 0  # the offset of `_held_back` in the page
        self._in_body = False
        self._has_ended = False  # whether </body> has been seen
        self._matches = True  # whether the text has been the template's so far

    def annotated(self, part: bytes) -> bytes:
        """Add a part of the page. Returns the text that can be sent now."""
        self._compare(self._decode(part))
        if self._has_ended:
            return b""
        tokenizer = Tags(self._held_back)
        tags = list(tokenizer)
        end = tokenizer.settled
        body = next((tag for tag in tags if tag.name == "/body" and tag.end <= end), None)
        if body is not None:
            end, self._has_ended = body.start, True
        return self._release([tag for tag in tags if tag.end <= end], end)

    def rest(self) -> bytes:
        """Return the end of the page, after all parts have been added."""
        self._compare(self._decode(b"", True))
        self._held_back += self._received
        self._map.add(self._received, [(len(self._received), None)])
        self._received = ""
        tags = list(Tags(self._held_back))
        body = next((tag for tag in reversed(tags) if tag.name == "/body"), None)
        return self._release(tags, len(self._held_back), body)

    def _compare(self, part: str) -> None:
        """Match the received text with the chunks of the template."""
        self._received += part
        position = 0
        while self._matches and position < len(self._received):
            if not self._chunks:
                self._matches = False
            elif self._received.startswith(self._chunks[0], position):
                chunk = self._chunks.pop(0)
                self._map.add(str(chunk), spans_of(chunk))
                position += len(chunk)
            elif self._chunks[0].startswith(self._received[position:]):
                break  # the part ends within a chunk
            else:
                self._matches = False
        if not self._matches:
            other = self._received[position:]
            self._map.add(other, [(len(other), None)])
            position = len(self._received)
        self._held_back += self._received[:position]
        self._received = self._received[position:]

    def _release(self, tags: list[Tag], end: int, script_before: Tag | None = None) -> bytes:
        """Return the text held back up to an offset, with attributes inserted, and the map before a tag."""
        insertions: list[tuple[int, str]] = []
        for tag in tags:
            self._in_body = self._in_body or tag.name == "body"
            if self._in_body:
                number = self._map.number(tag, self._held_back_offset)
                if number is not None:
                    insertions.append((tag.name_end, attribute(number)))
        if script_before is not None and self._map.elements:
            insertions = sorted([*insertions, (script_before.start, self._map.script())])
        text, self._held_back = self._held_back[:end], self._held_back[end:]
        self._held_back_offset += end
        return inserted(text, insertions).encode("utf-8", "surrogateescape")


class _GrowingMap(PageMap):
    """The map of the page so far. It stores the texts of the spans, not the page."""

    def __init__(self, environment: "Environment | None", options: dict[str, Any]) -> None:
        super().__init__("", environment, **options)
        self._texts: list[str] = []
        self._tags: list[Tag] = []  # pyright: ignore[reportIncompatibleVariableOverride]
        self._known = 0

    def add(self, text: str, spans: "tuple[Span, ...] | list[Span]") -> None:
        self._extend(spans)
        start = 0
        for length, _ in spans:
            self._texts.append(text[start : start + length])
            start += length

    def number(self, tag: Tag, offset: int) -> int | None:
        """Add a tag. Returns the number of its element in the map, None if it has none.

        offset: the offset in the page of the text that the tag's own offsets refer to.
        """
        start = offset + tag.start
        self._tags.append(Tag(start, offset + tag.name_end, offset + tag.end, tag.name))
        if tag.name[0] == "/" or self.origin(start) is None:
            return None
        self._known += 1
        return self._known - 1

    def _text(self, number: int) -> str:
        return self._texts[number]
