"""Builds a documentation with the themes Furo, Sphinx Book and PyData, and with sphinx-design."""

from pathlib import Path

from sphinx.cmd.build import build_main

Path("docs").mkdir()
Path("docs/index.rst").write_text(
    "Title\n=====\n\n.. toctree::\n   :maxdepth: 2\n   :caption: All\n\n   one\n   two\n\n"
    ".. grid:: 2\n\n   .. grid-item-card:: A & B\n      :link: one\n      :link-type: doc\n\n      Text\n\n"
    "   .. grid-item-card:: C\n\n      .. button-ref:: two\n         :color: primary\n\n"
    ".. tab-set::\n\n   .. tab-item:: X\n\n      x\n\n   .. tab-item:: Y\n\n      y\n"
)
Path("docs/one.rst").write_text(
    "One\n===\n\nFirst\n-----\n\n.. code-block:: python\n\n   print('<a>')\n\nSecond\n------\n\nText.\n"
)
Path("docs/two.rst").write_text(
    ":orphan:\n\nTwo\n===\n\n.. note:: A note.\n\n.. dropdown:: Open\n\n   closed\n"
)
for theme in ("furo", "sphinx_book_theme", "pydata_sphinx_theme"):
    Path("docs/conf.py").write_text(
        f"project = 'Themes'\nextensions = ['sphinx_design']\nhtml_theme = {theme!r}\nhtml_title = 'A & B'\n"
        "html_last_updated_fmt = ''\n"
    )
    print(theme, build_main(["-q", "-E", "-b", "html", "-d", f"doctrees/{theme}", "docs", f"out/{theme}"]))
