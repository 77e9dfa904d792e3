"""The engines, all with the same interface, so that the sections contain no names of engines.

Rule: an engine is used as its own documentation recommends for production (templates loaded once and cached, no
auto-reload, HTML autoescaping), and only through its public API. If it does not support something, it raises
`CannotExpress` with the reason, which the tables show. An engine that is not installed, or that cannot be imported,
is mentioned in a note.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from benchmarks.workloads import Context, Workload, sources, template_name

Render = Callable[[], str | bytes]
RenderWith = Callable[[Context], str | bytes]


class CannotExpress(Exception):
    """The engine does not support something; the message is the reason, in a few words."""


class Unavailable(Exception):
    """The engine is not installed or cannot be imported; the message names it and the reason."""


class Engine:
    """The interface of an engine. Subclasses implement what their engine supports.

    language: the folder in templates/. module: the module that a program imports. exact: whether the output
    must equal Jinja2's to the byte (except for the spelling of entities); for other engines whitespace
    between words and tags may differ, because their tags leave other newlines. quotes_raw_in_text: for an
    engine that does not escape quotes in text (outside attributes), which is safe in HTML.
    """

    name: str
    language: str
    module: str
    exact = False
    quotes_raw_in_text = False
    reasons: Mapping[str, str] = MappingProxyType({})  # workload name -> why it cannot be expressed

    @property
    def import_line(self) -> str:
        """The import statement of a program that uses the engine."""
        return f"import {self.module}"

    def version(self) -> str:
        """Return the installed version."""
        from importlib.metadata import version

        return version(self.module.partition(".")[0])

    def setup(self, workload: Workload, context: Context) -> Render:
        """Load the workload's template, and return the function that is timed: one complete rendering."""
        return self.prepare(self.file(workload), context)

    def file(self, workload: Workload) -> str:
        """Return the name of the workload's template file. Raises CannotExpress if there is none."""
        name = template_name(self.language, workload)
        if name is None:
            raise CannotExpress(self.reasons.get(workload.name.removesuffix("_inline"), "no template"))
        return name

    def sources(self) -> dict[str, str]:
        return sources(self.language)

    def prepare(self, name: str, context: Context) -> Render:
        raise NotImplementedError

    def compile(self, source: str) -> RenderWith:
        """Compile a source without any cache, and return its render function."""
        raise CannotExpress("no compile step")

    def stream(self, name: str, context: Context, mode: str) -> Iterable[str]:
        """Yield the chunks of the output, from the engine's method `mode`, ``generate`` or ``stream``."""
        raise CannotExpress(f"no {mode}()")

    def script(self, templates: Path, cache: Path | None, pages: Sequence[tuple[str, Context]]) -> str:
        """Return a program for ``python -c``: imports, loads `pages` from the folder `templates`, renders
        each once."""
        raise CannotExpress("no templates on disk")


class _Factory(Protocol):
    def __call__(self) -> Engine: ...


_TABLE = {
    "jinja2": ("benchmarks.engines.jinja_family", "Jinja2Engine"),
    "tmplmon": ("benchmarks.engines.jinja_family", "TmplmonEngine"),
    "minijinja": ("benchmarks.engines.minijinja_engine", "MinijinjaEngine"),
    "mako": ("benchmarks.engines.mako_engine", "MakoEngine"),
    "chameleon": ("benchmarks.engines.chameleon_engine", "ChameleonEngine"),
    "django": ("benchmarks.engines.django_engine", "DjangoEngine"),
    "tornado": ("benchmarks.engines.tornado_engine", "TornadoEngine"),
    "handwritten": ("benchmarks.engines.handwritten", "HandwrittenEngine"),
}
NAMES = tuple(_TABLE)
"""All engines, in the order of the columns. Ratios refer to the first one."""
REFERENCE = NAMES[0]


def load(name: str) -> Engine:
    """Import and create an engine. Raises `Unavailable`."""
    module, cls = _TABLE[name]
    try:
        factory: _Factory = getattr(importlib.import_module(module), cls)
        return factory()
    except ImportError as error:
        raise Unavailable(f"{name}: skipped ({error})") from error


def load_all(names: Sequence[str]) -> tuple[dict[str, Engine], list[str]]:
    """Return the available engines, and a note for each of the others."""
    engines: dict[str, Engine] = {}
    notes: list[str] = []
    for name in names:
        try:
            engines[name] = load(name)
        except Unavailable as missing:
            notes.append(str(missing))
    return engines, notes
