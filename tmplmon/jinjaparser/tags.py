"""The tags of tmplmon's own extensions, in templates that Jinja2's parser reads.

Rule: a tag that is a method (`tmplmon.ext.tag`) is read here. The tags that tmplmon's built-in extensions enable
are read by Jinja2's own extensions for these tags.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from jinja2 import nodes
from jinja2.parser import Parser

if TYPE_CHECKING:
    from tmplmon.ext import Extension

# Built-in tag → the class in `jinja2.ext` that reads it.
_BUILT_IN = {
    "do": "ExprStmtExtension",
    "break": "LoopControlExtension",
    "continue": "LoopControlExtension",
    "trans": "InternationalizationExtension",
}


class OwnTag:
    """A tag that is a method, among Jinja2's nodes. (Jinja2 does not allow other classes of nodes, but everything
    that walks its trees only uses these methods.)

    args, kwargs, dyn_args, dyn_kwargs: as of `jinja2.nodes.Call`.
    body: the nodes in it; None for a tag without a body.
    """

    fields = ("args", "kwargs", "dyn_args", "dyn_kwargs", "body")

    def __init__(self, name: str, lineno: int, call: nodes.Call, body: list[nodes.Node] | None) -> None:
        self.name = name
        self.lineno = lineno
        self.args, self.kwargs = call.args, call.kwargs
        self.dyn_args, self.dyn_kwargs = call.dyn_args, call.dyn_kwargs
        self.body = body
        self.environment: Any = None

    def iter_child_nodes(self, exclude: Any = None, only: Any = None) -> Iterator[Any]:
        """The nodes in the arguments and in the body."""
        yield from (*self.args, *self.kwargs)
        yield from (node for node in (self.dyn_args, self.dyn_kwargs) if node is not None)
        yield from self.body or ()

    def find_all(self, node_type: Any) -> Iterator[Any]:
        """All nodes below this one that are of a class."""
        for child in self.iter_child_nodes():
            if isinstance(child, node_type):
                yield child
            yield from child.find_all(node_type)


def read_tag(extension: "Extension", parser: Parser) -> Any:
    """Read a tag of one of tmplmon's own extensions, whose name is the current token. Returns Jinja2's nodes, or an
    `OwnTag`. Raises NotImplementedError if the extension has the tag but no method that reads it."""
    name = parser.stream.current.value
    method_tag = extension.method_tags.get(name)
    if method_tag is not None:
        return _read_method_tag(parser, method_tag.body)
    if name == "debug":
        return _read_method_tag(parser, has_body=False)
    if name not in _BUILT_IN or name not in extension.syntax_tags:
        raise NotImplementedError(f"{extension.identifier} has a tag {name!r}, but no method `parse`")
    from jinja2 import ext  # which needs the environment that imports this module in `as_jinja2`

    reader = object.__new__(getattr(ext, _BUILT_IN[name]))
    reader.__dict__.update(extension.__dict__)
    return reader.parse(parser)


def _read_method_tag(parser: Parser, has_body: bool) -> OwnTag:
    """Read ``{% name argument, key=value %}`` and, if it has one, the body up to ``{% endname %}``."""
    token = next(parser.stream)
    call = _read_arguments(parser)
    body = None
    if has_body:
        body = parser.parse_statements((f"name:end{token.value}",), drop_needle=True)
    return OwnTag(token.value, token.lineno, call, body)


def _read_arguments(parser: Parser) -> nodes.Call:
    """Read the arguments up to the end of the tag, which are those of a call without the brackets."""
    stream = parser.stream
    args: list[nodes.Expr] = []
    kwargs: list[nodes.Keyword] = []
    star: nodes.Expr | None = None
    double_star: nodes.Expr | None = None
    while stream.current.type != "block_end":
        if args or kwargs or star is not None or double_star is not None:
            stream.expect("comma")
        token = stream.current
        if double_star is not None:
            parser.fail("no argument can follow one with **", token.lineno)
        if stream.skip_if("pow"):
            double_star = parser.parse_expression()
        elif stream.skip_if("mul"):
            star = parser.parse_expression()
        elif token.type == "name" and stream.look().type == "assign":
            stream.skip(2)
            kwargs.append(nodes.Keyword(token.value, parser.parse_expression(), lineno=token.lineno))
        elif kwargs or star is not None:
            parser.fail("a positional argument cannot follow this one", token.lineno)
        else:
            args.append(parser.parse_expression())
    return nodes.Call(nodes.Const(None), args, kwargs, star, double_star)
