"""The coverage.py plugin for templates; `tmplmon.monitoring.coverage` describes how it works.

Files are templates if the engine has loaded them. Templates that were never rendered are searched (`search`).
"""

import importlib
from collections.abc import Iterable
from functools import wraps
from typing import Any

from coverage import CoverageData, FileReporter

from tmplmon import loaded_files, observe
from tmplmon.loaded import loaded_syntaxes
from tmplmon.monitoring.coverage import LanguagePlugin
from tmplmon.observe import strings
from tmplmon.tools.coverage import private
from tmplmon.tools.coverage.reporter import TemplateReporter
from tmplmon.tools.coverage.search import never_rendered, template_sources
from tmplmon.tools.coverage.settings import Settings


def coverage_init(registry: Any, options: Any = None) -> None:
    """The entry point of ``plugins = tmplmon``. `options`: the options in the section ``[tmplmon]``."""
    settings = Settings(dict(options or {}))
    if settings.jinja2:
        observe.install()
    django = None
    if settings.django:
        # A framework's integration, imported only for projects that name it.
        django = importlib.import_module("tmplmon.integrations.django.native.coverage").DjangoPlugin()
        django.register(registry)
    TemplatePlugin(settings, django).register(registry)
    _wrap_update()


class TemplatePlugin(LanguagePlugin):
    """The plugin."""

    def __init__(self, settings: Settings, django: Any = None) -> None:
        super().__init__()
        self.settings = settings
        self.django = django
        """The plugin for Django's own templates, if they are measured."""

    def configure(self, config: Any) -> None:
        """Add the folders of measured packages to the option `source`, because their templates are not modules."""
        super().configure(config)
        if self.settings.jinja2:
            strings.add_folders(config.get_option("run:source") or ())
        sources = template_sources(config, self.settings)
        if sources:
            config.set_option("run:source", [*(config.get_option("run:source") or ()), *sources])

    def file_reporter(self, filename: str) -> FileReporter | str:
        return TemplateReporter(self.absolute(filename), self.settings, self)

    def sys_info(self) -> Iterable[tuple[str, Any]]:
        """The plugin's part of ``coverage debug sys``."""
        return [("templates loaded", sorted(loaded_files())), ("options", self.settings.options)]

    def is_own(self, path: str) -> bool:
        return path in loaded_files()

    def unmeasured_files(self) -> Iterable[str]:
        files = never_rendered(self.config, self.settings)
        return files if self.django is None else set(files) - self.django.template_files()

    def tag(self, data: CoverageData, name: str) -> None:
        """Tag the measured files from which the engine has loaded templates. `name`: the plugin's name."""
        self.settings.data = data
        measured = data.measured_files()
        if not measured:
            return
        loaded = {self.recorded_as(path): environment for path, environment in loaded_files().items()}
        templates = measured & loaded.keys()
        data.add_file_tracers({file: name for file in templates if not data.file_tracer(file)})
        syntaxes = {self.recorded_as(path): text for path, text in loaded_syntaxes().items()}
        private.remember(data, {file: text for file, text in syntaxes.items() if file in templates})
        for file in sorted(templates):
            environment = loaded[file]
            if environment is not None and (problem := self.settings.syntax_mismatch(environment)):
                self.warn(f"The templates of this environment {problem}", file)


def _wrap_update() -> None:
    """Let the syntax of templates that other processes have rendered be combined with the data."""
    update = CoverageData.update
    if hasattr(update, "remembers_syntax"):
        return

    @wraps(update)
    def updating_syntax(self: CoverageData, other_data: CoverageData, *args: Any, **kwargs: Any) -> None:
        update(self, other_data, *args, **kwargs)
        map_path = next((each for each in (*args, *kwargs.values()) if callable(each)), str)
        for table in (private.SYNTAX, private.DJANGO):
            texts = private.remembered(other_data, table)
            private.remember(self, {map_path(file): text for file, text in texts.items()}, table)  # pyright: ignore[reportArgumentType]

    updating_syntax.remembers_syntax = True  # type: ignore[attr-defined]
    CoverageData.update = updating_syntax  # type: ignore[method-assign]
