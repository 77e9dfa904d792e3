"""Random valid templates: a grammar with a small vocabulary, so that names meet, hide and shadow each other.

``site()`` draws a Case: a main template (that may extend a base), two templates to include, a library to
import, options and a context. Statements stand on lines of their own, so that the lines of errors count.
Expressions rarely fail, for an error ends a render and hides what comes after it; ``risky`` ones do now and
then.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cases.casefile import Case
from hypothesis import strategies as st

NAMES = ("a", "b", "c", "x", "y")
CONTEXT_VALUES = (
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
    "Markup('<i>')",
    "[(1, 'one'), (2, 'two')]",
)
OPTIONS = (
    "autoescape = True",
    "trim_blocks = True",
    "lstrip_blocks = True",
    "trim_blocks = True\nlstrip_blocks = True",
    "undefined = ChainableUndefined",
    "undefined = DebugUndefined",
    "undefined = StrictUndefined",
    "finalize = lambda v: '-' if v is None else v",
    "autoescape = select_autoescape(default=True)",
    "keep_trailing_newline = True",
)
FILTERS = (
    *("upper", "lower", "title", "e", "safe", "string", "length", "trim", "capitalize", "list", "reverse"),
    *("default('d')", "replace('t', '<')", "join('-')", "first", "last", "center(9)", "indent", "tojson"),
)
SAFE_FILTERS = ("string", "default('d')", "default('d', true)", "e", "string|upper", "string|length", "safe")
TESTS = ("defined", "undefined", "none", "string", "mapping", "iterable", "number", "sameas none", "eq 1")
LOOP_ATTRIBUTES = ("index", "index0", "revindex", "first", "last", "length", "depth", "previtem", "nextitem")
TEXTS = ("text", " ", "t <b> ", "\n", "  \n  ", "é", "100%", "{ }", "'", '"\\')


@dataclass
class Writer:
    """Writes one template; knows what can be named where it is."""

    draw: Callable[..., Any]
    name: str
    includes: tuple[str, ...] = ()
    library: tuple[str, ...] = ()  # macros of "lib"
    blocks: list[str] = field(default_factory=list)  # names still free for a block
    defined_blocks: list[str] = field(default_factory=list)
    macros: list[tuple[str, bool]] = field(default_factory=list)  # to call here; whether it has caller
    imported: set[str] = field(default_factory=set)
    macro_count: int = 0
    in_loop: int = 0
    in_body: bool = False  # of a macro or call block
    has_caller: bool = False
    in_block: bool = False
    buffered: bool = False  # the text goes somewhere else than to the output
    is_child: bool = False

    # What to choose.

    def pick(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def chance(self, percent: int) -> bool:
        return self.draw(st.integers(1, 100)) <= percent

    @contextmanager
    def scope(self, **changes: Any) -> Iterator[None]:
        """Another place to write in; macros defined there are forgotten after it."""
        before = {name: getattr(self, name) for name in (*changes, "macros", "imported")}
        self.macros, self.imported = list(self.macros), set(self.imported)
        for name, value in changes.items():
            setattr(self, name, value)
        yield
        for name, value in before.items():
            setattr(self, name, value)

    # Expressions.

    def expression(self, depth: int = 2) -> str:
        if depth <= 0 or self.chance(35):
            return self.atom()
        inner = self.expression(depth - 1)
        kinds = ("filter", "test", "tilde", "if", "or", "and", "not", "eq", "in", "list", "dict", "group")
        match self.pick(*kinds):
            case "filter":
                return f"({inner})|{self.pick(*(FILTERS if self.chance(4) else SAFE_FILTERS))}"
            case "test":
                return f"(({inner}) is {self.pick('', 'not ')}{self.pick(*TESTS)})"
            case "tilde":
                return f"{inner} ~ {self.expression(depth - 1)}" if " if " not in inner else f"({inner}) ~ 1"
            case "if":
                otherwise = f" else {self.expression(depth - 1)}" if self.chance(70) else ""
                return f"({inner} if {self.atom()}{otherwise})"
            case "or" | "and" as operator:
                return f"({inner} {operator} {self.expression(depth - 1)})"
            case "not":
                return f"(not {inner})"
            case "eq":
                return f"({inner}) {self.pick('==', '!=')} {self.atom()}"
            case "in":
                return f"({inner}) {self.pick('in', 'not in')} [1, {self.atom()}]"
            case "list":
                return f"[{inner}, {self.atom()}]"
            case "dict":
                return f"{{'k': {inner}}}.k"
            case _:
                return f"({inner})"

    def atom(self) -> str:
        kinds = ["name", "name", "name", "name", "constant"]
        if self.in_loop:
            kinds += ["loop", "loop"]
        if self.macros:
            kinds += ["macro", "macro"]
        if self.imported:
            kinds.append("imported")
        if self.in_body:
            kinds.append("varargs")
        if self.has_caller:
            kinds += ["caller", "caller"]
        if self.defined_blocks and not self.in_block and not self.in_body and not self.in_loop:
            kinds.append("self")
        if self.draw(st.integers(1, 250)) == 250:
            kinds = ["risky"]
        match self.pick(*kinds):
            case "name":
                return self.pick(*NAMES)
            case "constant":
                return self.pick("1", "0", "'t'", "'<'", "none", "true", "[1, 2]", "2.5", "''")
            case "loop":
                return f"loop.{self.pick(*LOOP_ATTRIBUTES)}" if self.chance(80) else "loop.cycle('o', 'e')"
            case "macro":
                name, uses_caller = self.pick(*self.macros)
                return f"{name}({self.arguments()})" if not uses_caller else f"{name}.name"
            case "imported":
                return f"{self.pick(*sorted(self.imported))}({self.arguments()})"
            case "varargs":
                return self.pick("varargs|length", "varargs|join(',')", "kwargs|length")
            case "caller":
                return f"caller({self.pick('', '1', self.pick(*NAMES))})"
            case "self":
                return f"self.{self.pick(*self.defined_blocks)}()"
            case _:
                return self.risky()

    def risky(self) -> str:
        name = self.pick(*NAMES)
        return name + self.pick(".k", "[0]", " + 1", ".name.x", "|sum", "()", " < 1", "|int")

    def arguments(self) -> str:
        given = [self.pick(*NAMES, "1", "'<'") for _ in range(self.pick(0, 1, 1, 2))]
        if self.chance(20):
            given.append(f"{self.pick('y', 'z')}={self.pick(*NAMES)}")
        return ", ".join(given)

    def iterable(self) -> str:
        return self.pick(
            "[1, 2, 3]",
            "range(3)",
            "'ab'",
            "[]",
            "('p', 'q')",
            "{'k': 1, 'l': 2}",
            "[a, b]",
            "[x, y, c]",
            "(x|default([])|string)[:3]",
            "[1, 2, 3]|map('string')",
            "generator(1, 2)",
        )

    # Statements.

    def tag(self, text: str) -> str:
        start = self.pick("", "", "", "", "", "-", "+")
        end = self.pick("", "", "", "", "", "-", "+")
        return f"{{%{start} {text} {end}%}}"

    def output(self) -> str:
        start, end = self.pick("", "", "", "-"), self.pick("", "", "", "-")
        return f"{{{{{start} {self.expression()} {end}}}}}"

    def body(self, depth: int, most: int = 3) -> str:
        return "".join(self.statement(depth) for _ in range(self.draw(st.integers(0, most))))

    def statement(self, depth: int) -> str:
        simple = ["text", "output", "output", "output", "set", "set", "comment"]
        if self.includes:
            simple += ["include", "include"]
        if self.library:
            simple.append("import")
        nested = ["if", "if", "for", "for", "with", "set_block", "macro", "filter", "autoescape", "recursive"]
        if self.blocks and not self.in_body:
            nested += ["block", "block"]
        if any(uses_caller for _, uses_caller in self.macros):
            nested += ["call", "call"]
        kind = self.pick(*simple, *(nested if depth > 0 else ()))
        return getattr(self, f"write_{kind}")(depth - 1) + self.pick("", "", "\n", "\n", " ", "\n  ")

    def write_text(self, depth: int) -> str:
        return self.pick(*TEXTS)

    def write_comment(self, depth: int) -> str:
        return self.pick("{# note #}", "{#- note -#}", "{# two\nlines #}", "{% raw %}{{ raw }}{% endraw %}")

    def write_output(self, depth: int) -> str:
        return self.output()

    def write_set(self, depth: int) -> str:
        if self.chance(15):
            targets = f"{self.pick(*NAMES)}, {self.pick(*NAMES)}"
            return self.tag(f"set {targets} = {self.expression(1)}, {self.atom()}")
        return self.tag(f"set {self.pick(*NAMES)} = {self.expression()}")

    def write_set_block(self, depth: int) -> str:
        with self.scope(buffered=True):
            body = self.body(depth)
        return self.tag(f"set {self.pick(*NAMES)}{self.pick('', '|upper')}") + body + self.tag("endset")

    def write_if(self, depth: int) -> str:
        parts = [self.tag(f"if {self.expression()}"), self.body(depth)]
        if self.chance(30):
            parts += [self.tag(f"elif {self.expression()}"), self.body(depth)]
        if self.chance(50):
            parts += [self.tag("else"), self.body(depth)]
        return "".join([*parts, self.tag("endif")])

    def write_for(self, depth: int) -> str:
        name = self.pick(*NAMES)
        head = f"for {name} in {self.iterable()}"
        if self.chance(15):
            head = f"for {name}, z in [(1, 'p'), ({self.atom()}, 'q')]"
        if self.chance(25):
            head += f" if {self.pick(f'{name} != 2', f'{name} is defined', f'({self.atom()}) != {name}')}"
        with self.scope(in_loop=self.in_loop + 1):
            body = self.body(depth)
            if self.chance(15):
                body += self.tag(f"if {self.expression(1)}") + self.tag(self.pick("break", "continue"))
                body += self.tag("endif") + self.body(depth, 1)
        parts = [self.tag(head), body]
        if self.chance(25):
            with self.scope():
                parts += [self.tag("else"), self.body(depth, 2)]
        return "".join([*parts, self.tag("endfor")])

    def write_recursive(self, depth: int) -> str:
        name = self.pick(*NAMES)
        with self.scope(in_loop=self.in_loop + 1, buffered=True):
            body = self.body(depth, 2)
            call = f"{{{{ loop({name}) if {name} is sequence and {name} is not string }}}}"
        return self.tag(f"for {name} in [[1, []], 2] recursive") + body + call + self.tag("endfor")

    def write_with(self, depth: int) -> str:
        bindings = [f"{self.pick(*NAMES)} = {self.expression(1)}" for _ in range(self.pick(0, 1, 1, 2))]
        bindings = list({binding.split(" = ")[0]: binding for binding in bindings}.values())
        with self.scope():
            body = self.body(depth)
        return self.tag(" ".join(["with", ", ".join(bindings)]).strip()) + body + self.tag("endwith")

    def write_filter(self, depth: int) -> str:
        with self.scope(buffered=True):
            body = self.body(depth)
        filters = self.pick("upper", "trim", "e", "replace('t', '<')")
        return self.tag(f"filter {filters}") + body + self.tag("endfilter")

    def write_autoescape(self, depth: int) -> str:
        with self.scope():
            body = self.body(depth)
        return self.tag(f"autoescape {self.pick('true', 'false', 'a')}") + body + self.tag("endautoescape")

    def write_macro(self, depth: int) -> str:
        """Each macro has its own name, and its body calls earlier ones only: no endless recursion."""
        self.macro_count += 1
        name = f"{self.name}_m{self.macro_count}"
        uses_caller = self.chance(35)
        arguments = self.pick("", "x", "x, y=1", "a, b=c", "x, y=x")
        with self.scope(in_body=True, buffered=True, in_loop=0, has_caller=uses_caller):
            body = self.body(depth) + ("{{ caller() }}" if uses_caller else "")
            body += self.pick("", "{{ varargs|length }}{{ kwargs|length }}")
        self.macros = [*self.macros, (name, uses_caller)]
        return self.tag(f"macro {name}({arguments})") + body + self.tag("endmacro")

    def write_call(self, depth: int) -> str:
        name = self.pick(*(name for name, uses_caller in self.macros if uses_caller))
        parameters = self.pick("", "(x=0)", "(a=x, b=1)")
        with self.scope(in_body=True, buffered=True, has_caller=False):
            body = self.body(depth, 2)
        return self.tag(f"call{parameters} {name}()") + body + self.tag("endcall")

    def write_block(self, depth: int) -> str:
        name = self.blocks.pop()
        scoped = self.pick("", "", " scoped")
        in_loop = self.in_loop if scoped else 0
        with self.scope(in_block=True, buffered=False, in_loop=in_loop, macros=[], imported=set()):
            body = self.body(depth)
            if self.is_child and self.chance(40):
                body += self.pick("{{ super() }}", "[{{ super()|upper }}]", "{% set x = super() %}{{ x }}")
        self.defined_blocks.append(name)
        return self.tag(f"block {name}{scoped}") + body + self.tag(f"endblock{self.pick('', ' ' + name)}")

    def write_include(self, depth: int) -> str:
        target = self.pick(f"'{self.pick(*self.includes)}'", "['no', 'leaf']", f"'no' ~ {self.pick(*NAMES)}")
        words = self.pick("", "", " with context", "" if self.buffered else " without context")
        if target.startswith("'no'"):
            words = " ignore missing" + words
        return self.tag(f"include {target}{words}")

    def write_import(self, depth: int) -> str:
        words = self.pick("", "", " with context")
        macro = self.pick(*self.library)
        if self.chance(50):
            self.imported.add(f"lib.{macro}")
            return self.tag(f"import 'lib' as lib{words}")
        self.imported.add(macro)
        return self.tag(f"from 'lib' import {macro}{words}")


@st.composite
def site(draw: Callable[..., Any], depth: int = 3) -> Case:
    """A Case of one to five templates."""
    library = Writer(draw, "lib")
    lib = "".join(library.write_macro(1) + "\n" for _ in range(2)) + library.body(1, 2)
    callable_macros = tuple(name for name, uses_caller in library.macros if not uses_caller)
    leaf = Writer(draw, "leaf", blocks=["leaf_block"], library=callable_macros).body(2)
    part = Writer(draw, "part", includes=("leaf",), library=callable_macros).body(2)
    templates = {"main": "", "lib": lib, "leaf": leaf, "part": part}
    free = ["four", "three", "two", "one"]
    child = draw(st.integers(1, 100)) <= 40
    if child:
        base = Writer(draw, "base", ("leaf", "part"), callable_macros, list(free))
        templates["base"] = base.body(depth, 5) + (base.write_block(1) if base.blocks else "")
    main = Writer(draw, "main", ("leaf", "part"), callable_macros, free, is_child=child)
    head = main.tag("extends 'base'") if child and main.chance(90) else ""
    if child and not head:
        head = main.tag(f"if {main.atom()}") + main.tag("extends 'base'") + main.tag("endif")
    templates["main"] = (main.body(0, 1) if main.chance(10) else "") + head + main.body(depth, 6)
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
    context = [f"{name} = {draw(st.sampled_from(CONTEXT_VALUES))}" for name in names]
    options = ['extensions = ["loopcontrols", "do"]', 'globals = {"generator": generator}']
    if main.chance(50):
        options.append(draw(st.sampled_from(OPTIONS)))
    how = draw(st.sampled_from(("render", "render", "render", "generate", "stream")))
    sections = {"options": "\n".join(options), "context": "\n".join(context), "run": how}
    return Case("", sections, templates)
