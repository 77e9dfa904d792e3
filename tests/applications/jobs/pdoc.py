"""Documents modules of the standard library and of pdoc, with its own templates."""

from pathlib import Path

import pdoc
import pdoc.render

pdoc.render.configure(docformat="google", footer_text="Footer & more", search=True)
pdoc.pdoc("textwrap", "pdoc.doc_types", "shlex", output_directory=Path("out"))
