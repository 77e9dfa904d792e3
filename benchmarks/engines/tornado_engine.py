"""Tornado's templates. They render to UTF-8 bytes, which are decoded only for the check, not when timing.

Tornado has blocks, but an overriding block cannot call the one that it overrides; it has no macros.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType

from tornado.template import DictLoader, Template

from benchmarks.engines import CannotExpress, Engine, Render, RenderWith
from benchmarks.workloads import Context

_SCRIPT = """\
from tornado.template import Loader
loader = Loader({templates!r})
for name, context in {pages!r}:
    loader.load(name).generate(**context)
"""


class TornadoEngine(Engine):
    name = "tornado"
    language = "tornado"
    module = "tornado"
    reasons = MappingProxyType({"inheritance": "blocks, but no super()", "macro": "no macros"})

    @property
    def import_line(self) -> str:
        return "from tornado.template import Loader"

    def __init__(self) -> None:
        self._loader = DictLoader(self.sources(), autoescape="xhtml_escape", whitespace="all")

    def prepare(self, name: str, context: Context) -> Render:
        generate = self._loader.load(name).generate
        return lambda: generate(**context)

    def compile(self, source: str) -> RenderWith:
        template = Template(source, name="compiled.html", whitespace="all")
        return lambda context: template.generate(**context)

    def script(self, templates: Path, cache: Path | None, pages: Sequence[tuple[str, Context]]) -> str:
        if cache is not None:
            raise CannotExpress("no disk cache")
        return _SCRIPT.format(templates=str(templates), pages=list(pages))
