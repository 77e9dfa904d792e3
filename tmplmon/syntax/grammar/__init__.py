"""The grammar and its parse tables, as they are installed.

The source of the grammar is ``grammars/jinja.lark`` at the top of the repository. This package has a copy of it and
``jinja.tables``, the parse tables made from that copy. ``python -m tmplmon.syntax.grammar``, run in a checkout,
writes both; run it after every change of the grammar.

`load_tables` returns the tables as plain data; `build` describes them. The file has two more items: "format",
the version of the format, and "grammar", the CRC-32 of the grammar. If these do not match, or the file is missing,
the tables are built with Lark, which takes about a third of a second. Lark is imported only in that case.

The files are read through the package's loader, which works in a wheel, a checkout, an editable install and a zip
file. `importlib.resources` would do the same, but takes longer to import than the tables take to load.
"""

import json
import os.path
import zlib
from typing import Any

FORMAT = 1
GRAMMAR = "jinja.lark"
TABLES = "jinja.tables"


def grammar_text() -> str:
    """Return the installed grammar, in Lark's notation. Raises OSError if the file is missing."""
    return _read(GRAMMAR)


def fingerprint(grammar: str) -> int:
    """Return the number that identifies a grammar in its tables file: the CRC-32 of its text in UTF-8."""
    return zlib.crc32(grammar.encode())


def _read(name: str) -> str:
    assert __spec__ is not None
    loader: Any = __spec__.loader
    data: bytes = loader.get_data(os.path.join(os.path.dirname(__file__), name))
    return data.decode().replace("\r\n", "\n")


def load_tables() -> dict[str, Any]:
    """Return the parse tables of the installed grammar: the stored ones if they belong to it, else new ones.

    Raises OSError if the grammar is missing, and ImportError or one of Lark's errors if the tables must be built
    and cannot be.
    """
    grammar = grammar_text()
    try:
        tables: dict[str, Any] = json.loads(_read(TABLES))
        if tables["format"] == FORMAT and tables["grammar"] == fingerprint(grammar):
            return tables
    except (OSError, ValueError, LookupError, TypeError):
        pass
    from tmplmon.syntax.grammar.build import build_tables

    return build_tables(grammar)
