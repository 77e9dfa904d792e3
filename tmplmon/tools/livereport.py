"""The report of live coverage: the executable lines of an environment's templates, and those that have run.

Rule: a template is analysed when a report first needs its executable lines, and again after its source has changed.
That takes about as long as compiling it, so one report analyses at most `MOST_ANALYSED` templates; the others are
pending, and the next report continues. The environment's cache does not get the templates: it may hold fewer than a
site has.

An environment of Jinja2's, which is observed, is reported on in the same way. Its templates are parsed with an
environment of tmplmon's that has the same syntax.
"""

import os
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tmplmon import Environment, TemplateError, code_map
from tmplmon.tools.syntaxes import environment_like

MOST_ANALYSED = 50
"""The most templates that one report analyses."""


class Analyses:
    """The executable lines of the templates of several environments."""

    def __init__(self) -> None:
        self._known: weakref.WeakKeyDictionary[Environment, dict[str, _Analysis]] = (
            weakref.WeakKeyDictionary()
        )

    def report(
        self, environment: Environment, ran: Mapping[str, set[int]]
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (name, entry) for each template of the environment's loader; see `LiveCoverage.report`.

        ran: file → the lines that have run.
        """
        known = self._known.setdefault(environment, {})
        names = environment.list_templates()
        for name in known.keys() - set(names):
            del known[name]
        analysed = 0
        for name in names:
            analysis = known.get(name)
            if analysis is None or not analysis.is_current():
                if analysed == MOST_ANALYSED:
                    yield name, {"pending": True}
                    continue
                analysed += 1
                analysis = known[name] = _Analysis(environment, name)
            yield name, analysis.entry(environment, ran)


class _Analysis:
    def __init__(self, environment: Environment, name: str) -> None:
        self.name = name
        self.file: str | None = None
        self.executable: frozenset[int] = frozenset()
        self.error: dict[str, Any] | None = None
        self.uptodate: Callable[[], bool] | None = None
        try:
            assert environment.loader is not None
            source, filename, self.uptodate = environment.loader.get_source(environment, name)
            if filename is not None:
                self.file = os.path.abspath(filename)  # as in the template's code
            if isinstance(environment, Environment):
                self.executable = code_map(environment, source, name, filename).lines
            elif filename is None:
                self.error = {"error": "Jinja2 does not tell the lines of templates that are not files apart"}
            else:
                syntax = environment_like(environment)
                self.executable = code_map(syntax, source, name, filename, jinja2=True).lines
        except TemplateError as error:
            self.error = {"error": error.message, "line": getattr(error, "lineno", None)}
        except Exception as error:
            self.error = {"error": f"{type(error).__name__}: {error}", "line": None}

    def is_current(self) -> bool:
        return self.uptodate is None or self.uptodate()

    def entry(self, environment: Environment, ran: Mapping[str, set[int]]) -> dict[str, Any]:
        if self.error is not None:
            return self.error
        file = self.file or _name_in_code(environment, self.name)
        executed = self.executable.intersection(ran.get(file, ()))
        return {
            "file": file,
            "executable": sorted(self.executable),
            "ran": sorted(executed),
            "missing": sorted(self.executable - executed),
        }


def _name_in_code(environment: Environment, name: str) -> str:
    """Return the name that stands for the file of a template that is not one. It may have a number."""
    cache = environment.cache
    entry = None if cache is None else cache.get(name)
    return f"<template {name}>" if entry is None else entry[1]._file
