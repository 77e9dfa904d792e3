"""The nodes of a parsed template: the template as it was written, before any name is resolved.

Every node has `start` and `end`, character offsets into its `Source`, `end` exclusive. Nodes are plain data: they
have no methods that evaluate or compile them. A statement spans its opening tag, from ``{%`` to ``%}``, as its
body has nodes of its own. An expression spans its own text, `Output` the expression between ``{{`` and ``}}``,
and `Text` the characters that are output.
"""

from typing import Any

from tmplmon.records import fresh, record

# (start, end): character offsets, the end exclusive.
type Span = tuple[int, int]


class _ByValue:
    """A class whose instances are equal if their types and fields are."""

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__match_args__)


@record
class Node(_ByValue):
    """The base of all nodes."""

    start: int
    end: int


# --- expressions -------------------------------------------------------------------------------------------


@record
class Expr(Node):
    """The base of expressions."""


@record
class Const(Expr):
    """A literal: None, a bool, int, float or str (adjacent string literals are already joined)."""

    value: Any


@record
class Name(Expr):
    """A variable that is read, or a name as the target of an assignment."""

    name: str


@record
class TupleExpr(Expr):
    """``a, b`` and ``(a, b)``, also as the target of an assignment."""

    items: list[Expr]


@record
class ListExpr(Expr):
    """``[a, b]``."""

    items: list[Expr]


@record
class DictExpr(Expr):
    """``{key: value}``; `pairs` has (key, value)."""

    pairs: list[tuple[Expr, Expr]]


@record
class Attribute(Expr):
    """``obj.name``. ``obj.0`` is an `Item` whose key is an int constant."""

    obj: Expr
    name: str


@record
class Item(Expr):
    """``obj[key]``; `key` may be a `Slice` or a `TupleExpr`."""

    obj: Expr
    key: Expr


@record
class Slice(Expr):
    """``lower:upper:step`` as the key of an `Item`; None for a part that is not written."""

    lower: Expr | None
    upper: Expr | None
    step: Expr | None


@record
class Arguments(_ByValue):
    """The arguments of a call, filter, test or custom tag.

    args: the positional ones. kwargs: (name, value). star, star_star: the operands of ``*`` and ``**``, or None.
    """

    args: list[Expr] = fresh(factory=list)
    kwargs: list[tuple[str, Expr]] = fresh(factory=list)
    star: Expr | None = None
    star_star: Expr | None = None


@record
class Call(Expr):
    """``func(arguments)``."""

    func: Expr
    arguments: Arguments


@record
class Filter(Expr):
    """``value | name(arguments)``.

    In a ``filter`` or ``set`` block, `value` of the innermost filter is None: it stands for the text of the block.
    """

    value: Expr | None
    name: str
    arguments: Arguments


@record
class Test(Expr):
    """``value is name(arguments)``, or ``value is not name(arguments)`` if `negated`."""

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
    """`op` is ``and`` or ``or``. The value is that of the last operand evaluated, as in Python."""

    op: str
    left: Expr
    right: Expr


@record
class Compare(Expr):
    """A comparison, possibly chained. `rest` has (operator, operand); the operators are ``== != < <= > >= in`` and
    ``not in``."""

    left: Expr
    rest: list[tuple[str, Expr]]


@record
class Concat(Expr):
    """``a ~ b ~ c``; `items` has two or more operands."""

    items: list[Expr]


@record
class Conditional(Expr):
    """``body if test else orelse``. Without ``else``, `orelse` is None, and the value can be undefined."""

    test: Expr
    body: Expr
    orelse: Expr | None


@record
class Special(Expr):
    """A call of a function that templates have no name for. Only the nodes of Jinja2's extensions become one; see
    `jinjaparser.convert`.

    function: the name of the function and its details; see `runtime.special`.
    sees_locals: whether a context that the function gets also has the variables that are visible here.
    """

    function: tuple[Any, ...]
    arguments: Arguments = fresh(factory=Arguments)
    sees_locals: bool = False


@record
class NamespaceRef(Expr):
    """``name.attr`` as the target of an assignment; `name` is a variable that holds a namespace."""

    name: str
    attr: str


# --- statements --------------------------------------------------------------------------------------------


@record
class Stmt(Node):
    """The base of statements."""


@record
class Text(Stmt):
    """Text that is output, after whitespace control. It is never empty, and its line ends are ``\\n``; the lowering
    replaces them with the environment's `newline_sequence`."""

    value: str


