"""Builds a small documentation with three themes."""

from pathlib import Path

from sphinx.cmd.build import main

source = Path("source")
source.mkdir()
(source / "conf.py").write_text(
    "project = 'Demo'\nauthor = 'Ann'\nrelease = '1.0'\nextensions = ['sphinx.ext.autosummary', 'sphinx.ext.autodoc']\n"
    "autosummary_generate = True\nhtml_copy_source = True\nhtml_theme_options = {}\n"
)
(source / "index.rst").write_text(
    "Demo\n====\n\n.. toctree::\n   :maxdepth: 2\n\n   first\n   second\n\n"
    ".. autosummary::\n   :toctree: generated\n\n   textwrap\n   string\n\n* :ref:`genindex`\n* :ref:`search`\n"
)
for name, other in (("first", "second"), ("second", "first")):
    (source / f"{name}.rst").write_text(
        f"{name.title()}\n{'=' * len(name)}\n\n.. index:: {name} & more\n\nSee :doc:`{other}`.\n\n"
        ".. py:function:: area(width, height=1)\n\n   The area.\n\n.. code-block:: python\n\n   print('<&>')\n"
    )
for theme in ("alabaster", "classic", "sphinx_rtd_theme"):
    options = ["-q", "-b", "html", "-d", f"doctrees/{theme}", "-D", f"html_theme={theme}"]
    assert main([*options, "source", f"out/{theme}"]) == 0
assert main(["-q", "-b", "latex", "-d", "doctrees/latex", "source", "out/latex"]) == 0
