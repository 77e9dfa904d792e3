"""Breakpoints of templates, and one in a function that a template calls: stops.py BACKEND."""

import sys

from tmplmon import Environment, FileSystemLoader
from tmplmon.tools.debugger import set_trace

environment = Environment(
    loader=FileSystemLoader("templates"), backend=sys.argv[1], extensions=["tmplmon.ext.breakpoint"]
)


def stop(text):
    set_trace()
    return text


print(len(environment.get_template("child.html").render(title="People", stop=stop)), "characters")
