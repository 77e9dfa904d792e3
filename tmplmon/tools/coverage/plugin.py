"""The coverage.py plugin.

Rule: the plugin does not trace. The code of a template has the template's file and lines, so every core of
coverage.py records it like a Python file. coverage.py only has to learn which of the measured files are templates:
when it reads or saves its data, these files are tagged with the plugin's name, and templates that were never
rendered are added. A report then asks this plugin for their lines.

coverage.py's own kind of plugin for this, a *file tracer*, is disabled by all cores but one, with a warning. The
plugin therefore registers as a configurer, which every core supports, and wraps public methods of `Coverage` and
`CoverageData`.
"""

import os
import warnings
import weakref
from collections.abc import Collection, Iterable, Mapping
from functools import wraps
from typing import Any

from coverage import Coverage, CoverageData, CoveragePlugin, FileReporter
from coverage.exceptions import CoverageWarning

from tmplmon import loaded_files, observe
from tmplmon.observe import syntax
from tmplmon.tools.coverage import private
from tmplmon.tools.coverage.reporter import TemplateReporter
from tmplmon.tools.coverage.search import never_rendered, template_sources
from tmplmon.tools.coverage.settings import Settings

_stopped: "weakref.WeakSet[Coverage]" = weakref.WeakSet()


def coverage_init(registry: Any, options: Any = None) -> None:
    """The entry point of ``plugins = tmplmon``. `options`: the options in the section ``[tmplmon]``."""
    settings = Settings(dict(options or {}))
    if settings.jinja2:
        observe.install()
    registry.add_configurer(TemplatePlugin(settings))
    _wrap_coverage()
    private.leave_templates_alone(_is_template)


class TemplatePlugin(CoveragePlugin):
    """The plugin. `config` is coverage.py's configuration. Relative paths are relative to `directory`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.config: Any = None
        self.directory = os.getcwd()
        self.warned: set[str] = set()
        self.touched: weakref.WeakSet[CoverageData] = weakref.WeakSet()

    def configure(self, config: Any) -> None:
        """Add the folders of measured packages to the option `source`, because their templates are not modules."""
        self.config = config
        sources = template_sources(config, self.settings)
        if sources:
            config.set_option("run:source", [*(config.get_option("run:source") or ()), *sources])

    def file_reporter(self, filename: str) -> FileReporter | str:
        path = os.path.realpath(os.path.join(self.directory, filename))
        return TemplateReporter(path, self.settings, self.config, self)

    def sys_info(self) -> Iterable[tuple[str, Any]]:
        """The plugin's part of ``coverage debug sys``."""
        return [("templates loaded", sorted(loaded_files())), ("options", self.settings.options)]

    def warn(self, message: str, file: str, line: int = 1) -> None:
        """Warn about a line of a template. Each message is shown once."""
        if message not in self.warned:
            self.warned.add(message)
            warnings.warn_explicit(message, CoverageWarning, file, line)

    # --- tagging the data ----------------------------------------------------------------------------------

    def recorded_as(self, path: str) -> str:
        """The name under which coverage.py records a file."""
        path = os.path.realpath(path)
        start = os.path.realpath(self.directory) + os.sep
        if self.config.get_option("run:relative_files") and path.startswith(start):
            return path[len(start) :]
        return path

    def tag(self, data: CoverageData, name: str) -> None:
        """Tag the measured files from which the engine has loaded templates. `name`: the plugin's name."""
        measured = data.measured_files()
        if not measured:
            return
        loaded = {self.recorded_as(path): environment for path, environment in loaded_files().items()}
        templates = measured & loaded.keys()
        data.add_file_tracers({file: name for file in templates if not data.file_tracer(file)})
        observed = {self.recorded_as(path): text for path, text in syntax.recorded().items()}
        private.remember(data, {file: text for file, text in observed.items() if file in templates})
        for file in sorted(templates - observed.keys()):
            environment = loaded[file]
            if environment is not None and (problem := self.settings.syntax_mismatch(environment)):
                self.warn(f"The templates of this environment {problem}", file)

    def touch(self, data: CoverageData, name: str) -> None:
        """Add the templates that were never rendered. Done once, because reports may be written among them."""
        measured = data.measured_files()
        if measured and data not in self.touched:
            self.touched.add(data)
            unmeasured = {self.recorded_as(path) for path in never_rendered(self.config, self.settings)}
            data.touch_files(sorted(unmeasured - measured), name)


def _is_template(filename: str) -> bool:
    return filename in loaded_files()


def _wrap_coverage() -> None:
    if hasattr(Coverage.get_data, "__wrapped__"):
        return
    stop, get_data, add_arcs = Coverage.stop, Coverage.get_data, CoverageData.add_arcs
    update = CoverageData.update

    @wraps(add_arcs)
    def adding_arcs_with_lines(
        self: CoverageData, arc_data: Mapping[str, Collection[tuple[int, int]]]
    ) -> None:
        # A streamed template may resume at an instruction without a line. The pytrace core records that as None,
        # which reports cannot handle.
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
            plugin.settings.data = data
            plugin.tag(data, name)
            # Only a measurement adds files: a report must not change the data.
            if self in _stopped or Coverage.current() is self:
                plugin.touch(data, name)
        return data

    @wraps(update)
    def updating_syntax(self: CoverageData, other_data: CoverageData, *args: Any, **kwargs: Any) -> None:
        update(self, other_data, *args, **kwargs)
        map_path = next((each for each in (*args, *kwargs.values()) if callable(each)), str)
        private.remember(
            self, {map_path(file): text for file, text in private.remembered(other_data).items()}
        )

    Coverage.stop = noting_stop  # type: ignore[method-assign]
    CoverageData.add_arcs = adding_arcs_with_lines  # type: ignore[method-assign]
    CoverageData.update = updating_syntax  # type: ignore[method-assign]
    Coverage.get_data = tagging_get_data  # type: ignore[method-assign]
