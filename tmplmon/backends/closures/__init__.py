"""The closures back end: a template as a tree of Python closures, for templates that must not become code.

Nothing here generates code: no `exec`, no `compile`. The modules in the order in which they are met:

    compile      a program to the functions of a template
    scope        what runs as one function: its trees, its entry, what tools see of it
    frame        the variables of one run, and where an exception came up
    core         IR ops to closures: what the modules below share
    parts        what a value op consists of
    values       each value op by its definition              (bytecode: values)
    calls        those that call something
    shapes       common shapes of value ops, faster
    builtin      stock filters and tests in place             (bytecode: builtin)
    output       runs of output                               (bytecode: output)
    statements   statements                                   (bytecode: statements)
    loops        loops                                        (bytecode: loops)
    templates    blocks, inheritance, includes, imports
    suspending   closures that run other closures, for trees that may suspend: `generate`, coroutines
    plain        the same for those that do not; generated from suspending
    awaiting     awaiting values and yielding output
    signals      what the trees that are seen by tools have in addition
    monitored    the table of a scope's sites (`ir.plan`), with those of the templates it includes
"""
