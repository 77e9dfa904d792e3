"""Chameleon (TAL, METAL and ``${…}`` expressions), which escapes automatically.

It finds other templates by path, so its sources are written to a temporary folder. It has macros and slots, but an
overriding slot cannot use the content that it overrides, so the inheritance workload cannot be expressed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from chameleon import PageTemplate, PageTemplateLoader

from benchmarks.engines import Engine, Render, RenderWith
from benchmarks.workloads import Context

_SCRIPT = """\
{environ}
from chameleon import PageTemplateLoader
load = PageTemplateLoader({templates!r}, auto_reload=False)
for name, context in {pages!r}:
    load[name].render(**context)
"""


class ChameleonEngine(Engine):
    name = "chameleon"
    language = "chameleon"
    module = "chameleon"
    quotes_raw_in_text = True
    reasons = MappingProxyType({"inheritance": "slots, but no super()"})

    def __init__(self) -> None:
        self._folder = TemporaryDirectory()  # lives as long as the engine
        for name, source in self.sources().items():
            Path(self._folder.name, name).write_text(source, encoding="utf-8")
        self._load = PageTemplateLoader(self._folder.name, auto_reload=False)

    def prepare(self, name: str, context: Context) -> Render:
        render = self._load[name].render
        return lambda: render(**context)

    def compile(self, source: str) -> RenderWith:
        template = PageTemplate(source)
        return lambda context: template.render(**context)

    def script(self, templates: Path, cache: Path | None, pages: Sequence[tuple[str, Context]]) -> str:
        environ = "" if cache is None else f"import os; os.environ['CHAMELEON_CACHE'] = {str(cache)!r}"
        return _SCRIPT.format(environ=environ, templates=str(templates), pages=list(pages))
