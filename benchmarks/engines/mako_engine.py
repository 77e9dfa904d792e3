"""Mako, with its own ``h`` filter (markupsafe's escape) on every expression."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mako.lookup import TemplateLookup
from mako.template import Template

from benchmarks.engines import Engine, Render, RenderWith
from benchmarks.workloads import Context

_SCRIPT = """\
from mako.lookup import TemplateLookup
lookup = TemplateLookup([{templates!r}], module_directory={cache!r}, default_filters=['h'],
                        filesystem_checks=False)
for name, context in {pages!r}:
    lookup.get_template(name).render(**context)
"""


class MakoEngine(Engine):
    name = "mako"
    language = "mako"
    module = "mako"

    @property
    def import_line(self) -> str:
        return "from mako.lookup import TemplateLookup"

    def __init__(self) -> None:
        # Only `h`: markupsafe.escape converts any value to a string, so `str` before it would be useless.
        self._lookup = TemplateLookup(default_filters=["h"], filesystem_checks=False)
        for name, source in self.sources().items():
            self._lookup.put_string(name, source)

    def prepare(self, name: str, context: Context) -> Render:
        render = self._lookup.get_template(name).render
        return lambda: render(**context)

    def compile(self, source: str) -> RenderWith:
        template = Template(source, default_filters=["h"])
        return lambda context: template.render(**context)

    def script(self, templates: Path, cache: Path | None, pages: Sequence[tuple[str, Context]]) -> str:
        return _SCRIPT.format(templates=str(templates), cache=cache and str(cache), pages=list(pages))
