"""The grammar and its ready-made parse tables, found wherever the package is installed.

`load_tables` gives the tables as plain data (format in `build.py`). They are read from ``jinja.tables``, which names
the grammar it was made from by its SHA-256; when that is not the grammar beside it (somebody is editing the grammar)
or the file is missing or of another format, the tables are built with Lark, which takes about a third of a second.
So Lark itself is imported only then. ``python -m grammars`` writes the file.
"""

import hashlib
import json
from importlib.resources import files
from typing import Any

FORMAT = 1
GRAMMAR = "jinja.lark"
TABLES = "jinja.tables"


def grammar_text() -> str:
    """The grammar, in Lark's notation."""
    return files(__name__).joinpath(GRAMMAR).read_text("utf-8")


def fingerprint(grammar: str) -> str:
    """What names a grammar in its tables file."""
    return hashlib.sha256(grammar.encode()).hexdigest()


def load_tables() -> dict[str, Any]:
    """The parse tables of the grammar, ready-made if they can be."""
    grammar = grammar_text()
    try:
        tables: dict[str, Any] = json.loads(files(__name__).joinpath(TABLES).read_text("utf-8"))
        if tables["format"] == FORMAT and tables["grammar"] == fingerprint(grammar):
            return tables
    except (OSError, ValueError, KeyError):
        pass
    from grammars.build import build_tables

    return build_tables(grammar)