@record
class Output(Stmt):
    """``{{ expr }}``, or one operand of ``{% print a, b %}``."""

    expr: Expr


@record
class If(Stmt):
    """``{% if %}`` with its ``elif`` and ``else``.

    branches: (start of the ``if`` or ``elif`` tag, its end, test, body), the ``if`` first.
    orelse, else_tag: the body of the ``else`` and the span of its tag, both None without one.
    """

    branches: list[tuple[int, int, Expr, list[Stmt]]]
    orelse: list[Stmt] | None
    else_tag: Span | None


@record
class For(Stmt):
    """``{% for target in iter if test recursive %}``.

    target: a Name, or a TupleExpr of targets.
    test: the condition on items, or None.
    orelse, else_tag: as in `If`.
    """

    target: Expr
    iter: Expr
    test: Expr | None
    recursive: bool
    body: list[Stmt]
    orelse: list[Stmt] | None
    else_tag: Span | None


@record
class Break(Stmt):
    """``{% break %}``."""


@record
class Continue(Stmt):
    """``{% continue %}``."""


@record
class Set(Stmt):
    """``{% set target = value %}``; `target` is a Name, a NamespaceRef, or a TupleExpr of these."""

    target: Expr
    value: Expr


@record
class SetBlock(Stmt):
    """``{% set target | filter %}body{% endset %}``; `filter` is None without one."""

    target: Expr
    filter: Filter | None
    body: list[Stmt]


@record
class With(Stmt):
    """``{% with target = value, … %}``; `bindings` has (target, value)."""

    bindings: list[tuple[Expr, Expr]]
    body: list[Stmt]


@record
class Parameter(Node):
    """A parameter of a macro or call block; `default` is None without one."""

    name: str
    default: Expr | None


@record
class Macro(Stmt):
    """``{% macro name(parameters) %}body{% endmacro %}``."""

    name: str
    parameters: list[Parameter]
    body: list[Stmt]


@record
class CallBlock(Stmt):
    """``{% call(parameters) f(x) %}body{% endcall %}``; `call` is ``f(x)``."""

    parameters: list[Parameter]
    call: Call
    body: list[Stmt]


@record
class FilterBlock(Stmt):
    """``{% filter filter %}body{% endfilter %}``."""

    filter: Filter
    body: list[Stmt]


@record
class Block(Stmt):
    """``{% block name scoped required %}body{% endblock %}``."""

    name: str
    scoped: bool
    required: bool
    body: list[Stmt]


@record
class Extends(Stmt):
    """``{% extends template %}``."""

    template: Expr


@record
class Include(Stmt):
    """``{% include template ignore missing with context %}``."""

    template: Expr
    ignore_missing: bool
    with_context: bool


@record
class Import(Stmt):
    """``{% import template as target with context %}``."""

    template: Expr
    target: str
    with_context: bool


@record
class FromImport(Stmt):
    """``{% from template import name as alias with context %}``; `names` has (name, alias), twice the name
    without an alias."""

    template: Expr
    names: list[tuple[str, str]]
    with_context: bool


@record
class Autoescape(Stmt):
    """``{% autoescape value %}body{% endautoescape %}``.

    scoped: whether assignments in the body are local to it. They are, except in nodes of Jinja2's extensions.
    """

    value: Expr
    body: list[Stmt]
    scoped: bool = True


@record
class Do(Stmt):
    """``{% do expr %}``."""

    expr: Expr


@record
class Debug(Stmt):
    """``{% debug %}``."""


@record
class Trans(Stmt):
    """``{% trans "context" trimmed name=expr, … %}singular{% pluralize count %}plural{% endtrans %}``.

    context: the gettext context, or None.
    bindings: (name, value) of the variables that the tag defines.
    trimmed: True for ``trimmed``, False for ``notrimmed``, None if the environment's policy decides.
    singular, plural: the texts in ``%`` format: placeholders are ``%(name)s``, percent signs are doubled.
        `plural` is None without a ``pluralize``.
    names: the names of the placeholders in both texts.
    count: the name of the variable that chooses the plural, or None.
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
    """``{% name arguments %}body{% endname %}``, a tag of an extension; `body` is None for a tag without one."""

    name: str
    arguments: Arguments
    body: list[Stmt] | None


@record
class Template(Node):
    """A whole template."""

    body: list[Stmt]
