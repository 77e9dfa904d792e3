"""Builds a small site with Material, and with the theme readthedocs in German and in Chinese."""

from pathlib import Path

from mkdocs.commands.build import build
from mkdocs.config import load_config

docs = Path("docs")
(docs / "guide").mkdir(parents=True)
(docs / "index.md").write_text(
    "# Home\n\nSee [the guide](guide/first.md).\n\n| a | b |\n| - | - |\n| 1 | 2 |\n"
)
(docs / "guide" / "first.md").write_text(
    "# First\n\n## Part <one>\n\n```python\nprint('&')\n```\n\n## Part two\n"
)
(docs / "guide" / "second.md").write_text("---\ntitle: Zweite & letzte\n---\n\nText.\n")
THEMES = {
    "material": "{name: material, features: [navigation.tabs, navigation.footer], language: de}",
    "readthedocs-de": "{name: readthedocs, locale: de}",
    "readthedocs-zh": "{name: readthedocs, locale: zh_CN}",
    "mkdocs": "{name: mkdocs}",
}
for name, theme in THEMES.items():
    Path(f"{name}.yml").write_text(
        f"site_name: Demo\nsite_url: https://example.org/\nrepo_url: https://github.com/a/b\ntheme: {theme}\n"
        f"site_dir: out/{name}\nplugins: [search]\n"
    )
    build(load_config(f"{name}.yml"))
