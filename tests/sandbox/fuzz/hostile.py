"""Templates that attack one operation: a filter, test, method, global function or operator, whose value and
arguments are hostile.

Hostile values are objects whose attributes have the names of methods, values that contain each other many times,
endless and huge ones, and values of every other type.
"""

import random

from tmplmon.runtime.filters import FILTERS
from tmplmon.runtime.tests import TESTS
from tmplmon.sandbox.operations import METHODS

OPERATORS = ("+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in")
"""The operators that may compute something large or call a method."""

_CALLED = [
    *("split", "join", "items", "keys", "values", "decode", "splitlines", "rsplit", "format", "read", "get"),
    *("call", "upper", "strip", "name"),
]
_METHODS = sorted(
    {name for rows in METHODS.values() for name in rows} | {"mro", "__call__", "_secret", "delete"}
)

# Steps that make a value `v` larger; some of them double it.
_GROWING = (
    "{% set v = [v, v] %}", "{% set v = (v, v) %}", "{% set v = {1: v, 2: v} %}", "{% set v = dict(a=v, b=v) %}",
    "{% set v = namespace(a=v, b=v) %}", "{% do l.append(v) %}{% set v = [l, l] %}", "{% set v = [v] * 3 %}",
    "{% set v = [0, 0]|map('default', v, true)|list %}", "{% set v = cycler(v, v).items %}",
    "{% set v = v ~ v %}", "{% set v = [v]|batch(2, v)|first %}", "{% do v.append(v) %}", "{% do v.update(a=v) %}",
)  # fmt: skip

_VALUES = (
    "unsafe", "user", "space", "users", "attributes", "items", "map", "text", "markup", "bytes", "gen", "many",
    "none",
    "odd", "cls", "error", "queue", "set", "tuple", "counts", "numbers", "function", "of_context", "of_environment",
    "-1", "0", "1", "2.5", "10**9", "2**65535", "-(2**70)", "1e308", "true", "''", "'a'", "'__class__'",
    "'_secret'",
    "'a.b,c' * 3000", "'a' * 100000", "'é' * 50000", "'<' * 50000", "'a ' * 50000", "'<!---->' * 9000",
    "['a'] * 50000",
    "range(90000)", "range(0, 90000 * (2**61 - 1), 2**61 - 1)", "[[]] * 1000", "'%999999d'", "'{0.__class__}'",
    "cycler('a')", "joiner()", "dict", "namespace", "self", "loop", "lipsum", "undefined", "missing.x", "[unsafe]",
    "{'items': unsafe}", "(unsafe, unsafe)", "v", "[v, v]", "{'a': v}", "unsafe|attr", "caller", "endless",
)  # fmt: skip


class Attack:
    """Writes one template."""

    def __init__(self, r: random.Random) -> None:
        self.r = r

    def value(self) -> str:
        if self.r.random() < 0.15:
            names = self.r.sample(_CALLED, 3)
            return (
                "namespace("
                + ", ".join(f"{name}={self.r.choice(('unsafe', 'user.wipe', '1'))}" for name in names)
                + ")"
            )
        return f"({self.r.choice(_VALUES)})"

    def arguments(self) -> str:
        count = self.r.choice((0, 1, 1, 2, 3, 5))
        arguments = [self.value() for _ in range(count)]
        if self.r.random() < 0.2:
            names = [
                *("attribute", "default", "base", "width", "end", "d", "count", "key", "reverse"),
                *("encoding", "maxsplit", "sep", "by", "start"),
            ]
            arguments.append(f"{self.r.choice(names)}={self.value()}")
        if self.r.random() < 0.05:
            arguments.append(f"*{self.value()}")
        return f"({', '.join(arguments)})" if arguments else ""

    def operation(self) -> str:
        r = self.r
        match r.randrange(9):
            case 0 | 1:
                return f"{self.value()}|{r.choice([*FILTERS])}{self.arguments()}"
            case 2:
                return f"{self.value()} is {r.choice([*TESTS])}{self.arguments()}"
            case 3 | 4:
                return f"{self.value()}.{r.choice(_METHODS)}{self.arguments() or '()'}"
            case 5:
                return f"({self.value()}|attr('{r.choice(_METHODS)}')){self.arguments() or '()'}"
            case 6:
                name = r.choice(
                    ("dict", "namespace", "cycler", "joiner", "lipsum", "range", "_", "gettext", "ngettext")
                )
                return f"{name}{self.arguments() or '()'}"
            case 7:
                operator = r.choice(OPERATORS)
                return f"{self.value()} {operator} {self.value()}"
            case _:
                return f"{self.value()}[{self.value()}]"

    def template(self) -> str:
        r = self.r
        head = "{% set l = [] %}{% set v = [1] %}" + "".join(
            r.choice(_GROWING) for _ in range(r.choice((0, 0, 3, 12, 60)))
        )
        body = []
        for _ in range(r.choice((1, 2, 3))):
            operation = self.operation()
            body.append(
                r.choice(
                    (
                        f"{{{{ {operation} }}}}",
                        f"{{{{ ({operation})|{r.choice([*FILTERS])} }}}}",
                        f"{{% set x = {operation} %}}{{{{ x|string|length }}}}",
                        f"{{% for x in {operation} %}}{{{{ x }}}}{{% endfor %}}",
                        f"{{% include {operation} %}}",
                        f"{{% if {operation} %}}1{{% endif %}}",
                    )
                )
            )
        return head + "".join(body)
