"""The source map of a page: which line of which template made each of its elements.

    page = environment.get_template("index.html").render()      # in an environment with `source_map`
    PageMap(page).annotated()                                   # the page, with the map and the overlay in it

Rule: a page is not changed but for one attribute behind the name of each start tag, whose number is the element's
in the map, and one script before `</body>`. Nothing inside scripts, styles, comments or attributes is touched, and
a page without `</body>` is left as it is: it is a part of one, or no HTML.

An element belongs to the piece of output that its `<` is in. With it go the values between that and the next tag,
so that `<td>{{ user.name }}</td>` knows the line of the tag and the columns of the expression.
"""

import json
import linecache
from bisect import bisect_right
from collections.abc import Iterable
from functools import cached_property, lru_cache
from importlib.resources import files
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from tmplmon import code_map
from tmplmon.monitoring import split_lines
from tmplmon.tools.sourcemap.tags import Tag, Tags

if TYPE_CHECKING:
    from tmplmon import Environment
    from tmplmon.runtime.origins import Origin, Span, Step
    from tmplmon.tools.livecoverage import LiveCoverage

ATTRIBUTE = "data-tmplmon"
# Of the values in an element, so many at most: a table written in one line has thousands between two tags.
_MOST_VALUES = 8

type Place = tuple[int, int, int, int, str, int]
"""A place as the overlay gets it: number of the template, line, column and end column (-1 if not known), label,
number of the place that led there (-1 for none)."""


