"""What a template asks of others: the includes, imports and parents in its program, and what it offers them.

Rule: only constants count. A name that is computed when the template runs is not guessed; it makes the answer
"unknown" where an answer would need it.
"""

from dataclasses import dataclass, field
from typing import Any

from tmplmon.ir import ops
from tmplmon.ir.walk import scope_nodes, scopes


@dataclass(slots=True)
class Reference:
    """One include, import or extends.

    `choices` are the names it may load: it needs one of each inner list. `dynamic`: there may be others, which are
    only known when it runs. `hands_on` are the variables that the other template gets to see; None where it gets
    no context at all.
    """

    op: ops.Include | ops.Import | ops.Extends
    scope: ops.Scope
    choices: list[list[str]]
    dynamic: bool
    hands_on: set[str] | None

    @property
    def targets(self) -> list[str]:
        return [name for names in self.choices for name in names]

    @property
    def ignores_missing(self) -> bool:
        return isinstance(self.op, ops.Include) and self.op.ignore_missing


@dataclass(slots=True)
class Facts:
    """What is known of a template from its program alone. `exports` are the names it sets at its top level,
    `offers` those that blocks of other templates may see besides."""

    program: ops.Program
    references: list[Reference] = field(default_factory=list)
    exports: set[str] = field(default_factory=set)
    offers: set[str] = field(default_factory=set)


def facts(program: ops.Program) -> Facts:
    found = Facts(program)
    for scope in scopes(program):
        for node in scope_nodes(scope):
            if isinstance(node, ops.Include | ops.Import):
                names = {local.name for local in node.locals} if node.with_context else None
                found.references.append(Reference(node, scope, *choices(node.template), names))
            elif isinstance(node, ops.Extends):
                found.references.append(Reference(node, scope, *choices(node.template), set()))
            elif isinstance(node, ops.CallBlock):
                found.offers.update(local.name for local in node.locals)
            if isinstance(node, ops.Assign | ops.MakeMacro | ops.Import):
                found.exports.update(slot.name for slot in node.export)
    return found


def choices(op: Any) -> tuple[list[list[str]], bool]:
    """(names, dynamic) of the expression that says which template is meant, as in `Reference`."""
    found: list[list[str]] = []
    dynamic = False
    pending = [op]
    while pending:
        each = pending.pop()
        if isinstance(each, ops.Const) and isinstance(each.value, str):
            found.append([each.value])
        elif isinstance(each, ops.Build) and each.kind in ("list", "tuple"):
            names = [item.value for item in each.items if isinstance(item, ops.Const)]
            # With a computed name among them there is no telling whether the list as a whole has one.
            if len(names) == len(each.items):
                found.append([name for name in names if isinstance(name, str)])
            else:
                dynamic = True
        elif isinstance(each, ops.Conditional):
            pending += [each.body] if each.orelse is None else [each.orelse, each.body]
        else:
            dynamic = True
    return found, dynamic
