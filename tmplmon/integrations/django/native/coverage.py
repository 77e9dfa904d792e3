"""The plugin for coverage.py: Django's own templates in its reports. The option ``django = true`` enables it.

Rule: what Django has parsed is what is counted. When the data of a measurement is read, the plugin adds to it
the lines and branches of each template that was rendered, and of those in the folders of Django's engines
that were not. Reports read them there.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from coverage import CoverageData, FileReporter
from coverage.plugin import CodeRegion

from tmplmon.integrations.django import native
from tmplmon.monitoring.coverage import LanguagePlugin, LanguageReporter, matching_lines
from tmplmon.tools.coverage.private import DJANGO, remember, remembered
from tmplmon.tools.coverage.search import selector

_ENDINGS = (".html", ".htm", ".xhtml", ".xml", ".txt")
"""The endings of templates that were not rendered, besides those of templates that were."""


class DjangoPlugin(LanguagePlugin):
    """The plugin. It observes Django's templates in the processes that coverage.py measures."""

    def __init__(self) -> None:
        super().__init__()
        self.data: CoverageData | None = None
        self._descriptions: dict[str, str] = {}
        self._descriptions_of: CoverageData | None = None

    def register(self, registry: Any) -> None:
        super().register(registry)
        native.install()

    def file_reporter(self, filename: str) -> FileReporter | str:
        return DjangoReporter(self.absolute(filename), self)

    def is_own(self, path: str) -> bool:
        return path in _rendered()

    def tag(self, data: CoverageData, name: str) -> None:
        self.data = data
        super().tag(data, name)
        measured = data.measured_files()
        structures = {self.recorded_as(path): structure for path, structure in _rendered().items()}
        self._remember(data, {file: each for file, each in structures.items() if file in measured})

    def touch(self, data: CoverageData, name: str) -> None:
        measured = data.measured_files()
        if not measured or data in self._touched:
            return
        self._touched.add(data)
        structures = {self.recorded_as(path): self._structure(path) for path in self.unmeasured_files()}
        known = {file: each for file, each in structures.items() if each is not None and file not in measured}
        data.touch_files(sorted(known), name)
        self._remember(data, known)

    def unmeasured_files(self) -> Iterable[str]:
        """Return the files that are to be measured in the folders of Django's engines."""
        is_selected = selector(self.config)
        return [path for path in sorted(self.template_files()) if is_selected(path)]

    def template_files(self) -> set[str]:
        """Return the absolute paths of all templates in the folders of Django's engines."""
        return set(self._templates)

    @property
    def _templates(self) -> dict[str, tuple[str, Any]]:
        """Absolute path → the template's name, and its loader."""
        endings = (*_ENDINGS, *{os.path.splitext(path)[1] for path in _rendered()} - {""})
        templates: dict[str, tuple[str, Any]] = {}
        for loader in _loaders():
            for folder in map(str, loader.get_dirs()):
                for parent, subfolders, names in os.walk(folder):
                    subfolders[:] = [each for each in subfolders if not each.startswith(".")]
                    for name in names:
                        if name.endswith(endings):
                            path = os.path.join(parent, name)
                            relative = os.path.relpath(path, folder).replace(os.sep, "/")
                            templates.setdefault(os.path.realpath(path), (relative, loader))
        return templates

    def _structure(self, path: str) -> Any:
        """Parse a template that was not rendered. Returns None, after a warning, if that is not possible."""
        from django.template import Origin, Template  # Django has been imported if it has loaders

        parts = importlib.import_module("tmplmon.integrations.django.native.parts")
        name, loader = self._templates[path]
        origin = Origin(name=path, template_name=name, loader=loader)
        try:
            template = Template(loader.get_contents(origin), origin, name, loader.engine)
            return parts.build(template.nodelist, origin, name, template.source)
        except Exception as error:
            self.warn(f"Couldn't parse the template {name!r}: {type(error).__name__}: {error}", path)
            return None

    def _remember(self, data: CoverageData, structures: dict[str, Any]) -> None:
        if structures:
            describe = importlib.import_module("tmplmon.integrations.django.native.structure").described
            remember(data, {file: describe(each) for file, each in structures.items()}, DJANGO)

    def description_of(self, path: str) -> dict[str, Any] | None:
        """Return the lines and branches of a template that the data has."""
        if self._descriptions_of is not self.data:
            texts = {} if self.data is None else remembered(self.data, DJANGO)
            self._descriptions = {self.absolute(file): text for file, text in texts.items()}
            self._descriptions_of = self.data
        text = self._descriptions.get(path)
        return None if text is None else json.loads(text)


