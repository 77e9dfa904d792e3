"""Converts a notebook to several formats with nbconvert's templates."""

from pathlib import Path

import nbformat
from nbconvert import get_exporter

cells = [
    nbformat.v4.new_markdown_cell("# Title\n\nText with $x^2$ & <b>.", id="a"),
    nbformat.v4.new_code_cell(
        "print('<&>')",
        id="b",
        execution_count=1,
        outputs=[
            nbformat.v4.new_output("stream", text="<&>\n"),
            nbformat.v4.new_output(
                "execute_result", {"text/html": "<i>1</i>", "text/plain": "1"}, execution_count=1
            ),
            nbformat.v4.new_output("error", ename="ValueError", evalue="x", traceback=["\x1b[31mred\x1b[0m"]),
        ],
    ),
    nbformat.v4.new_raw_cell("raw", id="c"),
]
notebook = nbformat.v4.new_notebook(cells=cells, metadata={"title": "Demo"})
for name in ("html", "markdown", "latex", "rst", "python", "slides", "asciidoc", "script"):
    for template in ("lab", "classic", "basic") if name == "html" else (None,):
        try:
            options = {} if template is None else {"template_name": template}
            text, _ = get_exporter(name)(**options).from_notebook_node(notebook)
            Path(f"{name}-{template}").write_text(text)
        except Exception as error:
            print(name, template, type(error).__name__)
