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


SYNTAX = "tmplmon_syntax"
"""The table with the syntax of templates that Jinja2 ran."""
DJANGO = "tmplmon_django"
"""The table with the lines and branches of templates that Django ran."""


def remember(data: Any, texts: Mapping[str, str], table: str = SYNTAX) -> None:
    """Add to a data file with measured files a text for some of them: file → text.

    Uses `CoverageData._connect` and SQLite: the data file gets another table. Without it, nothing is remembered.
    """
    if texts and (connect := getattr(data, "_connect", None)) is not None:
        with connect() as database:
            database.con.execute(f"create table if not exists {table} (file text primary key, syntax text)")
            database.con.executemany(f"insert or replace into {table} values (?, ?)", texts.items())


def remembered(data: Any, table: str = SYNTAX) -> dict[str, str]:
    """Return what `remember` has added to a table of a data file."""
    if not data.measured_files() or not hasattr(data, "_connect"):
        return {}
    with data._connect() as database:
        # The data file may be read-only.
        if not list(database.con.execute(f"select 1 from sqlite_master where name = '{table}'")):
            return {}
        return dict(database.con.execute(f"select file, syntax from {table}"))
