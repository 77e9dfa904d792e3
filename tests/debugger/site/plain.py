"""Renders a template under Python's own pdb, as it is: plain.py HOW BACKEND [PDB_BACKEND].

In functions that the template calls, pdb begins there, and templates are compiled to be stepped through. With HOW
`before` it begins before the template, which is compiled as any other.
"""

import pdb
import sys

from tmplmon import Environment, FileSystemLoader

how, backend, watching = [*sys.argv[1:], "settrace"][:3]
environment = Environment(
    loader=FileSystemLoader("templates"),
    backend=backend,
    extensions=[] if how == "before" else ["tmplmon.ext.breakpoint"],
)


def stop():
    options = {"backend": watching} if sys.version_info >= (3, 14) else {}
    if backend == "bytecode":
        options["skip"] = ["tmplmon.*"]  # in the other back end the debugger is told so
    pdb.Pdb(**options).set_trace(sys._getframe(1))


def hello(name):
    if name == "Ann" and how != "before":
        stop()
    text = "Hello " + name
    return text


def value(row):
    if row == 1:
        stop()
    return str(row)


def render():
    users = [{"name": "Ann"}, {"name": "Bob"}]
    template = environment.get_template("maybe.html" if how == "maybe" else "page.html")
    if how == "before":
        stop()
    text = template.render(users=users, links=["a"], title="t", hello=hello)
    return text


def generate():
    pieces = []
    for piece in environment.get_template("rows.html").generate(rows=[1, 2], value=value):
        pieces.append(piece)
    return "".join(pieces)


def fail():
    return environment.get_template("broken.html").render(title="t", items=[{"net": 5}, {"net": None}])


try:
    text = {"generate": generate, "fail": fail}.get(how, render)()
except TypeError as error:
    pdb.post_mortem(error.__traceback__)
else:
    print(len(text), "characters")
