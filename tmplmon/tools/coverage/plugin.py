"""The coverage.py plugin.

Rule: nothing is traced here. A template's code has the template's file and lines, so every core of coverage.py
records it as it does a Python file. What coverage.py has to be told is which of the files it has measured are
templates: at the moment it reads or saves its data they get this plugin's name, and those that were never rendered
are added. A report then asks this plugin for their lines.

A *file tracer*, the kind of plugin that coverage.py has for this, is switched off by all cores but one, with a
warning. So the plugin registers as a configurer, which every core has, and wraps public methods of `Coverage` and
its data.
"""

import os
import warnings
import weakref
from collections.abc import Collection, Iterable, Mapping
from functools import wraps
from typing import Any

from coverage import Coverage, CoverageData, CoveragePlugin, FileReporter
from coverage.exceptions import CoverageWarning

from tmplmon import loaded_files
from tmplmon.tools.coverage import private
from tmplmon.tools.coverage.reporter import TemplateReporter
from tmplmon.tools.coverage.search import never_rendered, template_sources
from tmplmon.tools.coverage.settings import Settings

_stopped: "weakref.WeakSet[Coverage]" = weakref.WeakSet()


def coverage_init(registry: Any, options: Any = None) -> None:
    """What coverage.py calls for ``plugins = tmplmon``, with the options of the section ``[tmplmon]``."""
    registry.add_configurer(TemplatePlugin(Settings(dict(options or {}))))
    _wrap_coverage()
    private.leave_templates_alone(_is_template)


class TemplatePlugin(CoveragePlugin):
    """`config` is coverage.py's, to read options from. `directory` is what relative paths are relative to."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.config: Any = None
        self.directory = os.getcwd()
        self.warned: set[str] = set()
        self.touched: weakref.WeakSet[CoverageData] = weakref.WeakSet()

    def configure(self, config: Any) -> None:
        """Makes the folders of packages that are to be measured count as folders: the templates in them are no
        modules."""
        self.config = config
        sources = template_sources(config, self.settings)
        if sources:
            config.set_option("run:source", [*(config.get_option("run:source") or ()), *sources])

    def file_reporter(self, filename: str) -> FileReporter | str:
        path = os.path.realpath(os.path.join(self.directory, filename))
        return TemplateReporter(path, self.settings, self.config, self)

    def sys_info(self) -> Iterable[tuple[str, Any]]:
        """For ``coverage debug sys``."""
        return [("templates loaded", sorted(loaded_files())), ("options", self.settings.options)]

    def warn(self, message: str, file: str, line: int = 1) -> None:
        """A warning at a place in a template, once for each message."""
        if message not in self.warned:
            self.warned.add(message)
            warnings.warn_explicit(message, CoverageWarning, file, line)

    # --- telling coverage.py which files are templates -----------------------------------------------------

    def recorded_as(self, path: str) -> str:
        """The name that coverage.py records a file under."""
        path = os.path.realpath(path)
        start = os.path.realpath(self.directory) + os.sep
        if self.config.get_option("run:relative_files") and path.startswith(start):
            return path[len(start) :]
        return path

    def tag(self, data: CoverageData, name: str) -> None:
        """Puts the plugin's name to the measured files that the engine has made templates of."""
        measured = data.measured_files()
        if not measured:
            return
        loaded = {self.recorded_as(path): environment for path, environment in loaded_files().items()}
        found = measured & loaded.keys()
        data.add_file_tracers({file: name for file in found if not data.file_tracer(file)})
        for file in sorted(found):
            environment = loaded[file]
            if environment is not None and (problem := self.settings.misfit(environment)):
                self.warn(f"The templates of this environment {problem}", file)

    def touch(self, data: CoverageData, name: str) -> None:
        """Adds the templates that could have been rendered and were not: once, as reports may be written among
        them."""
        measured = data.measured_files()
        if measured and data not in self.touched:
            self.touched.add(data)
            found = {self.recorded_as(path) for path in never_rendered(self.config, self.settings)}
            data.touch_files(sorted(found - measured), name)


def _is_template(filename: str) -> bool:
    return filename in loaded_files()


def _wrap_coverage() -> None:
    if hasattr(Coverage.get_data, "__wrapped__"):
        return
    stop, get_data, add_arcs = Coverage.stop, Coverage.get_data, CoverageData.add_arcs

    @wraps(add_arcs)
    def adding_arcs_with_lines(
        self: CoverageData, arc_data: Mapping[str, Collection[tuple[int, int]]]
    ) -> None:
        # A template that is generated piece by piece may go on at a place of no line, for which the pytrace core
        # notes None: no report could be made of that.
        add_arcs(self, {file: [arc for arc in arcs if None not in arc] for file, arcs in arc_data.items()})

    @wraps(stop)
    def noting_stop(self: Coverage) -> None:
        _stopped.add(self)
        stop(self)

    @wraps(get_data)
    def tagging_get_data(self: Coverage) -> CoverageData:
        data = get_data(self)
        registered = private.registered(self, TemplatePlugin)
        if registered is not None:
            plugin, name = registered
            plugin.tag(data, name)
            # Only who measures adds files: a report leaves the data as they are.
            if self in _stopped or Coverage.current() is self:
                plugin.touch(data, name)
        return data

    Coverage.stop = noting_stop  # type: ignore[method-assign]
    CoverageData.add_arcs = adding_arcs_with_lines  # type: ignore[method-assign]
    Coverage.get_data = tagging_get_data  # type: ignore[method-assign]
