"""All that is needed of coverage.py and is not in its public API.

Rule: each function says what it uses, and does without where that is missing, so that another version of
coverage.py costs a nicety and never a report. The tests run with the oldest and the newest one that is supported.
"""

import fnmatch
import importlib
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from coverage.exceptions import ConfigError, CoverageException


def leave_templates_alone(is_template: Callable[[str], bool]) -> None:
    """With branches, the sysmon core reads each measured file as Python, to find the statements that are on several
    lines. A template with brackets in it got branches that it does not have, and one with ``coding:`` in its second
    line failed while it was rendered. It finds none now.

    Uses `coverage.sysmon.compute_multiline_map`. Versions without that do not read the files.
    """
    try:
        sysmon = importlib.import_module("coverage.sysmon")
        compute = sysmon.compute_multiline_map
    except (ImportError, AttributeError):
        return
    if hasattr(compute, "__wrapped__"):
        return

    def compute_multiline_map(filename: str) -> Any:
        return {} if is_template(filename) else compute(filename)

    compute_multiline_map.__wrapped__ = compute  # type: ignore[attr-defined]
    sysmon.compute_multiline_map = compute_multiline_map  # type: ignore[attr-defined]


def matcher(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether an absolute path matches one of the patterns, as coverage.py's options ``include`` and ``omit`` have
    it.

    Uses `coverage.files.GlobMatcher` and `prep_patterns`; else each pattern is one of `fnmatch`.
    """
    if not patterns:
        return lambda path: False
    try:
        files = importlib.import_module("coverage.files")
        match: Callable[[str], bool] = files.GlobMatcher(files.prep_patterns(patterns), "tmplmon").match
        return match
    except (ImportError, AttributeError, TypeError):
        whole = [pattern if pattern[0] in "*?" else os.path.abspath(pattern) for pattern in patterns]
        return lambda path: any(fnmatch.fnmatch(path, pattern) for pattern in whole)


def option(config: Any, name: str) -> Any:
    """An option of coverage.py's, or None where this version does not have it."""
    try:
        return config.get_option(name)
    except ConfigError:
        return None


def registered[T](coverage: Any, kind: type[T]) -> tuple[T, str] | None:
    """The plugin of a class that a `Coverage` has, and the name that it has there.

    Uses `Coverage._plugins`, which holds the plugins in their order, wrapped for ``--debug=plugin``. The object
    that `configure` gets is no way to tell: it is the `Coverage` or its configuration, and reports have a copy of
    that.
    """
    for plugin in getattr(coverage, "_plugins", ()):
        found = getattr(plugin, "plugin", plugin)
        if isinstance(found, kind):
            return found, plugin._coverage_plugin_name
    return None


def left_out(message: str) -> Exception:
    """An error that makes a report leave a file out and go on, where the file's reporter has `should_be_python`.

    Uses `coverage.exceptions.NotPython`, and what `get_analysis_to_report` does with it. Without that the report
    ends with this error, as for a Python file, unless it is told to ignore errors.
    """
    try:
        exceptions = importlib.import_module("coverage.exceptions")
        error: Exception = exceptions.NotPython(message)
        return error
    except (ImportError, AttributeError):
        return CoverageException(message)


def joined(expressions: Iterable[str]) -> str:
    """One regular expression for several, as coverage.py joins them: each stands alone."""
    return "|".join(f"(?:{expression})" for expression in expressions)
