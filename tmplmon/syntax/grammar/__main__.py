"""``python -m tmplmon.syntax.grammar``: copy the repository's grammar into the package and build its tables."""

import json
import sys
from pathlib import Path

from tmplmon.syntax.grammar import FORMAT, GRAMMAR, TABLES, fingerprint
from tmplmon.syntax.grammar.build import build_tables

PACKAGE = Path(__file__).parent
SOURCE = PACKAGE.parents[2] / "grammars" / GRAMMAR


def main() -> None:
    """Write both files. Exits with a message if the package is not in a checkout of the repository."""
    if not SOURCE.is_file():
        sys.exit(f"{SOURCE} does not exist: run this in a checkout of the repository")
    files = generated_files(SOURCE.read_text("utf-8"))
    for name, text in files.items():
        (PACKAGE / name).write_text(text, "utf-8", newline="\n")
        print(f"wrote {PACKAGE / name}")


def generated_files(grammar: str) -> dict[str, str]:
    """The name and the text of each file that is generated from the grammar."""
    tables = {"format": FORMAT, "grammar": fingerprint(grammar), **build_tables(grammar)}
    return {GRAMMAR: grammar, TABLES: json.dumps(tables, separators=(",", ":")) + "\n"}


if __name__ == "__main__":
    main()
