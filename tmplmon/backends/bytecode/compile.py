"""A program to code objects: one function for the template body and one for each block.

Rule: the functions are written as one module, compiled, and the module's own code is never run: its `def`s would
count as lines of the template. Each function's code is taken out of it, named for the reader (`<template>`,
`block title`, `macro input`) and freed of the line that stands for no line.
"""

import ast
from types import CodeType

from tmplmon.backends.bytecode import loops, pyast, statements, values
from tmplmon.backends.bytecode.function import CONTEXT, LOCALS, OUTPUT, PARENT, YIELD, Function
from tmplmon.backends.bytecode.link import Traits
from tmplmon.backends.bytecode.links import Links
from tmplmon.backends.bytecode.names import python_names
from tmplmon.backends.bytecode.pyast import NOWHERE, Place
from tmplmon.backends.code import Code
from tmplmon.errors import TemplateSyntaxError
from tmplmon.ir import ops
from tmplmon.monitoring.linetable import without_line
from tmplmon.records import record


@record
class Target:
    """What the code is made for.

    filters, tests: name → (the first argument it wants or None, is it the stock one).
    finalize: None, or a tuple of the first argument that the environment's finalize wants.
    native: values are put out as they are, not as text.
    traced: pieces of output are put out one by one, with where they come from; see `runtime.origins`.
    stepping: a run of output ends where its op does; see `Environment.stepping`.
    stock_getattr, stock_getitem: whether attributes and items are looked up by the engine's own rules.
    """

    filters: Traits
    tests: Traits
    is_async: bool = False
    finalize: tuple[str | None] | None = None
    native: bool = False
    traced: bool = False
    stepping: bool = False
    stock_getattr: bool = True
    stock_getitem: bool = True


def compile_program(program: ops.Program, target: Target, generating: bool = False) -> Code:
    """Compile a program. Raises TemplateSyntaxError for one that CPython has no room for."""
    return Compiler(program, target).compile(generating)


def compile_expression(program: ops.Program, result: ops.Op, target: Target) -> Code:
    """Compile a program whose root leaves the value of an expression in `result`."""
    return Compiler(program, target).expression(program.root, result)


def program_to_ast(program: ops.Program, target: Target, generating: bool = False) -> ast.Module:
    """The Python code of a program, as what `compile` is given."""
    return Compiler(program, target).module(generating)


class Compiler:
    """What the functions of one template share while they are made."""

    def __init__(self, program: ops.Program, target: Target) -> None:
        self.program = program
        self.target = target
        self.links = Links()
        # Name of a function in the code → what readers see, and its first line.
        self.labels: dict[str, tuple[str, int]] = {}
        self.names: dict[ops.Slot, str] = {}
        self.loops: dict[ops.LoopUse, loops.Counts] = {}
        self.macro_codes: dict[ops.MakeMacro, str] = {}
        self.notes: dict[ops.Slot, str] = {}
        self.pure = True  # the function being made uses its context for nothing but its prologue
        self._number = 0

    def next_number(self) -> int:
        self._number += 1
        return self._number

    def module(self, generating: bool) -> ast.Module:
        functions = [self.function(scope, generating) for scope in self.program.blocks.values()]
        return pyast.module([self.function(self.program.root, generating), *functions])

    def function(self, scope: ops.Scope, generating: bool) -> ast.stmt:
        self.names.update(python_names(scope))
        f = Function(self, scope, YIELD if generating else OUTPUT)
        self.pure = True
        if scope.extends:
            f.set(PARENT, pyast.const(None, NOWHERE), NOWHERE)
        f.prologue()
        statements.statements(f, scope.body)
        if scope.extends:
            statements.finish_template(f, scope)
        if generating:
            # A function that yields nothing must still be a generator.
            nothing = pyast.evaluate(pyast.yield_(pyast.const(None, NOWHERE), NOWHERE), NOWHERE)
            f.body.insert(0, pyast.if_(pyast.const(False, NOWHERE), [nothing], [], NOWHERE))
        name = _name(scope)
        self.labels[name] = scope.label, scope.position[0]
        parameters = [CONTEXT] if generating else [CONTEXT, OUTPUT]
        if scope is self.program.root and self.pure:
            f.look_in_locals()
            parameters.append(LOCALS)
        return pyast.function(name, parameters, f.whole(), asynchronous=self.target.is_async)

    def expression(self, scope: ops.Scope, result: ops.Op) -> Code:
        """The code of an expression: a function of a context."""
        self.names.update(python_names(scope))
        f = Function(self, scope, OUTPUT)
        f.prologue()
        statements.statements(f, scope.body)
        at = f.at(scope.lines[0])
        f.body.append(pyast.return_(values.value(f, result), at))
        self.labels[".root"] = scope.label, scope.position[0]
        return self.made(pyast.module([pyast.function(".root", [CONTEXT], f.whole())]))

    def compile(self, generating: bool) -> Code:
        return self.made(self.module(generating))

    def made(self, module: ast.Module) -> Code:
        program = self.program
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
        found = {
            const.co_name: self.finished(const, "") for const in code.co_consts if isinstance(const, CodeType)
        }
        return Code(
            found[_name(program.root)],
            {name: found[_name(scope)] for name, scope in program.blocks.items()},
            frozenset(name for name, scope in program.blocks.items() if scope.required),
            LOCALS in found[_name(program.root)].co_varnames,
            tuple((name, kind, detail) for (kind, detail), name in self.links.names.items()),
        )

    def finished(self, code: CodeType, within: str) -> CodeType:
        """The code with the names that readers see, and those of the functions in it."""
        label, line = self.labels.get(code.co_name, (code.co_name, 1))
        qualified = f"{within}{label}"
        consts = tuple(
            self.finished(const, f"{qualified}.") if isinstance(const, CodeType) else const
            for const in code.co_consts
        )
        named = code.replace(co_name=label, co_qualname=qualified, co_consts=consts)
        return without_line(named, pyast.NO_LINE, line)

    # Notes of variables that hold no dict: taken once, where the attributes are read often.

    def note_type(self, f: Function, slot: ops.Slot) -> None:
        if not _is_noted(slot):
            return
        note = self.notes.get(slot)
        if note is None:
            note = self.notes[slot] = f".object{self.next_number()}"
        at = f.quiet
        f.set(note, self.type_is_no_dict(f, pyast.name(f.name(slot), at), at), at)

    def is_no_dict(self, f: Function, op: ops.Op, value: ast.expr, at: Place) -> ast.expr:
        """Whether the value of an op is anything but a dict."""
        note = self.notes.get(op.slot) if isinstance(op, ops.Load) else None
        return self.type_is_no_dict(f, value, at) if note is None else pyast.name(note, at)

    def type_is_no_dict(self, f: Function, value: ast.expr, at: Place) -> ast.expr:
        kind = pyast.call(f.python("type", at), [value], at)
        return pyast.compare(kind, [ast.IsNot()], [f.python("dict", at)], at)


def _is_noted(slot: ops.Slot) -> bool:
    kinds = (ops.SlotKind.CONTEXT, ops.SlotKind.BOUND)
    return slot.kind in kinds and slot.attributes > 1 and not slot.assigned


def _name(scope: ops.Scope) -> str:
    return ".root" if scope.kind is ops.ScopeKind.TEMPLATE else f".block:{scope.name}"
