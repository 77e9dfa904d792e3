"""A program to code objects: one function for the template body and one for each block.

Rule: the functions are compiled as the body of one module. The code of the module itself never runs, because its
``def`` statements would count as lines of the template. The code of each function is taken out of it, gets the name
that readers see (`<template>`, `block title`, `macro input`), and loses the line that stands for no line.
"""

import ast
from types import CodeType

from tmplmon.backends.bytecode import calls, loops, pyast, statements, templates, values
from tmplmon.backends.bytecode.body import prologue
from tmplmon.backends.bytecode.body import statements as compile_statements
from tmplmon.backends.bytecode.function import CONTEXT, DETACHED, LOCALS, OUTPUT, PARENT, YIELD, Function
from tmplmon.backends.bytecode.names import python_names
from tmplmon.backends.bytecode.operands import value
from tmplmon.backends.bytecode.pyast import NOWHERE
from tmplmon.backends.bytecode.unit import CompilationUnit, Target
from tmplmon.backends.code import Code
from tmplmon.errors import TemplateSyntaxError
from tmplmon.ir import ops
from tmplmon.monitoring.linetable import without_line

_VALUES = {**values.VALUES, **calls.VALUES}
_STATEMENTS = {**statements.STATEMENTS, **templates.STATEMENTS, **loops.STATEMENTS}


def compile_program(program: ops.Program, target: Target, generating: bool = False) -> Code:
    """The code of a program.

    generating: whether the functions are generators that yield their output, instead of appending it to a list.

    Raises TemplateSyntaxError if the program exceeds a limit of CPython's compiler.
    """
    unit = _unit(program, target)
    return _code(unit, _module(unit, generating))


def compile_expression(program: ops.Program, result: ops.Op, target: Target) -> Code:
    """The code of an expression, whose root is a function of a context.

    program: its root computes the expression. result: the op for the expression's value.

    Raises TemplateSyntaxError if the program exceeds a limit of CPython's compiler.
    """
    unit = _unit(program, target)
    scope = program.root
    unit.names.update(python_names(scope))
    f = Function(unit, scope, OUTPUT)
    prologue(f)
    compile_statements(f, scope.body)
    f.body.append(pyast.return_(value(f, result), f.at(scope.lines[0])))
    unit.labels[".root"] = scope.label, scope.position[0]
    return _code(unit, pyast.module([pyast.function(".root", [CONTEXT], f.whole()), *unit.detached]))


def program_to_ast(program: ops.Program, target: Target, generating: bool = False) -> ast.Module:
    """The Python code of a program, in the form that `compile_program` compiles."""
    return _module(_unit(program, target), generating)


def _unit(program: ops.Program, target: Target) -> CompilationUnit:
    return CompilationUnit(program, target, _VALUES, _STATEMENTS)


def _module(unit: CompilationUnit, generating: bool) -> ast.Module:
    blocks = [_function(unit, scope, generating) for scope in unit.program.blocks.values()]
    return pyast.module([_function(unit, unit.program.root, generating), *blocks, *unit.detached])


def _function(unit: CompilationUnit, scope: ops.Scope, generating: bool) -> ast.stmt:
    """The definition of the function of a template body or block."""
    unit.names.update(python_names(scope))
    f = Function(unit, scope, YIELD if generating else OUTPUT)
    unit.pure = True
    if scope.extends:
        f.set(PARENT, pyast.const(None, NOWHERE), NOWHERE)
    prologue(f)
    compile_statements(f, scope.body)
    if scope.extends:
        templates.finish_template(f, scope)
    if generating:
        # A function that yields nothing must still be a generator.
        yield_ = pyast.evaluate(pyast.yield_(pyast.const(None, NOWHERE), NOWHERE), NOWHERE)
        f.body.insert(0, pyast.if_(pyast.const(False, NOWHERE), [yield_], [], NOWHERE))
    name = _name(scope)
    unit.labels[name] = scope.label, scope.position[0]
    parameters = [CONTEXT] if generating else [CONTEXT, OUTPUT]
    if scope is unit.program.root and unit.pure:
        f.look_in_locals()
        parameters.append(LOCALS)
    return pyast.function(name, parameters, f.whole(), asynchronous=unit.target.is_async)


def _code(unit: CompilationUnit, module: ast.Module) -> Code:
    """Compile a module. Raises TemplateSyntaxError if it exceeds a limit of CPython's compiler."""
    program = unit.program
    try:
        code = compile(module, program.filename, "exec", dont_inherit=True, optimize=0)
    except (RecursionError, MemoryError, SyntaxError) as error:
        raise TemplateSyntaxError(
            f"the template is too deeply nested for Python's compiler: {error}",
            getattr(error, "lineno", None) or 1,
            program.name,
            program.filename,
            hint="move inner loops into macros or included templates",
        ) from error
    codes: dict[str, CodeType] = {}
    detached: dict[bytes, CodeType] = {}
    for function in _codes_in(code):
        if function.co_name == DETACHED:
            detached |= {inner.co_name.encode(): inner for inner in _codes_in(function)}
        else:
            codes[function.co_name] = function
    codes = {name: _labelled(unit, function, "", detached) for name, function in codes.items()}
    root = codes[_name(program.root)]
    return Code(
        root,
        {name: codes[_name(scope)] for name, scope in program.blocks.items()},
        frozenset(name for name, scope in program.blocks.items() if scope.required),
        LOCALS in root.co_varnames,
        tuple((name, kind, detail) for (kind, detail), name in unit.links.names.items()),
    )


def _codes_in(code: CodeType) -> list[CodeType]:
    return [const for const in code.co_consts if isinstance(const, CodeType)]


def _labelled(
    unit: CompilationUnit, code: CodeType, within: str, detached: dict[bytes, CodeType]
) -> CodeType:
    """A function's code with the names that readers see, for it and the functions in it.

    detached: the code of the functions that are compiled by themselves, by the constants that stand for it.
    """
    label, line = unit.labels.get(code.co_name, (code.co_name, 1))
    qualified = f"{within}{label}"
    inner = (detached[const] if type(const) is bytes else const for const in code.co_consts)
    consts = tuple(
        _labelled(unit, const, f"{qualified}.", detached) if isinstance(const, CodeType) else const
        for const in inner
    )
    named = code.replace(co_name=label, co_qualname=qualified, co_consts=consts)
    return without_line(named, pyast.NO_LINE, line)


def _name(scope: ops.Scope) -> str:
    return ".root" if scope.kind is ops.ScopeKind.TEMPLATE else f".block:{scope.name}"
