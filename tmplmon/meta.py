"""What can be told of a template without running it: the names it needs, the templates it refers to.

Rule: both functions take what `Environment.parse` gives. Which names a template looks up is what its lowering says,
so it is what happens when the template runs.
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
    """The tree of a template, with the source it was parsed from and the environment whose options it has."""

    environment: "Environment"
    source: Source


def parsed(environment: "Environment", source: str, name: str | None, filename: str | None) -> Tree:
    """The tree of a source. Raises TemplateSyntaxError.

    name, filename: for errors.
    """
    try:
        tree, parsed_source = pipeline.parse(environment, source, name, filename or "<template>")
    except TemplateSyntaxError as error:
        error.filename = filename
        raise
    return Tree(tree.start, tree.end, tree.body, environment, parsed_source)


def find_undeclared_variables(ast: Tree) -> set[str]:
    """The names that the template may look up in its context when it runs, without those of the environment's
    globals.

    Which way the template takes cannot be known, so a name counts if there is any on which it is looked up. Raises
    TemplateAssertionError where compiling the template would, such as for a filter that there is not.
    """
    from tmplmon.ir.lower import lower

    environment = ast.environment
    program = lower(ast, ast.source, environment.lower_options(ast.source.name))
    names = {name for scope in scopes(program) for name in scope.context}
    return names - environment.globals.keys()


def find_referenced_templates(ast: Tree) -> Iterator[str | None]:
    """The names of the templates that the template extends, includes or imports, in their order, and None for each
    that is not written as a text. A name comes as often as it is written."""
    for node in walk(ast):
        if isinstance(node, (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
            template = node.template
            if isinstance(template, (nodes.TupleExpr, nodes.ListExpr)):
                # A constant among them that is no text cannot be a template's name.
                for item in template.items:
                    if not isinstance(item, nodes.Const) or isinstance(item.value, str):
                        yield _text(item)
            else:
                yield _text(template)


def _text(expr: nodes.Expr) -> str | None:
    return expr.value if isinstance(expr, nodes.Const) and isinstance(expr.value, str) else None
