"""The bytecode back end: compiles a template to Python functions that carry the template's own lines and columns.

The modules, from the entry point down to what the others use:

compile                          a program to code objects
statements, templates, loops     statement ops
body                             a list of statement ops, and what a function starts with
output, texts                    runs of output, and the text of a value
calls, inline, values, operands  value ops
function, unit, counts, names    the state of one function, of one template, of one loop; variable names
pyast                            nodes of Python's ast
links, link                      what generated code needs from outside, and how it is bound to that

A module imports only modules below it. The tables that map ops to the functions of higher modules are passed in
with the `CompilationUnit`.
"""
