"""The closures back end: a template as a tree of Python closures, for templates that must not become code.

It generates no code: there is no `exec` and no `compile`. A module imports only modules that stand above it; those
of the last group are imported when the first tool starts:

    what trees are built with
        frame        the frame of one run: variables, output, what fires events
        core         the builder of a tree, closures in sequence, writers of output
        constants    filters, tests, undefined values and settings of the environment
        variables    assignment, first values, exports
    closures that run other closures
        awaiting     awaiting values, yielding output
        plain        generated from suspending, for trees that are never suspended
        suspending   the one definition, for trees that may be suspended: `generate`, coroutines
    values
        callers      the template's line for the functions that it calls
        definitions  the definition of a value op, and its closure
        calls        functions, macros, filters, tests
        shapes       common shapes of value ops, faster
        values       each value op by its definition
        texts        values as text
    statements
        templates    blocks, inheritance, includes, imports
        output       runs of output
        loops        loops
        statements   the other statements, and the table of all
    entering a scope
        tracebacks   where an exception came up, and the scope's frame in its traceback
        budget       what trees with a budget spend
        entry        the functions that run templates, blocks and macros
        scope        a scope: its trees, and what tools see of it
        compile      from a program to the functions of a template
    with tools
        signals      closures that fire events
        monitored    the table of a scope's sites (`ir.plan`), with those of the templates it includes
        inclusions   static includes as files of the including scope

The modules `calls`, `values`, `output`, `loops` and `statements` have counterparts of the same names in
`tmplmon.backends.bytecode`, which emit code for the same ops.
"""
