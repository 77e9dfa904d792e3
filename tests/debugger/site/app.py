"""Renders a template, with a debugger: app.py HOW TEMPLATE [BACKEND [PDB_BACKEND]]."""

import json
import sys

from tmplmon import Environment, FileSystemLoader

how, name, backend, pdb_backend = [*sys.argv[1:], "bytecode", "settrace"][:4]
extensions = ["tmplmon.ext.breakpoint"] if how == "tag" else []
environment = Environment(
    loader=FileSystemLoader("templates"), autoescape=True, backend=backend, extensions=extensions
)


def hello(name):
    text = "Hello " + name
    return text


def main():
    with open("data.json") as file:
        data = json.load(file)
    template = environment.get_template(name)
    if how == "pdb":
        from tmplmon.tools.debugger import set_trace

        set_trace(backend=pdb_backend)
    return template.render(data, hello=hello, unused=5)


try:
    print(len(main()), "characters")
except Exception as error:
    if how != "post_mortem":
        raise
    from tmplmon.tools.debugger import post_mortem

    post_mortem(error)
