"""Uses of coverage.py that are not part of its public API, besides those of `tmplmon.monitoring.coverage`.

Rule: each function names what it uses, and works without it, so that another version of coverage.py may cost a
detail but never a report. The tests run with the oldest and the newest supported version.
"""

import fnmatch
import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any


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
