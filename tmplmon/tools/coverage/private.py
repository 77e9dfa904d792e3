"""All uses of coverage.py that are not part of its public API.

Rule: each function names what it uses, and works without it, so that another version of coverage.py may cost a
detail but never a report. The tests run with the oldest and the newest supported version.
"""

import fnmatch
import importlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from coverage.exceptions import ConfigError, CoverageException


def leave_templates_alone(is_template: Callable[[str], bool]) -> None:
    """Make the sysmon core find no multi-line statements in templates. With branch coverage it parses each measured
    file as Python to find them: a template with brackets would get false branches, and one with ``coding:`` in its
    second line would fail while it is rendered.

    Uses `coverage.sysmon.compute_multiline_map`. Versions without it do not parse the files.
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
    """Return a function that tells whether an absolute path matches one of the patterns, in the syntax of
    coverage.py's options ``include`` and ``omit``.

    Uses `coverage.files.GlobMatcher` and `prep_patterns`; without them, each pattern is one of `fnmatch`.
    """
    if not patterns:
        return lambda path: False
    try:
        files = importlib.import_module("coverage.files")
        match: Callable[[str], bool] = files.GlobMatcher(files.prep_patterns(patterns), "tmplmon").match
        return match
    except (ImportError, AttributeError, TypeError):
        absolute = [pattern if pattern[0] in "*?" else os.path.abspath(pattern) for pattern in patterns]
        return lambda path: any(fnmatch.fnmatch(path, pattern) for pattern in absolute)


def option(config: Any, name: str) -> Any:
    """Return an option of coverage.py; None if this version does not have it."""
    try:
        return config.get_option(name)
    except ConfigError:
        return None


def registered[T](coverage: Any, kind: type[T]) -> tuple[T, str] | None:
    """Return the plugin of a class that is registered with a `Coverage`, and its registered name.

    Uses `Coverage._plugins`, which contains the plugins in order, wrapped for ``--debug=plugin``. The object passed
    to `configure` does not identify the `Coverage`: it is the `Coverage` or its configuration, of which
    reports have a copy.
    """
    for plugin in getattr(coverage, "_plugins", ()):
        unwrapped = getattr(plugin, "plugin", plugin)
        if isinstance(unwrapped, kind):
            return unwrapped, plugin._coverage_plugin_name
    return None


_TABLE = "create table if not exists tmplmon_syntax (file text primary key, syntax text)"


def remember(data: Any, syntax: Mapping[str, str]) -> None:
    """Add to a data file with measured files the syntax of some of them: file → a text.

    Uses `CoverageData._connect` and SQLite: the data file gets another table. Without it, nothing is remembered.
    """
    if syntax and (connect := getattr(data, "_connect", None)) is not None:
        with connect() as database:
            database.con.execute(_TABLE)
            database.con.executemany("insert or replace into tmplmon_syntax values (?, ?)", syntax.items())


def remembered(data: Any) -> dict[str, str]:
    """Return what `remember` has added to a data file."""
    if not data.measured_files() or not hasattr(data, "_connect"):
        return {}
    with data._connect() as database:
        # The data file may be read-only.
        if not list(database.con.execute("select 1 from sqlite_master where name = 'tmplmon_syntax'")):
            return {}
        return dict(database.con.execute("select file, syntax from tmplmon_syntax"))


def left_out(message: str) -> Exception:
    """Return an exception that makes a report skip a file, if the file's reporter has `should_be_python`.

    Uses `coverage.exceptions.NotPython` and its handling in `get_analysis_to_report`. Without it, the
    exception ends the report as for a Python file, unless errors are ignored.
    """
    try:
        exceptions = importlib.import_module("coverage.exceptions")
        error: Exception = exceptions.NotPython(message)
        return error
    except (ImportError, AttributeError):
        return CoverageException(message)


def joined(expressions: Iterable[str]) -> str:
    """Join regular expressions to one, with a group for each, as coverage.py does."""
    return "|".join(f"(?:{expression})" for expression in expressions)
