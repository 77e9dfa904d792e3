"""A breakpoint in a file before there is an environment; a template that is in no file: unknown.py BACKEND."""

import os
import sys

from tmplmon import DictLoader, Environment, FileSystemLoader
from tmplmon.tools.debugger import Pdb

debugger = Pdb()
debugger.set_break(os.path.abspath("templates/nav.html"), 4)
files = Environment(loader=FileSystemLoader("templates"), backend=sys.argv[1])
memory = Environment(loader=DictLoader({"shop/memory.html": "one\n\n{{ x }}\n# two\n"}), backend=sys.argv[1])
debugger.set_trace()
files.get_template("nav.html").render(links=["a"])
memory.get_template("shop/memory.html").render(x=1)
