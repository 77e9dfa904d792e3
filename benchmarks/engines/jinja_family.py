"""Jinja2 and tmplmon: one adapter for both, which only differ in the imported module.

Both get the files of templates/jinja/, the same options and a loader with all sources; the template is loaded once.
``auto_reload`` is off, as in production: otherwise Jinja2 would check the source of each included template on every
include.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.engines import CannotExpress, Engine, Render, RenderWith
from benchmarks.workloads import Context

OPTIONS = {"autoescape": True, "trim_blocks": True, "lstrip_blocks": True, "auto_reload": False}

_SCRIPT = """\
from {module} import Environment, FileSystemLoader{imports}
env = Environment(loader=FileSystemLoader({templates!r}), {cache}**{options!r})
for name, context in {pages!r}:
    env.get_template(name).render(**context)
"""


class _JinjaFamily(Engine):
    language = "jinja"
    exact = True

    def __init__(self) -> None:
        self._api: Any = importlib.import_module(self.module)
        for needed in ("Environment", "DictLoader", "FileSystemLoader"):
            if not hasattr(self._api, needed):
                raise ImportError(f"{self.module} has no {needed}")
        self._plain = self._environment({})
        self._env = self._environment(self.sources())

    @property
    def import_line(self) -> str:
        return f"from {self.module} import Environment, FileSystemLoader"

    def _environment(self, templates: dict[str, str]) -> Any:
        return self._api.Environment(loader=self._api.DictLoader(templates), **OPTIONS)

    def prepare(self, name: str, context: Context) -> Render:
        template = self._env.get_template(name)
        return lambda: template.render(**context)

    def compile(self, source: str) -> RenderWith:
        template = self._plain.from_string(source)
        return lambda context: template.render(**context)

    def stream(self, name: str, context: Context, mode: str) -> Iterable[str]:
        chunks: Iterable[str] = getattr(self._env.get_template(name), mode)(**context)
        return chunks

    def script(self, templates: Path, cache: Path | None, pages: Sequence[tuple[str, Context]]) -> str:
        imports, argument = "", ""
        if cache is not None:
            imports, argument = self._cache_code(str(cache))
        return _SCRIPT.format(
            module=self.module,
            imports=imports,
            templates=str(templates),
            cache=argument,
            options=OPTIONS,
            pages=list(pages),
        )

    def _cache_code(self, directory: str) -> tuple[str, str]:
        """Return code that enables the disk cache: further names to import, and an argument."""
        return ", FileSystemBytecodeCache", f"bytecode_cache=FileSystemBytecodeCache({directory!r}), "


class Jinja2Engine(_JinjaFamily):
    name = "jinja2"
    module = "jinja2"


class TmplmonEngine(_JinjaFamily):
    name = "tmplmon"
    module = "tmplmon"

    def _cache_code(self, directory: str) -> tuple[str, str]:
        # The argument `cache_dir` needs no import.
        parameters = inspect.signature(self._api.Environment).parameters
        if "cache_dir" in parameters:
            return "", f"cache_dir={directory!r}, "
        if "bytecode_cache" in parameters:
            return super()._cache_code(directory)
        raise CannotExpress("no disk cache")
