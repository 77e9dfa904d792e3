"""Renders templates with the data of JSON, YAML, TOML and INI files, as the command does."""

import sys
from pathlib import Path

from jinja2cli import main

Path("page.j2").write_text(
    "{% for name, value in data|dictsort %}{{ name }} = {{ value }}\n{% endfor %}{{ title|default('none') }}\n"
    "{% include 'part.j2' %}{% do seen.append(1) %}{{ seen }}\n"
)
Path("part.j2").write_text(
    "{% set x = namespace(y=1) %}{% set x.y = x.y + 1 %}{{ x.y }} {{ data.b|tojson }}\n"
)
Path("data.json").write_text('{"data": {"a": 1, "b": "ä<"}, "seen": []}')
Path("data.yaml").write_text("data:\n  a: 1.5\n  b: [x, y]\nseen: []\n")
Path("data.toml").write_text('seen = []\n[data]\na = 2020-01-01\nb = "t"\n')
for arguments in (
    ["page.j2", "data.json", "--format=json"],
    ["page.j2", "data.yaml", "-D", "title=T"],
    ["page.j2", "data.toml", "--strict"],
    ["page.j2", "--strict"],
    ["page.j2"],
):
    sys.argv = ["jinja2", *arguments, "-e", "jinja2.ext.do"]
    try:
        print(arguments, main())
    except (Exception, SystemExit) as error:
        print(type(error).__name__, error)
