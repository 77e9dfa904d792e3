# ruff: noqa: E501
"""Extensions as they are written for Jinja2, one for each kind of node that only extensions make."""

from collections.abc import Callable
from typing import Any

from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from markupsafe import Markup

type Parse = Callable[[Any, Parser, int], Any]


def extension(tag: str, parse: Parse, **methods: Any) -> type[Extension]:
    """An extension with one tag. parse: (extension, parser, line) → nodes; the name of the tag is read already."""

    def read(self: Extension, parser: Parser) -> Any:
        line = next(parser.stream).lineno
        return parse(self, parser, line)

    return type(f"{tag.title()}Extension", (Extension,), {"tags": {tag}, "parse": read, **methods})


def body_of(parser: Parser, tag: str) -> Any:
    return parser.parse_statements((f"name:end{tag}",), drop_needle=True)


def shown(expression: Callable[[Any, Parser], nodes.Expr]) -> Parse:
    """A tag that outputs an expression."""
    return lambda self, parser, line: nodes.Output([expression(self, parser)], lineno=line)


def called(self: Any, *args: nodes.Expr) -> nodes.Expr:
    return self.call_method("method", list(args))  # type: ignore[no-any-return]


def show_names(self: Any, context: Any) -> str:
    return ",".join(f"{name}={context[name]}" for name in ("x", "i", "j", "k", "m") if name in context)


def assigned(self: Any, parser: Parser, line: int) -> Any:
    """``{% keep value %}``: assigns to a variable that templates cannot name, then outputs it twice."""
    name = parser.free_identifier(lineno=line)
    value = parser.parse_expression()
    return [
        nodes.Assign(name, value, lineno=line),
        nodes.Output([name, nodes.TemplateData("/"), name], lineno=line),
    ]


def modifier(self: Any, parser: Parser, line: int) -> Any:
    node = nodes.EvalContextModifier(lineno=line)
    node.options = [nodes.Keyword("autoescape", parser.parse_expression())]
    return node


def scoped_modifier(self: Any, parser: Parser, line: int) -> Any:
    node = nodes.ScopedEvalContextModifier(lineno=line)
    node.options = [nodes.Keyword("autoescape", parser.parse_expression())]
    node.body = body_of(parser, "escaping")
    return node


def overlay(self: Any, parser: Parser, line: int) -> Any:
    node = nodes.OverlayScope(lineno=line)
    node.context = parser.parse_expression()
    node.body = body_of(parser, "overlay")
    return node


def with_caller(self: Any, parser: Parser, line: int) -> Any:
    args = [parser.parse_expression()]
    call = nodes.CallBlock(self.call_method("method", args, lineno=line), [], [], body_of(parser, "twice"))
    return call.set_lineno(line)


def with_parameters(self: Any, parser: Parser, line: int) -> Any:
    name, default = nodes.Name("item", "param"), nodes.Const("none")
    body = body_of(parser, "each")
    return nodes.CallBlock(self.call_method("method", lineno=line), [name], [default], body, lineno=line)


def filtered(self: Any, parser: Parser, line: int) -> Any:
    node = nodes.FilterBlock(lineno=line)
    node.filter = nodes.Filter(None, "upper", [], [], None, None, lineno=line)
    node.body = body_of(parser, "upper")
    return node


CONSTANT = object()
EXTENSIONS: list[type[Extension]] = [
    extension("now", shown(lambda self, parser: nodes.Const("12:00"))),
    extension("numbers", shown(lambda self, parser: nodes.Const([1, (2.5, None), {"a": [True]}]))),
    extension("members", shown(lambda self, parser: nodes.Filter(nodes.Const({3, 1, 2}), "sort", [], [], None, None))),
    extension(
        "fresh",
        shown(lambda self, parser: called(self, nodes.Const([]))),
        method=lambda self, items: items.append(1) or items,
    ),
    extension("bold", shown(lambda self, parser: nodes.Const(Markup("<b>")))),
    extension("line", shown(lambda self, parser: nodes.Const(parser.stream.current.lineno))),
    extension("attr", shown(lambda self, parser: self.attr("_private")), _private="<private>"),
    extension("undefined", shown(lambda self, parser: nodes.EnvironmentAttribute("undefined.__name__"[:9]))),
    extension(
        "imported",
        shown(lambda self, parser: nodes.Call(nodes.ImportedName("posixpath.join"), [nodes.Const("a"), nodes.Const("b")], [], None, None)),
    ),
    extension("safe", shown(lambda self, parser: nodes.MarkSafe(parser.parse_expression()))),
    extension("safeif", shown(lambda self, parser: nodes.MarkSafeIfAutoescape(parser.parse_expression()))),
    extension("joined", shown(lambda self, parser: nodes.Concat([nodes.TemplateData("<i>"), parser.parse_expression()]))),
    extension("names", shown(lambda self, parser: called(self, nodes.ContextReference())), method=show_names),
    extension("allnames", shown(lambda self, parser: called(self, nodes.DerivedContextReference())), method=show_names),
    extension("keep", assigned),
    extension("escape", modifier),
    extension("escaping", scoped_modifier),
    extension("overlay", overlay),
    extension("scope", lambda self, parser, line: nodes.Scope(body_of(parser, "scope"), lineno=line)),
    extension("twice", with_caller, method=lambda self, sep, caller: caller() + sep + caller()),
    extension("each", with_parameters, method=lambda self, caller: caller("a") + caller("b") + caller()),
    extension("upper", filtered),
    extension("stop", lambda self, parser, line: nodes.Break(lineno=line)),
    extension("list", lambda self, parser, line: [nodes.Output([nodes.Const(1)]), nodes.Output([nodes.Const(2)])]),
]  # fmt: skip
