"""From a template's source to what runs it, pass by pass. The first file to read.

    source ─► tokens ─► tree ─► program (IR) ─► code ─► functions
             lexer     parser   lower          back end  link

Each pass is a function of the one before; nothing in a later pass looks at the source text again. The modules of
the passes are imported when they are first needed: a template that the disk cache has needs only the last one.
"""

import gc
from types import CodeType
from typing import TYPE_CHECKING, Any

from tmplmon.recursion import with_raised_recursion_limit
from tmplmon.runtime.markers import is_inlinable, pass_arg_of

if TYPE_CHECKING:
    import ast

    from tmplmon.backends.bytecode.unit import Target
    from tmplmon.backends.code import Code
    from tmplmon.ir.ops import Program
    from tmplmon.syntax.nodes import Template as Tree
    from tmplmon.syntax.source import Source


def parse(environment: Any, text: str, name: str | None, filename: str) -> "tuple[Tree, Source]":
    """Source to tree."""
    from tmplmon.syntax.parser import parse as parse_source
    from tmplmon.syntax.source import Source

    source = Source(text, name, filename)
    return parse_source(source, environment.syntax), source


def lower(environment: Any, text: str, name: str | None, filename: str) -> "Program":
    """Source to program: the tree with its names resolved and its event sites numbered."""
    from tmplmon.ir.lower import lower as lower_tree

    tree, source = parse(environment, text, name, filename)
    options = environment.lower_options(name)
    return with_raised_recursion_limit(lambda: lower_tree(tree, source, options), name, filename)


def compile_template(
    environment: Any, text: str, name: str | None, filename: str, generating: bool = False
) -> "Code":
    """Source to code, by the environment's back end.

    The garbage collector is paused meanwhile: a big template makes a million objects that all live until it is
    done, and looking through them again and again took half of the time.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return _compile_template(environment, text, name, filename, generating)
    finally:
        if collecting:
            gc.enable()


def _compile_template(
    environment: Any, text: str, name: str | None, filename: str, generating: bool
) -> "Code":
    program = lower(environment, text, name, filename)
    if environment.backend == "closures":
        from tmplmon.backends.closures.compile import ClosureCode

        return ClosureCode(program)  # type: ignore[return-value]
    from tmplmon.backends.bytecode.compile import compile_program

    wanted = target(environment)
    return with_raised_recursion_limit(lambda: compile_program(program, wanted, generating), name, filename)


def python_of(environment: Any, text: str, name: str | None, filename: str) -> "ast.Module":
    """Source to the Python code that the bytecode back end compiles."""
    from tmplmon.backends.bytecode.compile import program_to_ast

    program = lower(environment, text, name, filename)
    wanted = target(environment)
    return with_raised_recursion_limit(lambda: program_to_ast(program, wanted), name, filename)


def compile_expression(environment: Any, text: str) -> CodeType:
    """An expression's source to the code of a function of a context."""
    from tmplmon.ir.lower import lower_expression
    from tmplmon.ir.ops import Load, Program
    from tmplmon.syntax.parser import parse_expression
    from tmplmon.syntax.source import Source

    source = Source(text, None, "<expression>")
    tree = parse_expression(source, environment.syntax)
    options = environment.lower_options(None)
    scope, result = lower_expression(tree, source, options)
    program = Program(None, source.filename, scope, {}, options.autoescape)
    if environment.backend == "closures":
        from tmplmon.backends.closures.compile import ClosureCode

        assert isinstance(result, Load)
        return ClosureCode(program, result.slot)  # type: ignore[return-value]
    from tmplmon.backends.bytecode.compile import compile_expression as compile_scope

    return compile_scope(program, result, target(environment, is_async=False))  # type: ignore[return-value]


def target(environment: Any, is_async: bool | None = None) -> "Target":
    """What the bytecode back end has to know of an environment."""
    from tmplmon.backends.bytecode.link import Traits
    from tmplmon.backends.bytecode.unit import Target

    finalize = environment.finalize
    return Target(
        Traits(environment.filters, environment._stock_filters),
        Traits(environment.tests, environment._stock_tests),
        environment.is_async if is_async is None else is_async,
        None if finalize is None else (pass_arg_of(finalize),),
        environment._native,
        environment.source_map,
        environment.stepping,
        is_inlinable(environment.getattr),
        is_inlinable(environment.getitem),
    )
