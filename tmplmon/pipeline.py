"""From a template's source to what runs it, pass by pass. Read this file first.

    source ─► tokens ─► tree ─► program (IR) ─► code ─► functions
             lexer     parser   lower          back end  link

Each pass takes the result of the one before it. No later pass reads the source text again. The modules of
the passes are imported when they are first needed: a template from the disk cache needs only the last one.
"""

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from tmplmon.recursion import with_raised_recursion_limit

if TYPE_CHECKING:
    import ast

    from tmplmon.backends.bytecode.unit import Target
    from tmplmon.backends.closures.compile import ClosureCode
    from tmplmon.backends.code import Code
    from tmplmon.backends.compiled import CompiledTemplate
    from tmplmon.ir.lower import Options
    from tmplmon.ir.ops import Program
    from tmplmon.syntax.lexer import Syntax
    from tmplmon.syntax.nodes import Template as Tree
    from tmplmon.syntax.source import Source


class CompilerSettings(Protocol):
    """What the passes read of an environment."""

    @property
    def backend(self) -> str:
        """`bytecode` or `closures`."""
        ...

    @property
    def syntax(self) -> "Syntax":
        """What the lexer and the parser need: delimiters, lexical options, tags."""
        ...

    def foreign_tree(self, source: "Source") -> "Tree | None":
        """The tree of a source that another parser reads; None if the parser of `syntax` is to read it."""
        ...

    def lower_options(self, name: str | None) -> "Options":
        """What lowering the template of this name needs."""
        ...

    def bytecode_target(self, is_async: bool | None = None) -> "Target":
        """What the bytecode back end needs."""
        ...


def parse(settings: CompilerSettings, text: str, name: str | None, filename: str) -> "tuple[Tree, Source]":
    """Parse a source. Returns the tree and the source with its positions. Raises TemplateSyntaxError."""
    from tmplmon.syntax.parser import parse as parse_source
    from tmplmon.syntax.source import Source

    source = Source(text, name, filename)
    tree = settings.foreign_tree(source)
    return (parse_source(source, settings.syntax) if tree is None else tree), source


def lower(settings: CompilerSettings, text: str, name: str | None, filename: str) -> "Program":
    """Parse and lower a source: in the program, names are resolved and event sites numbered.

    Raises TemplateSyntaxError.
    """
    from tmplmon.ir.lower import lower as lower_tree

    tree, source = parse(settings, text, name, filename)
    options = settings.lower_options(name)
    return with_raised_recursion_limit(lambda: lower_tree(tree, source, options), name, filename)


def compile_to_closures(
    settings: CompilerSettings, text: str, name: str | None, filename: str
) -> "ClosureCode":
    """Compile a source with the closures back end. Raises TemplateSyntaxError."""
    from tmplmon.backends.closures.compile import ClosureCode

    return _without_collections(lambda: ClosureCode(lower(settings, text, name, filename)))


def compile_to_bytecode(
    settings: CompilerSettings, text: str, name: str | None, filename: str, generating: bool = False
) -> "Code":
    """Compile a source with the bytecode back end.

    generating: compile generator functions, which yield their output.

    Raises TemplateSyntaxError.
    """
    from tmplmon.backends.bytecode.compile import compile_program

    def compile_source() -> "Code":
        program = lower(settings, text, name, filename)
        target = settings.bytecode_target()
        return with_raised_recursion_limit(
            lambda: compile_program(program, target, generating), name, filename
        )

    return _without_collections(compile_source)


def _without_collections[T](work: Callable[[], T]) -> T:
    """Call `work` while the garbage collector is paused. A large template makes a million objects that live until
    it is compiled. Collections in between would free nothing, and took half of the time."""
    was_enabled = gc.isenabled()
    try:
        # In the `try`, because a signal handler may raise an exception after any call.
        gc.disable()
        return work()
    finally:
        if was_enabled:
            gc.enable()


def python_of(settings: CompilerSettings, text: str, name: str | None, filename: str) -> "ast.Module":
    """Return the Python code that the bytecode back end compiles for a source. Raises TemplateSyntaxError."""
    from tmplmon.backends.bytecode.compile import program_to_ast

    program = lower(settings, text, name, filename)
    target = settings.bytecode_target()
    return with_raised_recursion_limit(lambda: program_to_ast(program, target), name, filename)


def compile_expression(settings: CompilerSettings, text: str) -> "CompiledTemplate":
    """Compile the source of an expression, without delimiters. Raises TemplateSyntaxError."""
    from tmplmon.ir.lower import lower_expression
    from tmplmon.ir.ops import Load, Program
    from tmplmon.syntax.parser import parse_expression
    from tmplmon.syntax.source import Source

    source = Source(text, None, "<expression>")
    tree = parse_expression(source, settings.syntax)
    options = settings.lower_options(None)
    scope, result = lower_expression(tree, source, options)
    program = Program(None, source.filename, scope, {}, options.autoescape)
    if settings.backend == "closures":
        from tmplmon.backends.closures.compile import ClosureCode

        assert isinstance(result, Load)
        return ClosureCode(program, result.slot)
    from tmplmon.backends.bytecode.compile import compile_expression as compile_scope

    return compile_scope(program, result, settings.bytecode_target(is_async=False))
