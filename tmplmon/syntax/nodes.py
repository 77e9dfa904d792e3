"""The tree a template parses to: what was written, before any name is resolved.

Every node has `start` and `end`, character offsets into the `Source` it came from (`end` exclusive). Nodes are
plain data: no node knows how to evaluate or compile itself. Statement nodes span from the ``{%`` of their opening
tag to the ``%}`` of their *opening* tag (a body has nodes of its own), expression nodes their own text, `Output`
the expression between ``{{`` and ``}}``, `Text` the characters that are output.
"""

from typing import Any

from tmplmon.records import fresh, record

# (start, end): character offsets, the end exclusive.
type Span = tuple[int, int]


class _ByValue:
    """Nodes are compared by what is in them."""

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__match_args__)


@record
class Node(_ByValue):
    start: int
    end: int


# --- expressions -------------------------------------------------------------------------------------------


@record
class Expr(Node):
    pass


@record
class Const(Expr):
    """A literal: None, a bool, int, float or str (adjacent string literals are already joined)."""

    value: Any


@record
class Name(Expr):
    name: str


@record
class TupleExpr(Expr):
    items: list[Expr]


@record
class ListExpr(Expr):
    items: list[Expr]


@record
class DictExpr(Expr):
    pairs: list[tuple[Expr, Expr]]


@record
class Attribute(Expr):
    """``obj.name`` (`name` a str), also the ``obj.0`` form is an `Item` with an int constant."""

    obj: Expr
    name: str


@record
class Item(Expr):
    """``obj[key]``; `key` may be a `Slice` or a `TupleExpr`."""

    obj: Expr
    key: Expr


@record
class Slice(Expr):
    lower: Expr | None
    upper: Expr | None
    step: Expr | None


@record
class Arguments(_ByValue):
    """What stands in the parentheses of a call, filter or test."""

    args: list[Expr] = fresh(factory=list)
    kwargs: list[tuple[str, Expr]] = fresh(factory=list)
    star: Expr | None = None
    star_star: Expr | None = None


@record
class Call(Expr):
    func: Expr
    arguments: Arguments


@record
class Filter(Expr):
    """``value | name(arguments)``. `value` is None in a filter block, for the text of the block: the innermost
    filter of the chain has it."""

    value: Expr | None
    name: str
    arguments: Arguments


@record
class Test(Expr):
    """``value is name arguments`` (`negated` for ``is not``)."""

    value: Expr
    name: str
    arguments: Arguments
    negated: bool


@record
class Unary(Expr):
    """`op` is one of ``- + not``."""

    op: str
    operand: Expr


@record
class Binary(Expr):
    """`op` is one of ``+ - * / // % **``."""

    op: str
    left: Expr
    right: Expr


@record
class Logical(Expr):
    """`op` is ``and`` or ``or``; short-circuits and gives the deciding operand, as Python's."""

    op: str
    left: Expr
    right: Expr


@record
class Compare(Expr):
    """A chained comparison; `rest` has (operator, operand), operators ``== != < <= > >= in`` and ``not in``."""

    left: Expr
    rest: list[tuple[str, Expr]]


@record
class Concat(Expr):
    """``a ~ b ~ c``: two or more operands."""

    items: list[Expr]


@record
class Conditional(Expr):
    """``body if test else orelse``; without ``else``, `orelse` is None and the value is undefined."""

    test: Expr
    body: Expr
    orelse: Expr | None


@record
class NamespaceRef(Expr):
    """``ns.attr`` as the target of a ``set``."""

    name: str
    attr: str


# --- statements --------------------------------------------------------------------------------------------


@record
class Stmt(Node):
    pass


@record
class Text(Stmt):
    """Output text, after whitespace control, with ``\\n`` line ends (the lowering puts in newline_sequence).
    `start` is the offset of the first character kept. Never empty."""

    value: str


@record
class Output(Stmt):
    """``{{ expr }}``, and each operand of ``{% print a, b %}``."""

    expr: Expr


@record
class If(Stmt):
    """`branches` has (start of the ``if`` or ``elif`` tag, its end, test, body), the ``if`` first.

    `else_tag` is the span of the ``else`` tag; it and `orelse` are None where there is none.
    """

    branches: list[tuple[int, int, Expr, list[Stmt]]]
    orelse: list[Stmt] | None
    else_tag: Span | None


@record
class For(Stmt):
    """`target` is a Name or a TupleExpr of targets; `else_tag` as in `If`."""

    target: Expr
    iter: Expr
    test: Expr | None
    recursive: bool
    body: list[Stmt]
    orelse: list[Stmt] | None
    else_tag: Span | None


@record
class Break(Stmt):
    pass


@record
class Continue(Stmt):
    pass


@record
class Set(Stmt):
    """``{% set target = value %}``; `target` is a Name, NamespaceRef or TupleExpr of those."""

    target: Expr
    value: Expr


@record
class SetBlock(Stmt):
    """``{% set target %}body{% endset %}``, `filter` a Filter chain with value None innermost, or None."""

    target: Expr
    filter: Filter | None
    body: list[Stmt]


@record
class With(Stmt):
    bindings: list[tuple[Expr, Expr]]
    body: list[Stmt]


@record
class Parameter(Node):
    """A macro's or call block's parameter; `default` is None where there is none."""

    name: str
    default: Expr | None


@record
class Macro(Stmt):
    name: str
    parameters: list[Parameter]
    body: list[Stmt]


@record
class CallBlock(Stmt):
    """``{% call(params) f(x) %}body{% endcall %}``."""

    parameters: list[Parameter]
    call: Call
    body: list[Stmt]


@record
class FilterBlock(Stmt):
    filter: Filter
    body: list[Stmt]


@record
class Block(Stmt):
    name: str
    scoped: bool
    required: bool
    body: list[Stmt]


@record
class Extends(Stmt):
    template: Expr


@record
class Include(Stmt):
    template: Expr
    ignore_missing: bool
    with_context: bool


@record
class Import(Stmt):
    """``{% import template as target %}``."""

    template: Expr
    target: str
    with_context: bool


@record
class FromImport(Stmt):
    """``{% from template import name as alias %}``; `names` has (name, alias or the name itself)."""

    template: Expr
    names: list[tuple[str, str]]
    with_context: bool


@record
class Autoescape(Stmt):
    value: Expr
    body: list[Stmt]


@record
class Do(Stmt):
    expr: Expr


@record
class Debug(Stmt):
    pass


@record
class Trans(Stmt):
    """``{% trans [context,] name=expr, … %}singular{% pluralize [name] %}plural{% endtrans %}``.

    `singular` and `plural` are the message texts in ``%``-format with ``%(name)s`` placeholders and literal
    percent signs doubled; `names` the placeholder names in them; `count` the name of the pluralizing variable;
    `trimmed` the ``trimmed``/``notrimmed`` modifier or None for the policy's choice; `context` the gettext
    context, a string constant's text, or None.
    """

    context: str | None
    bindings: list[tuple[str, Expr]]
    trimmed: bool | None
    singular: str
    plural: str | None
    names: list[str]
    count: str | None


@record
class CustomTag(Stmt):
    """A tag an extension added: ``{% name arguments %}``, with the body up to ``{% endname %}`` when the
    extension declared one, else `body` is None."""

    name: str
    arguments: Arguments
    body: list[Stmt] | None


@record
class Template(Node):
    body: list[Stmt]
