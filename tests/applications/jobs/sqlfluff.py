"""Lints and repairs SQL with templates: loops, macros, and dbt's functions."""

import json
from pathlib import Path

import sqlfluff

Path(".sqlfluff").write_text(
    "[sqlfluff]\ndialect = ansi\ntemplater = jinja\n[sqlfluff:templater:jinja]\napply_dbt_builtins = true\n"
    "load_macros_from_path = macros\n[sqlfluff:templater:jinja:context]\ntable = orders\ncolumns = ['a', 'b']\n"
)
Path("macros").mkdir()
Path("macros/money.sql").write_text("{% macro money(column) %}{{ column }} / 100{% endmacro %}\n")
Path("query.sql").write_text(
    "{% set other = 'x' %}\nSELECT\n{% for column in ['a', 'b', 'c'] %}\n    {{ money(column) }} as {{ column }}_money,\n"
    "{% endfor %}\n    {{ other }}\nfrom {{ ref(table) }} {% if is_incremental() %}where 1=1{% else %}WHERE 2 = 2{% endif %}\n"
)
print(json.dumps(sqlfluff.lint("SELECT  a from {{ 'tbl' }}\n{% if true %}where b=1{% endif %}\n"), indent=1))
from sqlfluff.cli.commands import cli  # noqa: E402

for words in (["lint", "query.sql"], ["render", "query.sql"], ["fix", "query.sql"]):
    try:
        cli(words)
    except SystemExit as status:
        print(words, status)