class DjangoReporter(LanguageReporter):
    """Reports on a template."""

    plugin: DjangoPlugin

    @cached_property
    def _content(self) -> dict[str, Any]:
        content = self.plugin.description_of(self.filename)
        if content is None:
            raise self.leave_out(
                f"The data has no lines of the template {self.relative_filename()!r}: it was measured without the"
                " option [tmplmon] django"
            )
        return content

    @cached_property
    def _further(self) -> dict[int, set[int]]:
        """First line of a text → its further lines."""
        return {int(first): set(lines) for first, lines in self._content["further"].items()}

    @cached_property
    def all_lines(self) -> frozenset[int]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The lines of nodes, and all lines of their texts."""
        return frozenset(self._content["lines"]).union(*self._further.values())

    @cached_property
    def all_arcs(self) -> frozenset[tuple[int, int]]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return frozenset((start, end) for start, end in self._content["arcs"])

    @cached_property
    def branches(self) -> dict[int, frozenset[int]]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return {int(line): frozenset(to) for line, to in self._content["branches"].items()}

    @cached_property
    def excluded(self) -> frozenset[int]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The lines that match an expression, with the bodies of tags and the texts that begin there."""
        marked = matching_lines(self.plugin.config, "report:exclude_lines", self.source())
        for first, last in self._content["suites"]:
            if first in marked:
                marked.update(range(first, max(first, last - 1) + 1))
        for first, further in self._further.items():
            if first in marked:
                marked |= further
        return self.all_lines & marked

    def translate_lines(self, lines: Iterable[int]) -> set[int]:
        executed = set(lines)
        for first, further in self._further.items():
            if first in executed:
                executed |= further
        return self.lines() & executed

    def exit_of(self, line: int) -> int:
        exits: dict[str, int] = self._content["exits"]
        return exits.get(str(line), -1)

    def arc_description(self, start: int, end: int) -> str:
        if end > 0:
            return f"jump to line {end}"
        names = {name for name, _, lines in self._content["parts"] if start in lines}
        return f"exit {min(names)!r}" if names else "exit the template"

    def code_regions(self) -> Iterable[CodeRegion]:
        return [CodeRegion("block", name, start, set(lines)) for name, start, lines in self._content["parts"]]

    def code_region_kinds(self) -> Iterable[tuple[str, str]]:
        return [("block", "blocks")]


def _rendered() -> dict[str, Any]:
    parts = sys.modules.get("tmplmon.integrations.django.native.parts")
    return {} if parts is None else parts.rendered_files()


def _loaders() -> Iterator[Any]:
    """Yield the loaders that read files, of all engines of this process with Django's own language."""
    conf, apps = sys.modules.get("django.conf"), sys.modules.get("django.apps")
    if conf is None or apps is None or not conf.settings.configured or not apps.apps.ready:
        return
    template = importlib.import_module("django.template")
    try:
        backends = template.engines.all()
    except Exception:  # a backend that is not installed
        return
    for backend in backends:
        pending = list(getattr(getattr(backend, "engine", None), "template_loaders", ()))
        while pending:
            loader = pending.pop(0)
            pending[:0] = getattr(loader, "loaders", ())
            if (
                hasattr(loader, "get_dirs")
                and hasattr(loader, "get_contents")
                and not hasattr(loader, "loaders")
            ):
                yield loader
