"""minijinja's Python binding (Rust): the same templates as Jinja2 and tmplmon."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from minijinja import Environment

from benchmarks.engines import CannotExpress, Engine, Render, RenderWith
from benchmarks.workloads import Context

_SCRIPT = """\
from pathlib import Path
from minijinja import Environment
env = Environment(loader=lambda name: (Path({templates!r}) / name).read_text('utf-8'),
                  trim_blocks=True, lstrip_blocks=True)
for name, context in {pages!r}:
    env.render_template(name, **context)
"""


class MinijinjaEngine(Engine):
    # HTML escaping is on by default for names that end in .html, as all of these do.
    name = "minijinja"
    language = "jinja"
    module = "minijinja"
    exact = True

    def __init__(self) -> None:
        self._env = Environment(templates=self.sources(), trim_blocks=True, lstrip_blocks=True)
        self._plain = Environment(trim_blocks=True, lstrip_blocks=True)

    def prepare(self, name: str, context: Context) -> Render:
        env = self._env
        return lambda: env.render_template(name, **context)

    def compile(self, source: str) -> RenderWith:
        env = self._plain
        env.add_template("compiled.html", source)
        return lambda context: env.render_template("compiled.html", **context)

    def script(self, templates: Path, cache: Path | None, pages: Sequence[tuple[str, Context]]) -> str:
        if cache is not None:
            raise CannotExpress("no disk cache")
        return _SCRIPT.format(templates=str(templates), pages=list(pages))
