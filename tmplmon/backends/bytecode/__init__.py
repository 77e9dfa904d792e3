"""The bytecode back end: a template becomes Python functions, with the template's own lines in them.

compile      a program to code objects: the place to begin
function     one function under construction
names        what the template's variables are called in it
values, builtin, output, statements, loops       the ops of the IR
pyast        nodes of Python's ast, made fast
links, link  what code needs of the world outside it, and how it gets that
"""
