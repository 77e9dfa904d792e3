"""The engines, each behind one small protocol, so that the sections know none of them by name.

The rule: an engine is used the way its own documentation says to use it in production (templates loaded
once and cached, no auto-reload, HTML autoescaping on) and through its public API only. Whatever it cannot do
it says by raising `CannotExpress` with the reason, which the tables print; an engine that is not installed,
or that cannot be imported, is a note under the table.
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
    """The engine has no way to say this; the message is the reason, in a few words."""


class Unavailable(Exception):
    """The engine is not installed (or does not import); the message says which and why."""


class Engine:
    """What the sections ask of an engine. Subclasses fill in what their engine has.

    `language` is the folder under templates/. `module` is what a program imports to use the engine.
    `exact` says the output must equal Jinja2's to the byte (but for the spelling of entities); the others
    may differ in white space between words and tags, since their tags leave other line ends behind.
    `quotes_raw_in_text` is for an engine that leaves quotes in text (not in attributes) as they are: safe in
    HTML.
    """

    name: str
    language: str
    module: str
    exact = False
    quotes_raw_in_text = False
    reasons: Mapping[str, str] = MappingProxyType({})  # workload name -> why it cannot be expressed

    @property
    def import_line(self) -> str:
        """What a program that uses the engine imports."""
        return f"import {self.module}"

    def version(self) -> str:
        """The installed version, for the table's heading."""
        from importlib.metadata import version

        return version(self.module.partition(".")[0])

    def setup(self, workload: Workload, context: Context) -> Render:
        """Load the workload's template and return the callable that is timed: one whole rendering."""
        return self.prepare(self.file(workload), context)

    def file(self, workload: Workload) -> str:
        """The name of the workload's template file in this engine's language."""
        name = template_name(self.language, workload)
        if name is None:
            raise CannotExpress(self.reasons.get(workload.name.removesuffix("_inline"), "no template"))
        return name

    def sources(self) -> dict[str, str]:
        return sources(self.language)

    def prepare(self, name: str, context: Context) -> Render:
        raise NotImplementedError

    def compile(self, source: str) -> RenderWith:
        """Source to a ready template, nothing cached between calls. Returns what renders it."""
        raise CannotExpress("no compile step")

    def stream(self, name: str, context: Context, mode: str) -> Iterable[str]:
        """The output's pieces, by the engine's ``generate``, or its ``stream``, as `mode` says."""
        raise CannotExpress(f"no {mode}()")

    def script(self, templates: Path, cache: Path | None, pages: Sequence[tuple[str, Context]]) -> str:
        """A program for ``python -c``: import, load `pages` from the folder `templates`, render each once."""
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
"""Every engine, in the order of the columns. The first is the one that ratios refer to."""
REFERENCE = NAMES[0]


def load(name: str) -> Engine:
    """Import and make one engine; raises `Unavailable`."""
    module, cls = _TABLE[name]
    try:
        factory: _Factory = getattr(importlib.import_module(module), cls)
        return factory()
    except ImportError as error:
        raise Unavailable(f"{name}: skipped ({error})") from error


def load_all(names: Sequence[str]) -> tuple[dict[str, Engine], list[str]]:
    """The engines that are there, and one note for each that is not."""
    engines: dict[str, Engine] = {}
    notes: list[str] = []
    for name in names:
        try:
            engines[name] = load(name)
        except Unavailable as missing:
            notes.append(str(missing))
    return engines, notes
