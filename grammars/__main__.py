"""``python -m grammars``: write jinja.tables anew. To be run after every change of jinja.lark."""

import json
from pathlib import Path

from grammars import TABLES, grammar_text
from grammars.build import build_tables


def main() -> None:
    path = Path(__file__).with_name(TABLES)
    path.write_text(json.dumps(build_tables(grammar_text()), separators=(",", ":")) + "\n", "utf-8")
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
