"""A project of SQLMesh whose models and macros are templates: rendered, and planned with DuckDB."""

from pathlib import Path

from sqlmesh import Context

for folder in ("models", "macros", "seeds"):
    Path(folder).mkdir()
Path("config.yaml").write_text(
    "gateways: {local: {connection: {type: duckdb, database: data.duckdb}}}\ndefault_gateway: local\n"
    "model_defaults: {dialect: duckdb, start: 2024-01-01}\nvariables: {limit_: 3}\n"
)
Path("macros/shop.sql").write_text(
    "{% macro cents(name, places=2) %}round({{ name }} / 100.0, {{ places }}){% endmacro %}\n"
    "{% macro columns(names) %}{% for name in names %}{{ cents(name) }} as {{ name }}{% if not loop.last %}, {% endif %}"
    "{% endfor %}{% endmacro %}\n"
)
Path("models/one.sql").write_text(
    "MODEL (name shop.one, kind FULL);\nJINJA_QUERY_BEGIN;\n"
    "select {{ columns(['a', 'b']) }} from (\n{% for x in range(var('limit_')) %}\n"
    "select {{ x }} as a, {{ x * 150 }} as b{{ ' union all' if not loop.last }}\n{% endfor %}\n)\nJINJA_END;\n"
)
Path("models/two.sql").write_text(
    "MODEL (name shop.two, kind VIEW);\nJINJA_STATEMENT_BEGIN;\n{% set t = 'x' %}\ncreate or replace table t as select 1 as {{ t }};\n"
    "JINJA_END;\nJINJA_QUERY_BEGIN;\nselect {% if runtime_stage == 'x' %}1{% else %}b{% endif %} as b from shop.one where b > 1\nJINJA_END;\n"
)
context = Context(paths=".")
rendered = [context.render(name).sql() for name in ("shop.one", "shop.two")]
context.plan(auto_apply=True, no_prompts=True)
rows = context.engine_adapter.fetchall("select * from shop.two order by 1")
Path("result.txt").write_text("\n".join([*rendered, str(rows)]))
