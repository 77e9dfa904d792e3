"""The grammar and its ready-made parse tables, found wherever the package is installed.

`load_tables` gives the tables as plain data (format in `build.py`). They are read from ``jinja.tables``,
which names the grammar it was made from by its CRC; when that is not the grammar beside it (somebody is
editing the grammar) or the file is missing or of another format, the tables are built with Lark, which takes
about a third of a second. So Lark itself is imported only then. ``python -m grammars`` writes the file.

The files are read through the package's own loader, which finds them in a wheel, a checkout, an editable
install and a zip file alike; `importlib.resources` would do the same, but takes longer to import than the
tables to load.
"""

import json
import os.path
import zlib
from typing import Any

FORMAT = 1
GRAMMAR = "jinja.lark"
TABLES = "jinja.tables"


def grammar_text() -> str:
    """The grammar, in Lark's notation."""
    return _read(GRAMMAR)


def fingerprint(grammar: str) -> int:
    """What names a grammar in its tables file."""
    return zlib.crc32(grammar.encode())


def _read(name: str) -> str:
    assert __spec__ is not None
    loader: Any = __spec__.loader
    data: bytes = loader.get_data(os.path.join(os.path.dirname(__file__), name))
    return data.decode().replace("\r\n", "\n")


def load_tables() -> dict[str, Any]:
    """The parse tables of the grammar, ready-made if they can be."""
    grammar = grammar_text()
    try:
        tables: dict[str, Any] = json.loads(_read(TABLES))
        if tables["format"] == FORMAT and tables["grammar"] == fingerprint(grammar):
            return tables
    except (OSError, ValueError, LookupError, TypeError):
        pass
    from grammars.build import build_tables

    return build_tables(grammar)
