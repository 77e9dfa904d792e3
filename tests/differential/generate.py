"""Random templates from a grammar with few names, so that variables often hide each other.

`generated(number)` makes the Case of a number, always the same one: a main template, which may extend one or two
others, two templates to include, a library to import, options and a context. The options are those of the
environment: delimiters, line statements, escaping, classes of undefined values, translations, native types, the
sandbox, asynchronous rendering. Lines of errors are compared, so an expression never spans lines. Expressions
rarely fail, for an error ends a rendering and hides what comes after it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from keyword import iskeyword
from random import Random
from typing import Any, NamedTuple

from cases.casefile import Case
from hypothesis import strategies as st

from .vocabulary import FILTERS, TESTS

NAMES = ("a", "b", "c", "x", "y")
# Names that are special in Python, in Jinja2's generated code or in the engine.
ODD_NAMES = (
    *("class", "def", "None_", "print", "str", "len", "range", "dict", "context", "environment", "resolve"),
    *("missing", "l_0_a", "t_1", "Undefined", "concat", "item", "é", "__a", "_", "iter", "block", "macro"),
    *("cycler", "undefined", "e", "vars", "parent_template", "self_", "loop_", "event", "frame", "super_"),
)
CONTEXT_VALUES = (
    *(
        "1",
        "0",
        "-2",
        "2.5",
        "True",
        "None",
        "''",
        "'text'",
        "'<b>&'",
        "'42'",
        "'two words'",
        "b'x'",
        "2 ** 70",
    ),
    *("[1, 2, 3]", "['q', 'r']", "[]", "(1, 'z')", "{'k': 'v', 'n': 2}", "{}", "{2, 3}", "range(3)"),
    *("[(1, 'one'), (2, 'two')]", "[{'n': 1, 't': 'x'}, {'n': 2}]", "[1, [2, [3]]]", "generator(3, 4)"),
    *(
        "User('ann')",
        "[User('bob', 5), User('ann', 4)]",
        "Markup('<i>')",
        "Html()",
        "Both()",
        "Items(k='v', n=1)",
    ),
    *("Counter()", "Point(1, 2)", "Undefined(name='gone')", "len", "str.upper", "[None, 1]"),
)
# Values for templates without errors.
SAFE_VALUES = (
    "1",
    "0",
    "'text'",
    "'<b>&'",
    "''",
    "None",
    "[1, 2, 3]",
    "['q', 'r']",
    "{'k': 'v', 'n': 2}",
    "User('ann')",
)
SAFE_FILTERS = ("string", "default('d')", "default('d', true)", "e", "string|upper", "string|length", "safe")
SAFE_TESTS = (
    "defined",
    "undefined",
    "none",
    "string",
    "mapping",
    "iterable",
    "number",
    "sameas none",
    "eq 1",
)
LOOP_ATTRIBUTES = (
    *("index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "depth0"),
    *("previtem", "nextitem", "changed(1)", "cycle('o', 'e')"),
)
TEXTS = (
    "text",
    " ",
    "t <b> ",
    "\n",
    "  \n  ",
    "é",
    "100%",
    "{ }",
    "'",
    '"\\',
    "\t",
    "\r\n",
    "#",
    "%)s",
    "\u2028",
)
MESSAGES = ("Hello", "100% of it", "  two\n  lines  ", "<b>", "%(x)s")


class Syntax(NamedTuple):
    """The delimiters of an environment, and the options that set them."""

    block: tuple[str, str] = ("{%", "%}")
    variable: tuple[str, str] = ("{{", "}}")
    comment: tuple[str, str] = ("{#", "#}")
    line_statement: str = ""
    line_comment: str = ""

    def options(self) -> Iterator[str]:
        for name in ("block", "variable", "comment"):
            pair = getattr(self, name)
            if pair != getattr(Syntax(), name):
                yield f"{name}_start_string = {pair[0]!r}"
                yield f"{name}_end_string = {pair[1]!r}"
        for name in ("line_statement", "line_comment"):
            if getattr(self, name):
                yield f"{name}_prefix = {getattr(self, name)!r}"


SYNTAXES = (
    *(Syntax() for _ in range(14)),
    Syntax(line_statement="#"),
    Syntax(line_statement="%", line_comment="##"),
    Syntax(line_statement="#", line_comment="##"),
    Syntax(line_comment="//"),
    Syntax(("<%", "%>"), ("${", "}"), ("<%#", "%>")),
    Syntax(("[%", "%]"), ("[[", "]]"), ("[#", "#]"), "%%"),
    Syntax((r"\BLOCK{", "}"), (r"\VAR{", "}"), (r"\#{", "}"), "%%", "%#"),
    Syntax(("<!--%", "-->"), ("<!--=", "-->"), ("<!--#", "-->")),
    Syntax(("((*", "*))"), ("(((", ")))"), ("((=", "=))")),
)


@dataclass
class World:
    """The properties that the templates of a case share."""

    random: Random
    names: tuple[str, ...]
    syntax: Syntax
    translated: bool = False
    risk: float = 0.004  # how often an expression may fail
    is_async: bool = False
    is_native: bool = False
    library: tuple[str, ...] = ()  # macros of "lib" that can be called


@dataclass
class Writer:
    """Writes one template, with the names that can be used at the current position."""

    world: World
    name: str
    includes: tuple[str, ...] = ()
    blocks: list[str] = field(default_factory=list)  # names that are free for a block
    defined_blocks: list[str] = field(default_factory=list)
    macros: list[tuple[str, bool]] = field(
        default_factory=list
    )  # that can be called; whether each uses caller
    imported: set[str] = field(default_factory=set)
    namespaces: list[str] = field(default_factory=list)
    macro_count: int = 0
    loops: int = 0  # around the current position, in this frame
    in_body: bool = False  # of a macro or call block
    has_caller: bool = False
    in_block: bool = False
    buffered: bool = False  # whether the text is captured
    is_child: bool = False

    # --- choices -------------------------------------------------------------------------------------------

    def pick(self, *choices: Any) -> Any:
        return self.world.random.choice(choices)

    def chance(self, percent: float) -> bool:
        return self.world.random.random() * 100 < percent

    def variable(self) -> str:
        return self.pick(*self.world.names)

    @contextmanager
    def scope(self, **changes: Any) -> Iterator[None]:
        """A nested scope. Its macros, imports and namespaces are not used after it."""
        before = {name: getattr(self, name) for name in (*changes, "macros", "imported", "namespaces")}
        self.macros, self.imported = list(self.macros), set(self.imported)
        self.namespaces = list(self.namespaces)
        for name, value in changes.items():
            setattr(self, name, value)
        yield
        for name, value in before.items():
            setattr(self, name, value)

    # --- expressions ---------------------------------------------------------------------------------------

    def expression(self, depth: int = 2) -> str:
        if self.chance(100 * self.world.risk):
            return self.risky()
        if depth <= 0 or self.chance(35):
            return self.atom()
        inner = self.expression(depth - 1)
        kinds = (
            "filter",
            "filter",
            "test",
            "tilde",
            "if",
            "or",
            "and",
            "not",
            "compare",
            "in",
            "list",
            "dict",
            "group",
        )
        match self.pick(*kinds):
            case "filter":
                return f"({inner})|{self.pick(*SAFE_FILTERS)}"
            case "test":
                return f"(({inner}) is {self.pick('', 'not ')}{self.pick(*SAFE_TESTS)})"
            case "tilde":
                return f"({inner}) ~ {self.atom()}" + (f" ~ {self.atom()}" if self.chance(30) else "")
            case "if":
                otherwise = f" else {self.expression(depth - 1)}" if self.chance(70) else ""
                return f"({inner} if {self.atom()}{otherwise})"
            case "or" | "and" as operator:
                return f"({inner} {operator} {self.expression(depth - 1)})"
            case "not":
                return f"(not {inner})"
            case "compare":
                return f"(({inner}) {self.pick('==', '!=')} {self.atom()})"
            case "in":
                return f"(({inner}) {self.pick('in', 'not in')} [1, {self.atom()}])"
            case "list":
                return self.pick(f"[{inner}, {self.atom()}]", f"({inner}, {self.atom()})", f"({inner},)")
            case "dict":
                return self.pick(
                    f"{{'k': {inner}}}.k", f"{{'k': {inner}}}['k']", f"{{'k': {inner}}}", f"[{inner}][0]"
                )
            case _:
                return f"({inner})"

    def atom(self) -> str:
        kinds = ["name", "name", "name", "name", "constant"]
        if self.loops:
            kinds += ["loop", "loop"]
        if self.macros:
            kinds += ["macro", "macro"]
        if self.imported:
            kinds.append("imported")
        if self.namespaces:
            kinds.append("namespace")
        if self.in_body:
            kinds.append("varargs")
        if self.has_caller:
            kinds += ["caller", "caller"]
        if self.defined_blocks and not self.in_block and not self.in_body and not self.loops:
            kinds.append("self")
        if self.world.translated:
            kinds.append("gettext")
        if self.world.is_async:
            kinds.append("later")
        if self.chance(4):
            kinds = ["function"]
        match self.pick(*kinds):
            case "name":
                return self.variable()
            case "constant":
                return self.pick(
                    "1", "0", "'t'", "'<'", "none", "true", "[1, 2]", "2.5", "''", "'a' 'b'", "1_0", "-1"
                )
            case "loop":
                return f"loop.{self.pick(*LOOP_ATTRIBUTES)}"
            case "macro":
                name, uses_caller = self.pick(*self.macros)
                return (
                    f"{name}({self.arguments()})"
                    if not uses_caller
                    else f"{name}.{self.pick('name', 'arguments')}"
                )
            case "imported":
                return f"{self.pick(*sorted(self.imported))}({self.arguments()})"
            case "namespace":
                return f"{self.pick(*self.namespaces)}.{self.pick('p', 'p', 'q')}"
            case "varargs":
                return self.pick("varargs|length", "varargs|join(',')", "kwargs|length", "varargs", "kwargs")
            case "caller":
                return f"caller({self.pick('', '1', self.variable())})"
            case "self":
                return f"self.{self.pick(*self.defined_blocks)}()"
            case "later":
                return f"later({self.variable()})"
            case "gettext":
                name = self.variable()
                return self.pick(
                    "_('Hello')",
                    "gettext('Hello')|upper",
                    f"ngettext('one', 'many', ({name}|string)|length)",
                )
            case _:
                name = self.variable()
                return self.pick(
                    f"peek('{name}')", "escaping()", f"({name}|string)[1:]", "range(2)|list", "dict(k=1).k"
                )

    def risky(self) -> str:
        """An expression that fails for many values."""
        name = self.variable()
        match self.pick("filter", "filter", "test", "operator", "access", "call", "name"):
            case "filter":
                return f"{name}|{self.filter()}"
            case "test":
                test, arguments = self.pick(*TESTS.items())
                return f"({name} is {self.pick('', 'not ')}{test}{self.pick(*arguments)})"
            case "operator":
                operator = self.pick("+", "-", "*", "/", "//", "%", "<", "<=", ">", ">=", "in", "not in")
                left, right = name, self.pick(*self.world.names, "1", "'t'", "[1]", "none")
                return (
                    f"({left} {operator} {right})" if self.chance(70) else f"({right} {operator} {left} < 9)"
                )
            case "access":
                return name + self.pick(
                    ".k", "[0]", ".name.x", "['k']", "[-1]", "[1:]", "[::-1]", ".n", ".0", "[y]", ".shout"
                )
            case "call":
                return name + self.pick(
                    "()",
                    ".upper()",
                    ".items()",
                    "(1, k=2)",
                    "(*[1], **{'k': 1})",
                    ".greet('Hi')",
                    ".get('k')",
                )
            case _:
                return self.pick(
                    "caller()",
                    "loop",
                    "loop.index",
                    "self",
                    "super()",
                    "varargs",
                    "self.one()",
                    "nowhere",
                    "nowhere.x",
                )

    def filter(self) -> str:
        name, arguments = self.pick(*FILTERS.items())
        return name + self.pick(*arguments)

    def arguments(self) -> str:
        values = [self.pick(*self.world.names, "1", "'<'") for _ in range(self.pick(0, 1, 1, 2))]
        if self.chance(10):
            values.append(f"{self.pick('z', 'z', self.variable())}={self.variable()}")
        if self.chance(3):
            values.append(self.pick("*[1]", "*'ab'", "**{'z': 1}", "*[], **{}"))
        return ", ".join(values)

    def iterable(self) -> str:
        if self.chance(400 * self.world.risk):
            return self.pick(
                self.variable(), f"{self.variable()}.items()", f"{self.variable()}|{self.filter()}"
            )
        if self.world.is_async and self.chance(25):
            return self.pick(
                *("stream(1, 2, 3)", "stream()", "later([1, 2])", "stream(1, 2)|map('string')"),
                *(
                    "stream(1, 2, 3)|select('odd')",
                    "stream('a', 'b')|list",
                    f"later({self.variable()})|string",
                ),
            )
        names = ", ".join(self.variable() for _ in range(self.pick(1, 2, 3)))
        return self.pick(
            *(
                "[1, 2, 3]",
                "range(3)",
                "'ab'",
                "[]",
                "('p', 'q')",
                "{'k': 1, 'l': 2}",
                f"[{names}]",
                f"[{names}]",
            ),
            *(f"({self.variable()}|default([])|string)[:3]", "[1, 2, 3]|map('string')", "generator(1, 2)"),
            *(
                "[1, 2, 3]|select('odd')",
                "[1, 1, 2]|batch(2)",
                "{'k': 1}|dictsort|map('first')",
                "[3, 1]|sort",
                "(5,)",
            ),
        )

    # --- statements ----------------------------------------------------------------------------------------

    def tag(self, text: str) -> str:
        syntax = self.world.syntax
        if syntax.line_statement and self.chance(30):
            # Several words end a line statement with a colon.
            colon = self.pick("", "", ":") if text.startswith(("for", "if", "elif", "else")) else ""
            indent = "  " if self.chance(8) else ""  # it is text after a tag that removes whitespace
            return f"\n{indent}{syntax.line_statement}{self.pick('', ' ')}{text}{colon}\n"
        start = self.pick("", "", "", "", "", "-", "+")
        end = self.pick("", "", "", "", "", "-", "+")
        return f"{syntax.block[0]}{start} {text} {end}{syntax.block[1]}"

    def print(self, text: str) -> str:
        start, end = self.pick("", "", "", "-"), self.pick("", "", "", "-")
        return f"{self.world.syntax.variable[0]}{start} {text} {end}{self.world.syntax.variable[1]}"

    def body(self, depth: int, most: int = 2) -> str:
        return "".join(self.statement(depth) for _ in range(self.world.random.randint(0, most)))

    def statement(self, depth: int) -> str:
        simple = ["text", "output", "output", "output", "set", "set", "comment"]
        simple += [self.pick("do", "namespace", "unpack", "print")]
        if self.includes:
            simple += ["include", "include"]
        if self.world.library:
            simple.append("import")
        if self.world.translated:
            simple += ["trans", "trans"]
        nested = ["if", "if", "for", "for", "with", "set_block", "macro", "filter", "autoescape", "recursive"]
        if self.blocks and not self.in_body:
            nested += ["block", "block"]
        if any(uses_caller for _, uses_caller in self.macros):
            nested += ["call", "call"]
        kind = self.pick(*simple, *(nested if depth > 0 else ()))
        return getattr(self, f"write_{kind}")(depth - 1) + self.pick("", "", "\n", "\n", " ", "\n  ")

    def write_text(self, depth: int) -> str:
        syntax = self.world.syntax
        prefixes = [prefix for prefix in (syntax.line_statement, syntax.line_comment) if prefix]
        return self.pick(*(text for text in TEXTS if not text.startswith(tuple(prefixes))))

    def write_comment(self, depth: int) -> str:
        syntax = self.world.syntax
        start, end = syntax.comment
        choices = [
            f"{start} note {end}",
            f"{start}- note -{end}",
            f"{start} two\nlines {end}",
            f"{start}+ note {end}",
        ]
        choices.append(self.raw())
        if syntax.line_comment:
            choices += [f"\n{syntax.line_comment} a line\n", f" {syntax.line_comment} to the end\n"]
        return self.pick(*choices)

    def raw(self) -> str:
        (start, end), (variable, variable_end) = self.world.syntax.block, self.world.syntax.variable
        left, right = self.pick("", "", "-"), self.pick("", "", "-")
        text = self.pick(
            f"{variable} raw {variable_end}", f"{start} if {end}", f"\n {self.world.syntax.comment[0]}\n", ""
        )
        return f"{start}{left} raw {right}{end}{text}{start}{right} endraw {left}{end}"

    def write_output(self, depth: int) -> str:
        return self.print(self.expression())

    def write_print(self, depth: int) -> str:
        return self.tag(f"print {self.expression(1)}{self.pick('', ', ' + self.atom())}")

    def write_do(self, depth: int) -> str:
        return self.tag(f"do {self.expression(1)}")

    def write_namespace(self, depth: int) -> str:
        if self.namespaces and self.chance(60):
            return self.tag(f"set {self.pick(*self.namespaces)}.{self.pick('p', 'q')} = {self.expression(1)}")
        name = self.pick("ns", "ns2")
        self.namespaces = [*self.namespaces, name]
        return self.tag(f"set {name} = namespace(p={self.atom()})")

    def write_set(self, depth: int) -> str:
        return self.tag(f"set {self.variable()} = {self.expression()}")

    def write_unpack(self, depth: int) -> str:
        if self.chance(1000 * self.world.risk):
            return self.tag(f"set {self.variable()}, {self.variable()} = {self.expression(1)}")
        return self.tag(f"set {self.variable()}, {self.variable()} = {self.expression(1)}, {self.atom()}")

    def write_set_block(self, depth: int) -> str:
        with self.scope(buffered=True):
            body = self.body(depth)
        filters = self.pick("", "", "|upper", "|trim|e", "|replace('t', '<')", "|default('d')")
        return self.tag(f"set {self.variable()}{filters}") + body + self.tag("endset")

    def write_if(self, depth: int) -> str:
        heads = [f"if {self.expression()}"]
        heads += [f"elif {self.expression()}" for _ in range(self.pick(0, 0, 0, 1, 1, 2))]
        heads += ["else"] * self.pick(0, 1)
        parts = [self.tag(head) + self.branch(depth) for head in heads]
        return "".join([*parts, self.tag("endif")])

    def branch(self, depth: int) -> str:
        """A body that may not run. Its definitions are rarely used after it."""
        if self.chance(10):
            return self.body(depth)
        with self.scope():
            return self.body(depth)

    def write_for(self, depth: int) -> str:
        name = self.variable()
        head = f"for {name} in {self.iterable()}"
        if self.chance(15):
            head = f"for {name}, z in [(1, 'p'), ({self.atom()}, 'q')]"
        if self.chance(25):
            head += f" if {self.pick(f'{name} != 2', f'{name} is defined', f'({self.atom()}) != {name}')}"
        with self.scope(loops=self.loops + 1):
            body = self.body(depth)
            if self.chance(10):
                body = self.tag("set outer = loop") + body + self.print("outer.index ~ outer.last")
            if self.chance(15):
                body += self.tag(f"if {self.expression(1)}") + self.tag(self.pick("break", "continue"))
                body += self.tag("endif") + self.body(depth, 1)
        parts = [self.tag(head), body]
        if self.chance(25):
            with self.scope():
                parts += [self.tag("else"), self.body(depth, 2)]
        return "".join([*parts, self.tag("endfor")])

    def write_recursive(self, depth: int) -> str:
        name = self.variable()
        with self.scope(loops=self.loops + 1, buffered=True):
            body = self.body(depth, 2)
            call = f"loop({name}){self.pick('', '|upper')} if {name} is sequence and {name} is not string"
        items = self.pick("[[1, []], 2]", "[1, [2, [3, 4]]]", "[[], [[]]]")
        condition = self.pick("", "", f" if {name} != 2")
        otherwise = self.tag("else") + self.pick("none", "") if self.chance(20) else ""
        head = self.tag(f"for {name} in {items}{condition} recursive")
        return head + body + self.print(call) + otherwise + self.tag("endfor")

    def write_with(self, depth: int) -> str:
        bindings = [f"{self.variable()} = {self.expression(1)}" for _ in range(self.pick(0, 1, 1, 2))]
        bindings = list({binding.split(" = ")[0]: binding for binding in bindings}.values())
        with self.scope():
            body = self.body(depth)
        return self.tag(" ".join(["with", ", ".join(bindings)]).strip()) + body + self.tag("endwith")

    def write_filter(self, depth: int) -> str:
        with self.scope(buffered=True):
            body = self.body(depth)
        filters = self.pick("upper", "trim", "e", "replace('t', '<')", "upper|trim", "indent(2)", "safe")
        return self.tag(f"filter {filters}") + body + self.tag("endfilter")

    def write_autoescape(self, depth: int) -> str:
        with self.scope():
            body = self.body(depth)
        value = "false" if self.world.is_native else self.pick("true", "false", self.variable())
        return self.tag(f"autoescape {value}") + body + self.tag("endautoescape")

    def write_macro(self, depth: int) -> str:
        """Each macro has its own name, and calls earlier macros only, so that there is no endless recursion."""
        self.macro_count += 1
        name = f"{self.name}_m{self.macro_count}"
        uses_caller = self.chance(35)
        n, m = self.variable(), self.variable()
        choices = ["", n, f"{n}=1", f"z={n}", f"{n}, z=1", f"{n}, z={n}", f"z, {n}={self.expression(1)}"]
        if n != m:
            choices += [f"{n}, {m}=1", f"{n}, {m}={n}", f"{n}={m}, {m}={n}"]
        if uses_caller and self.chance(10):
            choices = [f"{n}, caller=none"] if n != "caller" else choices
        arguments = self.pick(*choices)
        with self.scope(in_body=True, buffered=True, loops=0, has_caller=uses_caller):
            body = self.body(depth) + (self.print("caller() if caller else ''") if uses_caller else "")
            body += self.pick("", self.print("varargs|length ~ kwargs|length"))
        self.macros = [*self.macros, (name, uses_caller)]
        return self.tag(f"macro {name}({arguments})") + body + self.tag("endmacro")

    def write_call(self, depth: int) -> str:
        name = self.pick(*(name for name, uses_caller in self.macros if uses_caller))
        n, m = self.variable(), self.variable()
        parameters = self.pick("", "", f"({n}=0)", f"({n}={m})", f"({n}, z=1)")
        with self.scope(in_body=True, buffered=True, has_caller=False, loops=0):
            body = self.body(depth, 2)
        return self.tag(f"call{parameters} {name}({self.pick('', '', '1', n)})") + body + self.tag("endcall")

    def write_block(self, depth: int) -> str:
        name = self.blocks.pop()
        scoped = self.pick("", "", " scoped")
        loops = self.loops if scoped else 0
        if not self.is_child and self.chance(2):
            self.defined_blocks.append(name)
            content = self.pick("", " ", "\n")
            return f"{self.tag(f'block {name}{scoped} required')}{content}{self.tag('endblock')}"
        with self.scope(in_block=True, buffered=False, loops=loops, macros=[], imported=set(), namespaces=[]):
            body = self.body(depth)
            if self.is_child and self.chance(40):
                parent = self.print(self.pick("super()", "super()|upper", "super() ~ 1"))
                body += self.pick(parent, parent, self.tag("set x = super()") + self.print("x"))
                body += self.print("super.super()") if self.chance(10) else ""
        self.defined_blocks.append(name)
        return self.tag(f"block {name}{scoped}") + body + self.tag(f"endblock{self.pick('', ' ' + name)}")

    def write_include(self, depth: int) -> str:
        target = self.pick(
            f"'{self.pick(*self.includes)}'", "['no', 'leaf']", f"'no' ~ {self.variable()}", "('leaf', 'no')"
        )
        words = self.pick("", "", " with context", "" if self.buffered else " without context")
        if target.startswith("'no'"):
            words = " ignore missing" + words
        return self.tag(f"include {target}{words}")

    def write_import(self, depth: int) -> str:
        words = self.pick("", "", " with context", " without context")
        macro = self.pick(*self.world.library)
        match self.pick("as", "from", "alias", "several"):
            case "as":
                self.imported.add(f"lib.{macro}")
                return self.tag(f"import 'lib' as lib{words}")
            case "from":
                self.imported.add(macro)
                return self.tag(f"from 'lib' import {macro}{words}")
            case "alias":
                self.imported.add("renamed")
                return self.tag(f"from 'lib' import {macro} as renamed{words}")
            case _:
                self.imported.add(macro)
                return self.tag(
                    f"from 'lib' import {macro}, {self.variable()}, nothing as {self.variable()}{words}"
                )

    def write_trans(self, depth: int) -> str:
        name = self.variable()
        bindings = {name: name, "z": f"z={self.atom()}", "count": f"count=({name}|default('')|string|length)"}
        shown = self.pick((), (), (name,), ("z",), (name, "z"))
        text = self.pick(*MESSAGES) + "".join(self.print(variable) for variable in shown)
        if self.chance(30):
            shown = ("count", *shown)
            text += self.tag("pluralize" + self.pick("", " count")) + "many " + self.print("count")
        words = [self.pick("", "", "", "'menu'"), self.pick("", "", "trimmed", "notrimmed")]
        words.append(", ".join(bindings[variable] for variable in shown))
        return self.tag(" ".join(filter(None, ("trans", *words)))) + text + self.tag("endtrans")


# --- cases -----------------------------------------------------------------------------------------------------

UNDEFINED = ("ChainableUndefined", "DebugUndefined", "StrictUndefined")
AUTOESCAPE = ("True", "True", "True", "select_autoescape(default=True)", "lambda name: name != 'lib'")
FINALIZE = (
    "lambda v: '-' if v is None else v",
    "str",
)
RUNS = ("render", "render", "render", "generate", "stream", "module")
ASYNC_RUNS = ("render", "render_async", "render_async", "generate_async")
KINDS = ("plain",) * 6 + ("async",) * 2 + ("native", "sandbox")


def options_of(random: Random, syntax: Syntax, translated: bool) -> tuple[list[str], str]:
    """The options of an environment, and the way of rendering."""
    extensions = ["loopcontrols", "do", "i18n"] if translated else ["loopcontrols", "do"]
    functions = (
        '{"generator": generator, "peek": peek, "escaping": escaping, "later": later, "stream": Async}'
    )
    options = [*syntax.options(), f"extensions = {extensions}", f"globals = {functions}"]
    for option in ("trim_blocks", "lstrip_blocks", "keep_trailing_newline"):
        if random.random() < 0.2:
            options.append(f"{option} = True")
    for option, values, share in (
        ("autoescape", AUTOESCAPE, 0.35),
        ("undefined", UNDEFINED, 0.2),
        ("finalize", FINALIZE, 0.06),
        ("newline_sequence", (r"'\r\n'", r"'\r'"), 0.03),
    ):
        if random.random() < share:
            options.append(f"{option} = {random.choice(values)}")
    if translated:
        # A message has plain newlines, which Jinja2 replaces by the sequence.
        options = [option for option in options if not option.startswith("newline")]
        catalog = {"Hello": "Hallo", "%(x)s": "<%(x)s>", "100% of it": "alles, 100%", "menu!Hello": "Servus"}
        translations = random.choice((catalog, "Echo()"))
        options += [f"translations = {translations}", f"newstyle = {random.random() < 0.5}"]
    match random.choice(KINDS):
        case "async":
            return [*options, "enable_async = True"], random.choice(ASYNC_RUNS)
        case "native":
            # Values keep their types where Jinja2 escapes them, and Jinja2 joins values before it evaluates all.
            options = [option for option in options if not option.startswith(("autoescape", "undefined"))]
            return [*options, "native = True"], "native"
        case "sandbox":
            sandbox = random.choice(("SandboxedEnvironment", "ImmutableSandboxedEnvironment"))
            return [*options, f"sandbox = {sandbox!r}"], random.choice(RUNS)
    return options, random.choice(RUNS)


def generated(number: int, depth: int | None = None, *, standard: bool = False) -> Case:
    """The case of a number.

    depth: how deep statements may be nested; by default that depends on the number.
    standard: without other delimiters, line statements and translations.
    """
    random = Random(number)
    if depth is None:
        depth = random.choice((1, 1, 2, 2, 2, 3))
    names = NAMES if random.random() < 0.75 else (*NAMES[:3], *random.sample(ODD_NAMES, 2))
    world = World(random, names, random.choice(SYNTAXES), random.random() < 0.1)
    if standard:
        world.syntax, world.translated = Syntax(), False
    options, how = options_of(random, world.syntax, world.translated)
    world.is_async = "enable_async = True" in options
    world.is_native = "native = True" in options
    if random.random() < 0.25:
        world.risk = 0.05
    library = Writer(world, "lib")
    lib = "".join(library.write_macro(1) + "\n" for _ in range(2)) + library.body(1, 2)
    world.library = tuple(name for name, uses_caller in library.macros if not uses_caller)
    templates = {"main": "", "lib": lib}
    templates["leaf"] = Writer(world, "leaf", blocks=["leaf_block"]).body(2)
    templates["part"] = Writer(world, "part", includes=("leaf",)).body(2)
    free = ["four", "three", "two", "one"]
    ancestors = random.choice((0, 0, 0, 1, 1, 2))
    includes = ("leaf", "part")
    if ancestors:
        base = Writer(world, "base", includes, list(free))
        templates["base"] = base.body(depth, 4) + (base.write_block(1) if base.blocks else "")
    if ancestors == 2:
        middle = Writer(world, "middle", includes, list(free), is_child=True)
        templates["middle"] = middle.tag("extends 'base'") + middle.body(depth - 1, 4)
    main = Writer(world, "main", includes, list(free), is_child=bool(ancestors))
    head = ""
    if ancestors:
        parent = "'base'" if ancestors == 1 else "'middle'"
        head = main.tag(f"extends {main.pick(parent, parent, f'{parent} if true else x')}")
        if main.chance(10):
            head = main.tag(f"if {main.atom()}") + head + main.tag("endif")
    templates["main"] = (main.body(0, 1) if main.chance(10) else "") + head + main.body(depth, 5)
    values = CONTEXT_VALUES if random.random() < 0.5 else SAFE_VALUES
    share = 0.97 if "StrictUndefined" in str(options) else 0.6
    assigned = [name for name in names if random.random() < share]
    places = [f"locals()[{name!r}]" if iskeyword(name) else name for name in assigned]
    # An unusual name may be one that a value needs; the unusual names come last.
    context = [f"{place} = {random.choice(values if place in NAMES else SAFE_VALUES)}" for place in places]
    sections = {"options": "\n".join(options), "context": "\n".join(context), "run": how}
    return Case("", sections, templates)


def site(depth: int = 3) -> st.SearchStrategy[Case]:
    """Cases for Hypothesis, with the standard syntax."""
    return st.integers(0, 2**32).map(lambda number: generated(number, depth, standard=True))
