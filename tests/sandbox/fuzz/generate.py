"""Generates the case of a number. It depends on the number only.

Rule: most templates are well formed and refer to each other, so that much of them runs. Hostile parts are added:
attributes with underscores, formats that read them, huge ranges and widths, recursion. Some sources are then
broken: cut, repeated, shuffled, or with unusual characters.
"""

import functools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cases import casefile

from .hostile import OPERATORS, Attack

NAMES = (
    *("name", "text", "long", "n", "zero", "big", "pi", "yes", "none", "markup", "items", "words", "users"),
    *("user", "odd", "map", "pairs", "nested", "rows", "tuple", "set", "queue", "gen", "many", "lines"),
    *("bytes", "function", "coroutine", "of_context", "of_environment", "method", "unsafe", "cls"),
    *("space", "error", "loop", "caller", "varargs", "kwargs", "self", "super", "range", "dict", "lipsum"),
    *("cycler", "joiner", "namespace", "nothing", "_", "x", "y", "z", "m", "f", "ns", "missing", "context"),
)
OWN = ("x", "y", "z", "i", "k", "v", "ns")
"""Names that the templates assign."""

ATTRIBUTES = (
    *("name", "age", "email", "friend", "greet", "delete", "wipe", "kinds", "made", "a", "b", "c", "items"),
    *(
        "keys",
        "values",
        "get",
        "pop",
        "append",
        "extend",
        "sort",
        "update",
        "clear",
        "index",
        "index0",
        "last",
    ),
    *("length", "previtem", "nextitem", "cycle", "changed", "depth", "format", "format_map", "join", "split"),
    *("replace", "upper", "center", "ljust", "zfill", "encode", "decode", "translate", "maketrans", "mro"),
    *(
        "__class__",
        "__dict__",
        "__globals__",
        "__code__",
        "__init__",
        "__subclasses__",
        "__mro__",
        "__base__",
    ),
    *("__bases__", "__defaults__", "__kwdefaults__", "__closure__", "__func__", "__self__", "__module__"),
    *("__builtins__", "__getattribute__", "__getitem__", "__call__", "__html__", "__str__", "__format__"),
    *("__reduce__", "__reduce_ex__", "__doc__", "__name__", "__qualname__", "__wrapped__", "__slots__"),
    *("_secret", "_password", "_User__token", "gi_frame", "gi_code", "gi_yieldfrom", "cr_frame", "cr_code"),
    *("ag_frame", "f_locals", "f_globals", "f_back", "f_builtins", "co_consts", "tb_frame", "func_globals"),
    *("im_self", "environment", "eval_ctx", "parent", "vars", "blocks", "resolve", "call", "_context"),
    *(
        "_environment",
        "_code",
        "super",
        "count",
        "find",
        "copy",
        "next",
        "reset",
        "current",
        "args",
        "secret_",
    ),
    *("conjugate", "real", "to_bytes", "as_integer_ratio", "isdigit", "strip", "title", "startswith", "é"),
)
STRINGS = (
    *("", "a", "text", "<b>", "&amp;", "é", "日本", "🦊", "\\n", "\\u0000", "%s", "%d", "%(a)s", "%*d", "%%"),
    *("%999999999d", "%.99999999f", "%r %a", "{}", "{0}", "{0.__class__}", "{0.__class__.__mro__}", "{x[a]}"),
    *(
        "{0._secret}",
        "{0[_secret]}",
        "{0.__init__.__globals__[SECRET]}",
        "{:>99999999}",
        "{:{}}",
        "{0!r:>{1}}",
    ),
    *("{a.b.c}", "{", "}", "{{", "{% x %}", "{{ x }}", "{#", "name", "age", "__class__", "_secret", "a.b.c"),
    *("b.c.1.d", "0", "1", "upper", "attr", "map", "first", "odd", "defined", "\\'", '\\"', "\\\\", "a\\tb"),
    *(
        "http://x.org",
        "2024-01-01",
        "main",
        "a.html",
        "../main",
        "/etc/passwd",
        "..\\\\x",
        "main\\u0000",
        " ",
    ),
)
NUMBERS = (
    *(
        "0",
        "1",
        "2",
        "-1",
        "7",
        "10",
        "100",
        "999",
        "100000",
        "100001",
        "10**9",
        "10**10**10",
        "2**31",
        "2**63",
    ),
    *("9223372036854775808", "1_000", "0x10", "0b1", "1.5", "1e3", "1e308", "1e309", "-0.0", "3.0", "1" * 40),
)
FILTERS = (
    *("abs", "attr", "batch", "capitalize", "center", "count", "d", "default", "dictsort", "e", "escape"),
    *(
        "filesizeformat",
        "first",
        "float",
        "forceescape",
        "format",
        "groupby",
        "indent",
        "int",
        "items",
        "join",
    ),
    *("last", "length", "list", "lower", "map", "max", "min", "pprint", "random", "reject", "rejectattr"),
    *("replace", "reverse", "round", "safe", "select", "selectattr", "slice", "sort", "string", "striptags"),
    *("sum", "title", "tojson", "trim", "truncate", "unique", "upper", "urlencode", "urlize", "wordcount"),
    *("wordwrap", "xmlattr", "unknown"),
)
TESTS = (
    *("boolean", "callable", "defined", "divisibleby", "eq", "escaped", "even", "false", "filter", "float"),
    *("ge", "gt", "in", "integer", "iterable", "le", "lower", "lt", "mapping", "ne", "none", "number", "odd"),
    *("sameas", "sequence", "string", "test", "true", "undefined", "upper", "unknown"),
)
KEYWORDS = (
    *(
        "attribute",
        "default",
        "start",
        "reverse",
        "case_sensitive",
        "by",
        "width",
        "first",
        "blank",
        "length",
    ),
    *("killwords", "end", "leeway", "fill_with", "linecount", "slices", "d", "boolean", "base", "precision"),
    *("method", "binary", "indent", "sep", "count", "chars", "trim_url_limit", "target", "rel", "a", "x"),
)
BINARY = (*OPERATORS, "and", "or")
TEXTS = (
    "text",
    " ",
    "\n",
    "  \n\t",
    "<p>",
    "é",
    "\x00",
    "\u2028",
    "\r\n",
    "{",
    "}",
    "%",
    "#",
    "'",
    '"',
    "\ufeff",
)
JUNK = (
    *(
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "{%-",
        "-%}",
        "{%+",
        "{{-",
        "%}}",
        "|",
        "||",
        "(",
        ")",
        "[",
        "]",
        ".",
    ),
    *("..", ":", "~", "**", "is", "not", "if", "else", "endfor", "endif", "endblock", "raw", "endraw", "in"),
    *(
        "\x00",
        "\x7f",
        "\u202e",
        "\ud800",
        "\U0010ffff",
        "'",
        '"',
        "\\",
        "\n",
        "\r",
        "#",
        "##",
        "{% raw %}",
        "0x",
    ),
    *(
        "1e",
        "1_",
        "'''",
        "{% endfor %}",
        "{% else %}",
        "lambda",
        "import",
        "self",
        "{% block x %}",
        "=",
        "==",
    ),
)
OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"undefined": "ChainableUndefined"},
    {"autoescape": True},
    {"autoescape": True, "trim_blocks": True, "lstrip_blocks": True},
    {"line_statement_prefix": "%%", "line_comment_prefix": "##"},
    {
        "block_start_string": "<%",
        "block_end_string": "%>",
        "variable_start_string": "${",
        "variable_end_string": "}",
        "comment_start_string": "<!--",
        "comment_end_string": "-->",
    },
    {"undefined": "StrictUndefined"},
    {"undefined": "ChainableUndefined", "autoescape": True},
    {"undefined": "DebugUndefined", "keep_trailing_newline": True},
    {"enable_async": True, "undefined": "ChainableUndefined"},
    {"enable_async": True, "autoescape": True},
    {"immutable": True, "undefined": "ChainableUndefined"},
    {"immutable": True, "autoescape": True},
)
LIMITS: tuple[dict[str, Any], ...] = (
    {"fuel": 20_000, "output": 100_000, "seconds": 5.0, "depth": 40},
    {"fuel": 2_000, "output": 20_000, "seconds": 5.0, "depth": 15},
    {"fuel": 200, "output": 1_000, "seconds": 5.0, "depth": 5},
    {"fuel": 30_000, "seconds": 5.0},
    {"output": 300, "fuel": 30_000, "seconds": 5.0},
    {"fuel": 10, "output": 10, "depth": 2},
    {"fuel": 20_000, "output": 0},
)
MODES = ("render", "render", "generate", "stream", "module", "cancelled", "tool", "signalled")
LIBRARIES = ("main", "a.html", "b.html", "lib")


