"""The source map of a page: for each element, the template line that produced it.

    page = environment.get_template("index.html").render()      # in an environment with `source_map`
    PageMap(page).annotated()                                   # the page, with the map and the overlay

Rule: the page gets an attribute after the name of each start tag, the number of the element in the map, and one
script before `</body>`. The contents of scripts, styles, comments and attributes are not touched. A page without
`</body>` is not changed: it is a fragment, or not HTML.

An element belongs to the chunk of output that contains its `<`. Values between that and the next tag are
recorded as well, so that `<td>{{ user.name }}</td>` knows the line of the tag and the columns of the
expression.
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
# The maximum number of values recorded per element: a table on one line has thousands between two tags.
_MAX_VALUES = 8

type MapPlace = tuple[int, int, int, int, str, int]
"""A place in the format of the overlay: number of the template, line, column and end column (-1 if unknown), label,
number of the place from which it was included or called (-1 for none)."""


class PageMap:
    """The map of a page.

    page: the output of an environment with `source_map`, or any text with its `spans`.
    environment: finds the templates' sources; without it, the map has only what the page itself contains.
    coverage: tells which lines have run.
    editor: the URL that opens a file in an editor, with `{file}` and `{line}`, such as
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
        self._places: dict[MapPlace, int] = {}

    def _extend(self, spans: "Iterable[Span]") -> None:
        for span in spans:
            self._spans.append(span)
            self._starts.append(self._length)
            self._length += span[0]

    # --- places --------------------------------------------------------------------------------------------

    def origin(self, offset: int) -> "tuple[Origin, int, int] | None":
        """Return the origin of the character at an offset, with its line and column (for template text 0-based, in
        characters); None if unknown."""
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
        leading = len(text) - len(text.lstrip())
        before = text[: offset - start]
        line = origin.line + before.count("\n") - text[:leading].count("\n")
        if line == origin.line:
            return origin, line, max(0, origin.column + len(before) - leading)
        return origin, line, len(before) - before.rfind("\n") - 1

    def _text(self, number: int) -> str:
        """The text of a span."""
        start = self._starts[number]
        return self.page[start : start + self._spans[number][0]]

    def _template(self, name: str | None, file: str) -> int:
        return self._templates.setdefault((name, file), len(self._templates))

    def _chain_place(self, chain: "tuple[Step, ...]") -> int:
        """Return the number of the last place of an include chain."""
        parent = -1
        for step in chain:
            place = (self._template(step.template, step.file), step.line, -1, -1, step.label, parent)
            parent = self._places.setdefault(place, len(self._places))
        return parent

    def _place(self, offset: int) -> int | None:
        located = self.origin(offset)
        if located is None:
            return None
        origin, line, column = located
        end = origin.end_column if not origin.literal else -1
        template = self._template(origin.template, origin.file)
        place = (template, line, column, end, origin.label, self._chain_place(origin.chain))
        return self._places.setdefault(place, len(self._places))

    # --- elements ------------------------------------------------------------------------------------------

    @cached_property
    def _tags(self) -> list[Tag]:
        return list(Tags(self.page))

    @cached_property
    def elements(self) -> list[tuple[int, list[int]]]:
        """(offset after the tag's name, numbers of its places) for each known element; the tag's own place
        first."""
        elements: list[tuple[int, list[int]]] = []
        for tag, following in zip_longest(self._tags, self._tags[1:]):
            end = self._length if following is None else following.start
            place = self._place(tag.start) if tag.name[0] != "/" else None
            if place is not None:
                elements.append((tag.name_end, [place, *self._values(tag.start, end, place)]))
        return elements

    def _values(self, start: int, end: int, place: int) -> list[int]:
        """Return the places of the values between two offsets."""
        number = bisect_right(self._starts, start)
        places: dict[int, None] = {}
        while number < len(self._starts) and self._starts[number] < end and len(places) < _MAX_VALUES:
            length, origin = self._spans[number]
            if length and origin is not None and not origin.literal:
                value = self._place(self._starts[number])
                if value is not None and value != place:
                    places[value] = None
            number += 1
        return list(places)

    # --- the result ----------------------------------------------------------------------------------------

    def data(self) -> dict[str, Any]:
        """Return the map as JSON data: `templates` (see `_template_data`), `places` (see `MapPlace`),
        `elements` (the places of each element, indexed by its attribute), `editor`."""
        elements = [places for _, places in self.elements]
        return {
            "templates": [self._template_data(name, file) for name, file in self._templates],
            "places": list(self._places),
            "elements": elements,
            "editor": self.editor,
        }

    def _template_data(self, name: str | None, file: str) -> dict[str, Any]:
        """A template: its `name`, `file` and `lines`; its `executable` lines; those that have `run`; and `further`:
        line → first line of the statement or text that it continues."""
        linecache.checkcache(file)
        lines = [line.rstrip("\n") for line in linecache.getlines(file)]
        executable: list[int] = []
        further: dict[int, int] = {}
        if self.environment is not None and name is not None:
            try:
                template = self.environment.get_template(name)
            except Exception:
                pass  # the template was removed or broken after the page was rendered
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
        """Return the page with the map and the overlay inserted."""
        body = next((tag for tag in reversed(self._tags) if tag.name == "/body"), None)
        if body is None or not self.elements:
            return str(self.page)
        attributes = [(offset, attribute(number)) for number, (offset, _) in enumerate(self.elements)]
        return inserted(str(self.page), sorted([*attributes, (body.start, self.script())]))

    def script(self) -> str:
        """Return the overlay as a script element that calls its function with the map."""
        # `<` would end the element, or begin a comment, inside it.
        data = json.dumps(self.data(), separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
        program = files(__package__).joinpath("overlay.js").read_text("utf-8")
        return f'<script id="tmplmon-map">(\n{program})({data})</script>'


def attribute(number: int) -> str:
    """Return the attribute for the start tag of the element with this number in the map."""
    return f' {ATTRIBUTE}="{number}"'


def inserted(text: str, insertions: list[tuple[int, str]]) -> str:
    """Return a text with others inserted, each at its offset. The insertions are in order."""
    chunks: list[str] = []
    position = 0
    for offset, insertion in insertions:
        chunks += (text[position:offset], insertion)
        position = offset
    chunks.append(text[position:])
    return "".join(chunks)


@lru_cache(200)
def _further(environment: "Environment", source: str, name: str) -> dict[int, int]:
    """`CodeMap.further` of a template. Computing it takes as long as compiling, so the maps of a site are
    cached."""
    return code_map(environment, source, name).further


def annotate(page: str, environment: "Environment | None" = None, **options: Any) -> str:
    """Return a page with its source map and the overlay; a text without a map unchanged. options: see `PageMap`."""
    if not hasattr(page, "spans"):
        return page
    return PageMap(page, environment, **options).annotated()