class PageMap:
    """The map of a page.

    page: text that an environment with `source_map` has rendered, or any text with its `spans`.
    environment: where the templates' sources are; without it only what the page itself tells is known.
    coverage: which of their lines have run.
    editor: the address that opens a file in an editor, with `{file}` and `{line}`, as
        `vscode://file/{file}:{line}`.
    """

    def __init__(
        self,
        page: str,
        environment: "Environment | None" = None,
        coverage: "LiveCoverage | None" = None,
        editor: str | None = None,
        spans: "tuple[Span, ...] | None" = None,
    ) -> None:
        self.page = page
        self.environment = environment
        self.coverage = coverage
        self.editor = editor
        self._spans: list[Span] = []
        self._starts: list[int] = []
        self._length = 0
        self._extend(getattr(page, "spans", ()) if spans is None else spans)
        self._templates: dict[tuple[str | None, str], int] = {}
        self._places: dict[Place, int] = {}

    def _extend(self, spans: "Iterable[Span]") -> None:
        for span in spans:
            self._spans.append(span)
            self._starts.append(self._length)
            self._length += span[0]

    # --- places --------------------------------------------------------------------------------------------

    def origin(self, offset: int) -> "tuple[Origin, int, int] | None":
        """Where the character at an offset comes from, with its line and column (0-based, in characters for text
        of a template); None if it is not known."""
        number = bisect_right(self._starts, offset) - 1
        if number < 0:
            return None
        length, origin = self._spans[number]
        if origin is None or offset >= self._starts[number] + length:
            return None
        if not origin.literal:
            return origin, origin.line, origin.column
        start = self._starts[number]
        text = self._text(number)
        blank = len(text) - len(text.lstrip())
        before = text[: offset - start]
        line = origin.line + before.count("\n") - text[:blank].count("\n")
        if line == origin.line:
            return origin, line, max(0, origin.column + len(before) - blank)
        return origin, line, len(before) - before.rfind("\n") - 1

    def _text(self, number: int) -> str:
        """The text of a span."""
        start = self._starts[number]
        return self.page[start : start + self._spans[number][0]]

    def _template(self, name: str | None, file: str) -> int:
        return self._templates.setdefault((name, file), len(self._templates))

    def _step(self, chain: "tuple[Step, ...]") -> int:
        """The number of the last of the places that led somewhere."""
        before = -1
        for step in chain:
            place = (self._template(step.template, step.file), step.line, -1, -1, step.label, before)
            before = self._places.setdefault(place, len(self._places))
        return before

    def _place(self, offset: int) -> int | None:
        found = self.origin(offset)
        if found is None:
            return None
        origin, line, column = found
        end = origin.end_column if not origin.literal else -1
        template = self._template(origin.template, origin.file)
        place = (template, line, column, end, origin.label, self._step(origin.chain))
        return self._places.setdefault(place, len(self._places))

    # --- elements ------------------------------------------------------------------------------------------

    @cached_property
    def _tags(self) -> list[Tag]:
        return list(Tags(self.page))

    @cached_property
    def elements(self) -> list[tuple[int, list[int]]]:
        """(offset behind the tag's name, its places) of each element that is known; the tag's place comes first."""
        found: list[tuple[int, list[int]]] = []
        for tag, following in zip_longest(self._tags, self._tags[1:]):
            end = self._length if following is None else following.start
            place = self._place(tag.start) if tag.name[0] != "/" else None
            if place is not None:
                found.append((tag.name_end, [place, *self._values(tag.start, end, place)]))
        return found

    def _values(self, start: int, end: int, place: int) -> list[int]:
        """The places of values between two offsets."""
        number = bisect_right(self._starts, start)
        found: dict[int, None] = {}
        while number < len(self._starts) and self._starts[number] < end and len(found) < _MOST_VALUES:
            length, origin = self._spans[number]
            if length and origin is not None and not origin.literal:
                value = self._place(self._starts[number])
                if value is not None and value != place:
                    found[value] = None
            number += 1
        return list(found)

    # --- the result ----------------------------------------------------------------------------------------

    def data(self) -> dict[str, Any]:
        """The map as JSON has it: `templates` (see `_shown`), `places` (see `Place`), `elements` (places of each,
        by the number that its attribute has), `editor`."""
        elements = [places for _, places in self.elements]
        return {
            "templates": [self._shown(name, file) for name, file in self._templates],
            "places": list(self._places),
            "elements": elements,
            "editor": self.editor,
        }

    def _shown(self, name: str | None, file: str) -> dict[str, Any]:
        """A template: its `name`, `file` and `lines`, which of them are `executable`, which have `run`, which are
        `further` lines of which."""
        linecache.checkcache(file)
        lines = [line.rstrip("\n") for line in linecache.getlines(file)]
        executable: list[int] = []
        further: dict[int, int] = {}
        if self.environment is not None and name is not None:
            try:
                template = self.environment.get_template(name)
            except Exception:
                pass  # It has been removed, or broken, since the page was made.
            else:
                executable = [line for line, _ in template.debug_info]
                source = template.get_source("")
                lines = split_lines(source)
                further = _further(self.environment, source, name)
        ran = set() if self.coverage is None else self.coverage.lines.get(file, set())
        return {
            "name": name or "<template>",
            "file": None if file.startswith("<") else file,
            "lines": lines,
            "executable": executable,
            "further": further,
            "run": sorted(ran.intersection(executable)) if self.coverage is not None else None,
        }

    def annotated(self) -> str:
        """The page with the map and the overlay."""
        body = next((tag for tag in reversed(self._tags) if tag.name == "/body"), None)
        if body is None or not self.elements:
            return str(self.page)
        attributes = [(at, attribute(number)) for number, (at, _) in enumerate(self.elements)]
        return inserted(str(self.page), sorted([*attributes, (body.start, self.script())]))

    def script(self) -> str:
        """The map and the overlay, as elements of a page."""
        # `<` would end the element, or begin a comment, inside it.
        data = json.dumps(self.data(), separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
        program = files(__package__).joinpath("overlay.js").read_text("utf-8")
        return f'<script id="tmplmon-map" type="application/json">{data}</script><script>{program}</script>'


def attribute(number: int) -> str:
    """What the start tag of an element gets, by its number in the map."""
    return f' {ATTRIBUTE}="{number}"'


def inserted(text: str, insertions: list[tuple[int, str]]) -> str:
    """A text with others in it, each at its offset; they are in order."""
    pieces: list[str] = []
    position = 0
    for at, insertion in insertions:
        pieces += (text[position:at], insertion)
        position = at
    pieces.append(text[position:])
    return "".join(pieces)


@lru_cache(200)
def _further(environment: "Environment", source: str, name: str) -> dict[int, int]:
    """`CodeMap.further` of a template. It takes as long as compiling it, so those of a site are kept."""
    return code_map(environment, source, name).further


def annotate(page: str, environment: "Environment | None" = None, **options: Any) -> str:
    """A page with its source map and the overlay in it; text that has no map as it is. Options: see `PageMap`."""
    if not hasattr(page, "spans"):
        return page
    return PageMap(page, environment, **options).annotated()
