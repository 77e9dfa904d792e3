"""Builds a site whose pages are templates, with macros and filters of Python and of included files."""

from pathlib import Path

from mkdocs.commands.build import build
from mkdocs.config import load_config

Path("docs").mkdir()
Path("include").mkdir()
Path("docs/index.md").write_text(
    "# {{ config.site_name }}\n\n{% from 'parts.md' import badge with context %}\n{{ badge('new & old') }}\n\n"
    "{% for item in shop.items_ %}\n- {{ loop.index }}: {{ item|reverse_text }} {{ price(loop.index) }}\n{% endfor %}\n\n"
    "{{ macros_info() | length > 100 }}\n\n{% include 'note.md' %}\n\n{% raw %}{{ not this }}{% endraw %}\n"
)
Path("docs/other.md").write_text(
    "---\ntitle: Other\nrender_macros: true\n---\n# {{ page.meta.title }}\n\n{{ page.title }}\n"
)
Path("include/parts.md").write_text(
    "{% macro badge(text) %}<b>{{ text }} {{ config.site_name }}</b>{% endmacro %}\n"
)
Path("include/note.md").write_text("!!! note\n    {{ shop.name|upper }}\n")
Path("main.py").write_text(
    "def define_env(env):\n"
    "    @env.macro\n    def price(x):\n        return f'{x:.2f} EUR'\n"
    "    @env.filter\n    def reverse_text(x):\n        return x[::-1]\n"
)
Path("mkdocs.yml").write_text(
    "site_name: Macros\nsite_url: https://example.com/\ntheme: {name: mkdocs}\n"
    "plugins: [{macros: {include_dir: include, module_name: main}}]\nextra: {shop: {name: the shop, items_: [ab, cd]}}\n"
    "markdown_extensions: [admonition]\n"
)
build(load_config("mkdocs.yml"))
