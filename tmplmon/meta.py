"""Analysis of templates that are not run: the variables that a template uses, and the templates that it refers to.

Rule: both functions take the result of `Environment.parse`. The variables are those that the lowered template
looks up, so they are the same as at run time.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tmplmon import pipeline
from tmplmon.errors import TemplateSyntaxError
from tmplmon.ir.walk import scopes
from tmplmon.records import record
from tmplmon.syntax import nodes
from tmplmon.syntax.source import Source
from tmplmon.syntax.walk import walk

if TYPE_CHECKING:
    from tmplmon.environment import Environment


@record
class Tree(nodes.Template):
    """The tree of a template, with its source and the environment that parsed it."""

    environment: "Environment"
    source: Source


def parsed(environment: "Environment", source: str, name: str | None, filename: str | None) -> Tree:
    """Parse a source.

    name, filename: of the template, for errors.

    Raises TemplateSyntaxError.
    """
    try:
        tree, parsed_source = pipeline.parse(environment, source, name, filename or "<template>")
    except TemplateSyntaxError as error:
        error.in_file(filename)
        raise
    return Tree(tree.start, tree.end, tree.body, environment, parsed_source)


def find_undeclared_variables(ast: Tree) -> set[str]:
    """The names that a template may look up in its context, without the globals of the environment.

    ast: the result of `Environment.parse`.

    A name is included if there is a path through the template on which it is looked up. Raises
    TemplateAssertionError if the template cannot be compiled, for example because a filter does not exist.
    """
    from tmplmon.ir.lower import lower

    environment = ast.environment
    program = lower(ast, ast.source, environment.lower_options(ast.source.name))
    names = {name for scope in scopes(program) for name in scope.context}
    return names - environment.globals.keys()


def find_referenced_templates(ast: Tree) -> Iterator[str | None]:
    """The names of the templates that a template extends, includes or imports, in source order.

    ast: the result of `Environment.parse`.

    A reference whose name is not a string literal is given as None. A name is repeated if it is written repeatedly.
    """
    for node in walk(ast):
        if isinstance(node, (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
            template = node.template
            if isinstance(template, (nodes.TupleExpr, nodes.ListExpr)):
                # Constants that are not strings cannot be the name of a template.
                for item in template.items:
                    if not isinstance(item, nodes.Const) or isinstance(item.value, str):
                        yield _text(item)
            else:
                yield _text(template)


def _text(expr: nodes.Expr) -> str | None:
    return expr.value if isinstance(expr, nodes.Const) and isinstance(expr.value, str) else None
