"""The references of a template to other templates (includes, imports, parents), and the names that it exports.

Rule: only constant names are followed. A name that is computed at run time makes the answer "unknown" where it
matters.
"""

from dataclasses import dataclass, field
from typing import Any

from tmplmon.ir import ops
from tmplmon.ir.walk import scope_nodes, scopes


@dataclass(slots=True)
class Reference:
    """An include, import or extends.

    choices: the names that may be loaded: one of each inner list is required. dynamic: whether names computed
    at run time are possible as well. passed_names: the variables that the other template sees; None if it
    gets no context.
    """

    op: ops.Include | ops.Import | ops.Extends
    scope: ops.Scope
    choices: list[list[str]]
    dynamic: bool
    passed_names: set[str] | None

    @property
    def targets(self) -> list[str]:
        """The names of all templates that may be loaded."""
        return [name for names in self.choices for name in names]

    @property
    def ignores_missing(self) -> bool:
        """Whether a missing template is ignored: ``{% include … ignore missing %}``."""
        return isinstance(self.op, ops.Include) and self.op.ignore_missing


@dataclass(slots=True)
class Facts:
    """What the program of a template shows. `exports`: the names that it sets at the top level. `offers`: the names
    that its block calls pass to overriding blocks."""

    program: ops.Program
    references: list[Reference] = field(default_factory=list)
    exports: set[str] = field(default_factory=set)
    offers: set[str] = field(default_factory=set)


def facts(program: ops.Program) -> Facts:
    """Collect the references and names of a program."""
    result = Facts(program)
    for scope in scopes(program):
        for node in scope_nodes(scope):
            if isinstance(node, ops.Include | ops.Import):
                names = {local.name for local in node.locals} if node.with_context else None
                result.references.append(Reference(node, scope, *choices(node.template), names))
            elif isinstance(node, ops.Extends):
                result.references.append(Reference(node, scope, *choices(node.template), set()))
            elif isinstance(node, ops.CallBlock):
                result.offers.update(local.name for local in node.locals)
            if isinstance(node, ops.Assign | ops.MakeMacro | ops.Import):
                result.exports.update(slot.name for slot in node.export)
    return result


def choices(op: Any) -> tuple[list[list[str]], bool]:
    """Return `Reference.choices` and `Reference.dynamic` for the expression that names a template."""
    names: list[list[str]] = []
    dynamic = False
    pending = [op]
    while pending:
        expression = pending.pop()
        if isinstance(expression, ops.Const) and isinstance(expression.value, str):
            names.append([expression.value])
        elif isinstance(expression, ops.Build) and expression.kind in ("list", "tuple"):
            values = [item.value for item in expression.items if isinstance(item, ops.Const)]
            # A list with a computed name may name an existing template even if none of its constants does.
            if len(values) == len(expression.items):
                names.append([value for value in values if isinstance(value, str)])
            else:
                dynamic = True
        elif isinstance(expression, ops.Conditional):
            pending += (
                [expression.body] if expression.orelse is None else [expression.orelse, expression.body]
            )
        else:
            dynamic = True
    return names, dynamic