@dataclass(frozen=True)
class Case:
    """Templates, including `main`, and the ways to render them: `renders` has pairs of a mode and limits."""

    number: int
    sources: dict[str, str]
    options: dict[str, Any]
    renders: tuple[tuple[str, dict[str, Any]], ...]


def case(number: int) -> Case:
    r = random.Random(number)
    options = dict(r.choice(OPTIONS))
    sources = {}
    if r.random() < 0.4:
        sources["main"] = Attack(r).template()
    elif r.random() < 0.25:
        sources.update(_from_corpus(r))
    for name in LIBRARIES:
        if name not in sources and (name == "main" or r.random() < 0.7):
            sources[name] = Writer(r, name).template()
    if r.random() < 0.2:
        name = r.choice([*sources])
        sources[name] = broken(r, sources[name])
    if "block_start_string" in options and r.random() < 0.8:
        sources = {name: _with_other_delimiters(source) for name, source in sources.items()}
    if "line_statement_prefix" in options and r.random() < 0.5:
        sources = {
            name: source.replace("{% ", "\n%% ").replace(" %}", "\n") for name, source in sources.items()
        }
    count = r.choice((3, 5, 8))
    renders = tuple((r.choice(MODES), dict(r.choice(LIMITS))) for _ in range(count))
    return Case(number, sources, options, renders)


