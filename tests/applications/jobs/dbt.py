"""Builds a project with DuckDB: models that use macros, a test, a snapshot of a source, and documentation."""

from pathlib import Path

FILES = {
    "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\nflags: {send_anonymous_usage_stats: false}\n",
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, threads: 1}}}\n",
    "macros/money.sql": (
        "{% macro euros(column, digits=2) %}\n  {% if digits == 0 %}\n    cast({{ column }} / 100 as integer)\n"
        "  {% else %}\n    round({{ column }} / 100.0, {{ digits }})\n  {% endif %}\n{% endmacro %}\n\n"
        "{% macro pivot(column, values) %}\n  {% for value in values %}\n"
        "    sum(case when {{ column }} = '{{ value }}' then 1 else 0 end) as {{ value }}\n"
        "    {%- if not loop.last %},{% endif %}\n  {% endfor %}\n{% endmacro %}\n"
    ),
    "macros/tests.sql": (
        "{% test positive(model, column_name) %}\nselect * from {{ model }} where {{ column_name }} < 0\n{% endtest %}\n"
    ),
    "models/orders.sql": (
        "{{ config(materialized='table') }}\nselect 1 as id, 'paid' as status, 1250 as cents\nunion all\n"
        "select 2, 'open', 300\n{% if target.name == 'prod' %}\nunion all\nselect 3, 'paid', 1\n{% endif %}\n"
    ),
    "models/later.sql": (
        "{{ config(materialized='incremental', unique_key='id') }}\nselect * from {{ ref('orders') }}\n"
        "{% if is_incremental() %}where id > (select max(id) from {{ this }}){% endif %}\n"
    ),
    "models/report.sql": (
        "{%- set values = run_query('select distinct status from ' ~ ref('orders') ~ ' order by 1').columns[0].values()"
        " if execute else [] -%}\nselect\n  {{ pivot('status', values or ['x']) }},\n  sum({{ euros('cents') }}) as euros\n"
        "from {{ ref('orders') }}\n"
    ),
    "models/schema.yml": (
        "models:\n  - name: orders\n    description: \"{{ doc('orders') }}\"\n    columns:\n"
        "      - {name: cents, data_tests: [positive, not_null]}\n"
        "      - {name: status, data_tests: [{accepted_values: {values: [paid, open]}}]}\n"
    ),
    "models/docs.md": "{% docs orders %}\nAll orders.\n{% enddocs %}\n",
    "snapshots/history.sql": (
        "{% snapshot history %}\n{{ config(unique_key='id', strategy='check', check_cols=['cents']) }}\n"
        "select * from {{ ref('orders') }}\n{% endsnapshot %}\n"
    ),
    "seeds/countries.csv": "code,name\nde,Germany\n",
}
for name, text in FILES.items():
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)
from dbt.cli.main import dbtRunner  # noqa: E402

for _ in range(2):
    result = dbtRunner().invoke(
        ["--no-use-colors", "--quiet", "build", "--profiles-dir", ".", "--threads", "1"]
    )
    assert result.success, result.exception
    print(sorted((each.node.name, str(each.status)) for each in result.result))
import duckdb  # noqa: E402

with duckdb.connect("shop.duckdb") as connection:
    print(
        connection.sql("select * from report").fetchall(),
        connection.sql("select * from later order by id").fetchall(),
    )
Path("shop.duckdb").unlink()

# Names of temporary tables, and the snapshot, have the time of the run.
import re  # noqa: E402

for path in Path("target").rglob("*.sql"):
    text = re.sub(r"\d{14,}", "TIME", path.read_text())
    path.write_text(re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d]*", "TIME", text))
