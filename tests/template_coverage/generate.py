"""Random templates that record which of their lines and branches run, without a tool.

Each line with code first calls ``r(line)``, or begins with ``[line]`` in the output if it has no expression for a
call. Conditions are ``c(line)`` and loops run over ``it(line)``, which record the decisions. The templates and the
decisions depend on the seed only.
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MAIN, PART, LIB, BASE = "main.html", "part.html", "lib.html", "base.html"


@dataclass
class Record:
    """The lines that ran, as (template, line), and the decisions that each branch took."""

    lines: set[tuple[str, int]] = field(default_factory=set)
    ways: dict[tuple[str, int], set[str]] = field(default_factory=lambda: defaultdict(set))

    def functions(self, seed: int) -> dict[str, Any]:
        """The functions that the templates call."""
        draw = random.Random(seed)

        def r(name: str, line: int, *given: Any) -> int:
            self.lines.add((name, line))
            return line

        def c(name: str, line: int, *given: Any) -> bool:
            self.lines.add((name, line))
            decided = draw.random() < 0.5
            self.ways[name, line].add(str(decided))
            return decided

        def it(name: str, line: int, *given: Any) -> Iterator[int]:
            self.lines.add((name, line))
            count = draw.choice((0, 0, 1, 2, 3))

            def items() -> Iterator[int]:
                for number in range(count):
                    self.ways[name, line].add("started")
                    yield number
                self.ways[name, line].add("ended" if count else "empty")

            return items()

        def tree(name: str, line: int) -> list[Any]:
            self.lines.add((name, line))
            return draw.choice(([], [[]], [[], [[]]], [[[[]], []]]))

        def which(name: str, line: int, *given: Any) -> str:
            self.lines.add((name, line))
            return PART if draw.random() < 0.7 else "nowhere.html"

        return {"r": r, "c": c, "it": it, "tree": tree, "which": which}


class Writer:
    """Writes one template, with one statement on each line. `plain` has the lines whose only branch is recorded."""

    def __init__(self, draw: random.Random, name: str, includes: bool) -> None:
        self.draw = draw
        self.name = name
        self.includes = includes
        self.lines: list[str] = []
        self.plain: dict[int, str] = {}
        self.macros: list[str] = []
        self.blocks = 0
        self.loops = 0
        self.callable_here = True
        self.in_body = False

    def call(self, function: str, more: str = "") -> str:
        return f'{function}("{self.name}", {len(self.lines) + 1}{more})'

    def add(self, text: str) -> None:
        self.lines.append(text)

    def sign(self, at: str = "[{}]") -> str:
        return at.format(f"{self.name} {len(self.lines) + 1}")

    def body(self, depth: int, most: int = 3) -> None:
        for _ in range(self.draw.randint(1, most)):
            self.statement(depth)

    def statement(self, depth: int) -> None:
        kinds = ["text", "text", "value", "set", "lines", "blank", "inline", "one line"]
        if self.macros and self.callable_here:
            kinds += ["call macro", "call block"]
        if self.loops:
            kinds += ["jump"]
        if self.includes:
            kinds += ["include", "include maybe"]
        if depth:
            kinds += [
                "if",
                "if",
                "for",
                "for",
                "for",
                "with",
                "filter",
                "set block",
                "recursive",
                "autoescape",
            ]
            kinds += [] if self.in_body else ["block", "macro"]
        getattr(self, "_" + self.draw.choice(kinds).replace(" ", "_"))(depth)

    def _text(self, depth: int) -> None:
        self.add(f"{self.sign()} text")
        if self.draw.random() < 0.3:
            self.add("more of the text")

    def _value(self, depth: int) -> None:
        self.add(f"{{{{ {self.call('r')} }}}}")

    def _blank(self, depth: int) -> None:
        self.add(self.draw.choice(("", "{# comment #}", "{#", "{% raw %}{% endraw %}")))
        if self.lines[-1] == "{#":
            self.add("over lines #}")

    def _set(self, depth: int) -> None:
        self.add(f"{{% set v = {self.call('r')} %}}")

    def _lines(self, depth: int) -> None:
        self.add(f"{{{{ {self.call('r')} +")
        self.add(" [1, 2][" + self.draw.choice(("0", "v0.index or 1")) + "]")
        self.add("}}")

    def _inline(self, depth: int) -> None:
        self.add(f"{{{{ {self.call('r')} {self.draw.choice(('and', 'or'))} 1 if 2 else 3 }}}} after")

    def _one_line(self, depth: int) -> None:
        c, it = self.call("c"), self.call("it")
        self.add(
            self.draw.choice(
                (
                    f"a {{% if {c} %}}b{{% else %}}d{{% endif %}} e",
                    f"{{% for n in {it} %}}{{{{ n }}}}{{% else %}}none{{% endfor %}}",
                    f"{{% set a = 1 %}}{{% if {c} %}}{{% set a = 2 %}}{{% endif %}}{{{{ a }}}}",
                )
            )
        )

    def _call_macro(self, depth: int) -> None:
        self.add(f"{{{{ {self.draw.choice(self.macros)}({self.call('r')}) }}}}")

    def _call_block(self, depth: int) -> None:
        self.add(f"{{% call {self.draw.choice(self.macros)}({self.call('r')}) %}}")
        self.inner(depth, in_body=True, loops=0)
        self.add("{% endcall %}")

    def _jump(self, depth: int) -> None:
        self.plain[len(self.lines) + 1] = "if"
        self.add(f"{{% if {self.call('c')} %}}")
        self.add(f"{self.sign()}{{% {self.draw.choice(('break', 'continue'))} %}}")
        self.add("{% endif %}")

    def _include(self, depth: int) -> None:
        self.add(f"{self.sign()}{{% include '{PART}' %}}")

    def _include_maybe(self, depth: int) -> None:
        self.add(f"{{% include {self.call('which')} ignore missing %}}")

    def _if(self, depth: int) -> None:
        one = self.draw.random() < 0.8
        self.plain[len(self.lines) + 1] = "if"
        self.add(f"{{% if {self.call('c')} %}}" if one else f"{{%- if {self.call('c')} -%}}")
        self.inner(depth)
        while self.draw.random() < 0.3:
            self.plain[len(self.lines) + 1] = "if"
            self.add(f"{{% elif {self.call('c')} %}}")
            self.inner(depth)
        if self.draw.random() < 0.5:
            self.add("{% else %}")
            self.inner(depth)
        self.add("{% endif %}")

    def _for(self, depth: int) -> None:
        start = len(self.lines) + 1
        test = self.draw.random()
        condition = " if x != 1" if test < 0.15 else ""
        otherwise = self.draw.random() < 0.35
        if not condition:
            self.plain[start] = "for else" if otherwise else "for"
        self.add(f"{{% for x in {self.call('it')}{condition} %}}")
        if condition and self.draw.random() < 0.5:
            self.add(f"{{{{ {self.call('r')} }}}}{{{{ loop.last }}}}")
        # After a `break`, Jinja runs the else as well.
        self.inner(depth, loops=0 if otherwise else 1, in_body=True)
        if otherwise:
            self.add("{% else %}")
            self.inner(depth)
        self.add("{% endfor %}")

    def _recursive(self, depth: int) -> None:
        self.add(f"{{% for x in {self.call('tree')} recursive %}}")
        self.inner(depth - 1, in_body=True, loops=1)
        self.add(f"{{{{ {self.call('r')} }}}}{{{{ loop(x) }}}}")
        self.add("{% endfor %}")

    def _with(self, depth: int) -> None:
        self.add(f"{{% with w = {self.call('r')} %}}")
        self.inner(depth)
        self.add("{% endwith %}")

    def _autoescape(self, depth: int) -> None:
        self.add(f"{{% autoescape {self.call('r')} %}}")
        self.inner(depth)
        self.add("{% endautoescape %}")

    def _filter(self, depth: int) -> None:
        self.add(f"{self.sign()}{{% filter trim %}}")
        self.inner(depth, loops=0)
        self.add("{% endfilter %}")

    def _set_block(self, depth: int) -> None:
        self.add(f"{self.sign()}{{% set v %}}")
        self.inner(depth, loops=0, in_body=True)
        self.add("{% endset %}{{ v }}")
        # The line of the end tag begins a statement only if it has output.
        self.lines[-1] = f"{{% endset %}}{{{{ v }}}}{{{{ {self.call_here('r')} }}}}"

    def call_here(self, function: str) -> str:
        return f'{function}("{self.name}", {len(self.lines)})'

    def _block(self, depth: int) -> None:
        self.blocks += 1
        self.add(f"{self.sign()}{{% block b{self.blocks} %}}")
        self.inner(depth, macros=[])
        self.add("{% endblock %}")

    def _macro(self, depth: int) -> None:
        name = f"m{len(self.macros)}_{len(self.lines)}"
        default = self.draw.random() < 0.5
        self.add(f"{self.sign()}{{% macro {name}(a{', b=1' if default else ''}) %}}")
        self.inner(depth, in_body=True, callable_here=False)
        self.add(f"{{{{ {self.call('r')} }}}}{{{{ caller() if caller else '' }}}}")
        self.add("{% endmacro %}")
        self.macros.append(name)

    def inner(self, depth: int, **changes: Any) -> None:
        """Write a body in a context with other properties."""
        before = {name: getattr(self, name) for name in (*changes, "macros")}
        self.macros = list(self.macros)
        for name, value in changes.items():
            setattr(self, name, value)
        self.body(max(depth - 1, 0))
        for name, value in before.items():
            setattr(self, name, value)


def write(seed: int, folder: Path) -> dict[str, Writer]:
    """Write the templates of a seed to a folder."""
    draw = random.Random(seed)
    written: dict[str, Writer] = {}
    for name in (PART, MAIN):
        writer = Writer(draw, name, includes=name == MAIN)
        writer.body(depth=3, most=8 if name == MAIN else 3)
        (folder / name).write_text("\n".join(writer.lines) + "\n")
        written[name] = writer
    return written


def lines_in(output: str) -> set[tuple[str, int]]:
    """The lines whose marks are in an output."""
    return {(name, int(line)) for name, line in re.findall(r"\[(\S+) (\d+)\]", output)}