def _with_other_delimiters(source: str) -> str:
    pairs = (("{%", "<%"), ("%}", "%>"), ("{{", "${"), ("}}", "}"), ("{#", "<!--"), ("#}", "-->"))
    return functools.reduce(lambda text, pair: text.replace(*pair), pairs, source)


# --- sources that others wrote -----------------------------------------------------------------------------

_CASES = Path(__file__).parents[2] / "cases"


@functools.cache
def _corpus() -> tuple[dict[str, str], ...]:
    """The templates of each case of the corpus."""
    found = []
    for path in sorted(_CASES.rglob("*.txt")):
        templates = casefile.read(path).templates
        if templates:
            found.append(templates)
    return tuple(found)


def _from_corpus(r: random.Random) -> dict[str, str]:
    corpus = _corpus()
    if not corpus:
        return {}
    sources = dict(r.choice(corpus))
    main = sources.pop("main", None) or next(iter(sources.values()), "")
    if r.random() < 0.3:
        main = broken(r, main)
    if r.random() < 0.3:
        main += r.choice([*r.choice(corpus).values()])
    return {**sources, "main": main}


def broken(r: random.Random, source: str) -> str:
    """A source with a few random changes."""
    for _ in range(r.choice((1, 1, 2, 3, 8))):
        at, to = sorted((r.randint(0, len(source)), r.randint(0, len(source))))
        match r.randrange(7):
            case 0:
                source = source[:at] + source[min(to, at + r.choice((1, 2, 10))) :]
            case 1:
                source = source[:at] + r.choice(JUNK) + source[at:]
            case 2:
                source = source[:to] + source[at:to] + source[to:]
            case 3:
                source = source[:at]
            case 4:
                source = (
                    source[:at]
                    + chr(r.choice((0, 9, 13, 34, 39, 92, 123, 125, 160, 0x2028, 0xFEFF)))
                    + source[at:]
                )
            case 5:
                piece = r.choice(
                    ("(", "[", "{{ (", "{% if 1 %}", "not ", "-", "{% for x in items %}", "x|", "{")
                )
                source = source[:at] + piece * r.choice((2, 20, 200, 1500)) + source[at:]
            case _:
                middle = list(source[at:to])
                r.shuffle(middle)
                source = source[:at] + "".join(middle) + source[to:]
    return source[:20_000]


# --- sources that are made ---------------------------------------------------------------------------------


@dataclass
class Writer:
    """Writes one template."""

    r: random.Random
    name: str
    blocks: set[str] = field(default_factory=set)
    macros: list[str] = field(default_factory=lambda: ["m"])
    in_loop: int = 0
    depth: int = 0

    def chance(self, percent: int) -> bool:
        return self.r.random() * 100 < percent

    def template(self) -> str:
        r = self.r
        head = ""
        if self.chance(15):
            head = f"{{% extends {self.template_name()} %}}"
        if self.name == "lib":
            head += "".join(self.macro() for _ in range(r.choice((1, 2))))
        return head + self.body(r.choice((1, 2, 3, 5)))

    def template_name(self) -> str:
        r = self.r
        if self.chance(15):
            return self.expression(1)
        if self.chance(10):
            return f"[{self.string()}, 'a.html', {self.string()}]"
        return repr(r.choice((*LIBRARIES, "none.html")))

    # Expressions.

    def string(self) -> str:
        text = self.r.choice(STRINGS)
        return f'"{text}"' if "'" in text else f"'{text}'"

    def expression(self, depth: int) -> str:
        r = self.r
        if depth <= 0 or self.chance(20):
            return self.atom()
        return r.choice(_EXPRESSIONS)(self, depth - 1)

    def atom(self) -> str:
        r = self.r
        kind = r.randrange(12)
        if kind < 6:
            return r.choice(NAMES if self.chance(75) else OWN)
        if kind < 8:
            return self.string()
        if kind < 10:
            return r.choice(NUMBERS)
        if kind < 11:
            return r.choice(("none", "true", "false", "[]", "{}", "()", "''", "range(3)", "loop.index"))
        return f"{r.choice(self.macros)}({self.arguments(1)})"

    def attribute(self, depth: int) -> str:
        r, inner = self.r, self.expression(depth)
        name = r.choice(ATTRIBUTES)
        match r.randrange(6):
            case 0:
                return f"({inner})['{name}']"
            case 1:
                return f"({inner})|attr('{name}')"
            case 2:
                return f"({inner})[{self.expression(depth)}]"
            case _:
                return f"({inner}).{name}"

    def call(self, depth: int) -> str:
        func = self.r.choice((self.atom, lambda: self.attribute(depth)))()
        return f"{func}({self.arguments(depth)})"

    def arguments(self, depth: int) -> str:
        r = self.r
        made = [self.expression(depth) for _ in range(r.choice((0, 1, 1, 2, 3)))]
        if self.chance(8):
            made.append(f"*{self.expression(depth)}")
        if self.chance(25):
            made.append(f"{r.choice(KEYWORDS)}={self.expression(depth)}")
        if self.chance(5):
            made.append(f"**{self.expression(depth)}")
        return ", ".join(made)

    def filter(self, depth: int) -> str:
        r = self.r
        made = f"({self.expression(depth)})"
        for _ in range(r.choice((1, 1, 2, 3))):
            made += f"|{r.choice(FILTERS[:-1] if self.chance(98) else FILTERS)}"
            if self.chance(45):
                made += f"({self.filter_arguments(depth)})"
        return made

    def filter_arguments(self, depth: int) -> str:
        r = self.r
        match r.randrange(6):
            case 0:
                return f"attribute='{r.choice(ATTRIBUTES)}'"
            case 1:
                return f"'{r.choice(FILTERS + TESTS)}'"
            case 2:
                return f"'{r.choice(ATTRIBUTES)}', '{r.choice(TESTS)}'"
            case 3:
                return r.choice(NUMBERS)
            case _:
                return self.arguments(depth)

    def test(self, depth: int) -> str:
        r = self.r
        arguments = f"({self.arguments(0)})" if self.chance(40) else ""
        return f"({self.expression(depth)}) is {r.choice(('', 'not '))}{r.choice(TESTS[:-1])}{arguments}"

    def binary(self, depth: int) -> str:
        return f"({self.expression(depth)} {self.r.choice(BINARY)} {self.expression(depth)})"

    def unary(self, depth: int) -> str:
        return f"({self.r.choice(('-', '+', 'not ', '- -'))}{self.expression(depth)})"

    def conditional(self, depth: int) -> str:
        orelse = f" else {self.expression(depth)}" if self.chance(70) else ""
        return f"({self.expression(depth)} if {self.expression(depth)}{orelse})"

    def container(self, depth: int) -> str:
        r = self.r
        made = [self.expression(depth) for _ in range(r.choice((0, 1, 2, 3)))]
        match r.randrange(3):
            case 0:
                return f"[{', '.join(made)}]"
            case 1:
                return f"({', '.join(made)},)" if made else "()"
            case _:
                return f"{{{', '.join(f'{self.atom()}: {value}' for value in made)}}}"

    def slice(self, depth: int) -> str:
        parts = [self.expression(0) if self.chance(50) else "" for _ in range(self.r.choice((2, 3)))]
        return f"({self.expression(depth)})[{':'.join(parts)}]"

    # Statements.

    def body(self, count: int) -> str:
        self.depth += 1
        statements = _STATEMENTS if self.depth < 5 else _LEAVES
        made = "".join(self.r.choice(statements)(self) for _ in range(count))
        self.depth -= 1
        return made

    def some(self) -> str:
        return self.body(self.r.choice((0, 1, 1, 2, 3)))

    def text(self) -> str:
        return self.r.choice(TEXTS) * self.r.choice((1, 1, 3))

    def output(self) -> str:
        r = self.r
        return (
            f"{{{{{r.choice(('', ' ', '- '))}{self.expression(r.choice((1, 2, 3)))} {r.choice(('', '-'))}}}}}"
        )

    def tag(self, inside: str) -> str:
        r = self.r
        return f"{{%{r.choice(('', '', '-', '+'))} {inside} {r.choice(('', '', '-'))}%}}"

    def target(self) -> str:
        r = self.r
        if self.chance(20):
            return f"{r.choice(OWN)}, {r.choice(OWN)}"
        return r.choice(OWN)

    def loop(self) -> str:
        r = self.r
        recursive = " recursive" if self.chance(20) else ""
        condition = f" if {self.expression(1)}" if self.chance(20) else ""
        iterable = (
            self.expression(2)
            if self.chance(60)
            else r.choice(
                (
                    "items",
                    "users",
                    "range(n)",
                    "many",
                    "rows",
                    "map.items()",
                    "gen",
                    "words|map('upper')",
                    "range(10**5)",
                )
            )
        )
        self.in_loop += 1
        inside = self.some()
        if recursive and self.chance(70):
            inside += f"{{{{ loop({r.choice(('items', '[x]', '[1]', self.expression(1)))}) }}}}"
        if self.chance(10):
            inside += self.tag(r.choice(("break", "continue")))
        self.in_loop -= 1
        otherwise = self.tag("else") + self.some() if self.chance(20) else ""
        head = self.tag(f"for {self.target()} in {iterable}{condition}{recursive}")
        return head + inside + otherwise + self.tag("endfor")

    def condition(self) -> str:
        made = self.tag(f"if {self.expression(2)}") + self.some()
        if self.chance(20):
            made += self.tag(f"elif {self.expression(1)}") + self.some()
        if self.chance(30):
            made += self.tag("else") + self.some()
        return made + self.tag("endif")

    def assignment(self) -> str:
        r = self.r
        match r.randrange(5):
            case 0:
                filter_ = f"|{r.choice(FILTERS)}" if self.chance(30) else ""
                return self.tag(f"set {r.choice(OWN)}{filter_}") + self.some() + self.tag("endset")
            case 1:
                return self.tag("set ns = namespace(a=[], t=(), s='ab')")
            case 2:
                grows = (
                    "ns.s = ns.s ~ ns.s",
                    "ns.a = ns.a + [ns.a]",
                    "ns.t = (ns.t,)",
                    "ns.a = ns.a|map('upper')",
                )
                return self.tag(f"set {r.choice(grows)}")
            case _:
                return self.tag(f"set {self.target()} = {self.expression(2)}")

    def macro(self) -> str:
        r = self.r
        name = r.choice(("m", "f", "g"))
        parameters = [p for p in ("a", "b", "caller") if self.chance(40)]
        plain = r.randint(0, len([p for p in parameters if p != "caller"]))
        declared = ", ".join(
            p if place < plain else f"{p}={self.expression(1)}" for place, p in enumerate(parameters)
        )
        self.macros.append(name)
        inside = self.some()
        if self.chance(30):
            inside += f"{{{{ {name}({self.arguments(1)}) }}}}"
        if self.chance(30):
            inside += "{{ caller() }}"
        return self.tag(f"macro {name}({declared})") + inside + self.tag("endmacro")

    def call_block(self) -> str:
        r = self.r
        parameters = r.choice(("", "", "(x)", "(x, y=1)"))
        return (
            self.tag(f"call{parameters} {r.choice(self.macros)}({self.arguments(1)})")
            + self.some()
            + self.tag("endcall")
        )

    def filter_block(self) -> str:
        return self.tag(f"filter {self.r.choice(FILTERS)}") + self.some() + self.tag("endfilter")

    def include(self) -> str:
        missing = self.r.choice(("", " ignore missing"))
        with_context = self.r.choice(("", " without context", " with context"))
        return self.tag(f"include {self.template_name()}{missing}{with_context}")

    def import_(self) -> str:
        r = self.r
        with_context = r.choice(("", "", " with context"))
        if self.chance(50):
            self.macros.append("f")
            return self.tag(f"from {self.template_name()} import m, f as g{with_context}")
        self.macros.append("lib.m")
        return self.tag(f"import {self.template_name()} as lib{with_context}")

    def block(self) -> str:
        r = self.r
        free = [name for name in ("one", "two", "three", "x") if name not in self.blocks]
        if not free or (self.in_loop and self.chance(70)):
            return r.choice(("{{ self.one() }}", "{{ super() }}", "{{ self.two() }}", "{{ super.super() }}"))
        name = r.choice(free)
        self.blocks.add(name)
        flags = r.choice(("", "", " scoped", " required"))
        inside = self.some() if flags != " required" else ""
        if self.chance(30) and flags != " required":
            inside += r.choice(("{{ super() }}", f"{{{{ self.{name}() }}}}", "{{ self.one() }}"))
        return self.tag(f"block {name}{flags}") + inside + self.tag("endblock")

    def with_(self) -> str:
        made = f"with {self.r.choice(OWN)} = {self.expression(1)}" if self.chance(80) else "with"
        return self.tag(made) + self.some() + self.tag("endwith")

    def autoescape(self) -> str:
        wanted = self.r.choice(("true", "false", self.expression(1)))
        return self.tag(f"autoescape {wanted}") + self.some() + self.tag("endautoescape")

    def raw(self) -> str:
        return self.r.choice(
            ("{% raw %}{{ x }}{% endraw %}", "{# comment #}", "{#- {{ x }} -#}", "{% raw -%} {%- endraw %}")
        )

    def do(self) -> str:
        return self.tag(f"do {self.expression(2)}") if self.chance(70) else self.tag("debug")

    def translation(self) -> str:
        count = self.r.choice(("", " count=n", f" x={self.expression(1)}"))
        plural = self.tag("pluralize") + "many {{ x }}" if count == " count=n" else ""
        return self.tag(f"trans{count}") + "one %s {{ name }}" + plural + self.tag("endtrans")


_EXPRESSIONS: tuple[Callable[[Writer, int], str], ...] = (
    *(
        Writer.attribute,
        Writer.attribute,
        Writer.call,
        Writer.call,
        Writer.filter,
        Writer.filter,
        Writer.filter,
    ),
    *(
        Writer.test,
        Writer.binary,
        Writer.binary,
        Writer.unary,
        Writer.conditional,
        Writer.container,
        Writer.slice,
    ),
)
_LEAVES: tuple[Callable[[Writer], str], ...] = (Writer.text, Writer.output, Writer.output, Writer.assignment)
_STATEMENTS: tuple[Callable[[Writer], str], ...] = (
    *(Writer.text, Writer.output, Writer.output, Writer.output, Writer.output, Writer.loop, Writer.loop),
    *(
        Writer.condition,
        Writer.assignment,
        Writer.assignment,
        Writer.macro,
        Writer.call_block,
        Writer.filter_block,
    ),
    *(Writer.include, Writer.import_, Writer.block, Writer.with_, Writer.autoescape, Writer.raw, Writer.do),
    Writer.translation,
)
