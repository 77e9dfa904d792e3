"""Scoping: generated templates that read and set two names in all combinations of branches, loops and frames.

A template depends on its number only, which a failure names. TMPLMON_EXAMPLES is the number of templates.
"""

import os
from random import Random
from typing import Any

import jinja2
import jinja2.meta
import pytest

import tmplmon
import tmplmon.meta

EXAMPLES = int(os.environ.get("TMPLMON_EXAMPLES", "200"))
NAMES = "xy"
CONDITIONS = ("c", "not c", "d", "x is defined")
JINJA2 = jinja2.Environment(cache_size=0)
ENGINES = [tmplmon.Environment(cache_size=0, backend=backend) for backend in ("bytecode", "closures")]


class Writer:
    """Writes one template."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def body(self, depth: int, most: int = 2) -> str:
        return "".join(self.statement(depth) for _ in range(self.random.randint(1, most)))

    def statement(self, depth: int) -> str:
        random, name = self.random, self.random.choice(NAMES)
        kinds = ("read", "set", "if", "if", "for", "with", "block set", "filter", "macro", "call")
        match random.choice(kinds) if depth else random.choice(kinds[:2]):
            case "set":
                return f"{{% set {name} = {random.choice((*NAMES, 7))} %}}"
            case "if":
                return self.if_(depth - 1)
            case "for":
                target, items = random.choice("xyz"), random.choice(("[1, 2]", "[]", "z"))
                condition = f" if {target} != 2" if random.random() < 0.3 else ""
                otherwise = f"{{% else %}}{self.body(depth - 1)}" if random.random() < 0.3 else ""
                head = f"{{% for {target} in {items}{condition} %}}"
                return f"{head}{self.body(depth - 1)}{otherwise}{{% endfor %}}"
            case "with":
                return (
                    f"{{% with {name} = {random.choice((*NAMES, 5))} %}}{self.body(depth - 1)}{{% endwith %}}"
                )
            case "block set":
                return f"{{% set {name} %}}{self.body(depth - 1)}{{% endset %}}"
            case "filter":
                return f"{{% filter upper %}}{self.body(depth - 1)}{{% endfilter %}}"
            case "macro":
                parameters = random.choice(("", name, f"{name}={name}", "x=y, y=x", "y=x"))
                argument = random.choice(("", "3")) if parameters else ""
                return f"{{% macro m({parameters}) %}}{self.body(depth - 1)}{{% endmacro %}}{{{{ m({argument}) }}}}"
            case "call":
                body = self.body(depth - 1)
                return f"{{% call w({name}=1) %}}{body}{{% endcall %}}"
        return f"{{{{ {name} }}}},"

    def if_(self, depth: int) -> str:
        random = self.random
        parts = [f"{{% if {random.choice(CONDITIONS)} %}}{self.body(depth)}"]
        for _ in range(random.choice((0, 0, 1, 1, 2))):
            parts.append(f"{{% elif {random.choice(CONDITIONS)} %}}{self.body(depth)}")
        if random.random() < 0.6:
            parts.append(f"{{% else %}}{self.body(depth)}")
        return "".join([*parts, "{% endif %}"])


def context(random: Random) -> dict[str, Any]:
    values: dict[str, Any] = {name: name.upper() for name in NAMES if random.random() < 0.7}
    return {**values, "c": random.random() < 0.5, "d": random.random() < 0.5, "z": [3]}


def outcome(template: Any, values: dict[str, Any]) -> str:
    try:
        return str(template.render(values))
    except (jinja2.UndefinedError, tmplmon.UndefinedError, TypeError) as error:
        return type(error).__name__


@pytest.mark.parametrize("block", range(max(EXAMPLES // 50, 1)))
def test_names_have_the_values_of_jinja2(block: int) -> None:
    for number in range(block * 50, block * 50 + 50):
        random = Random(number)
        source = "{% macro w() %}({{ caller() }}){% endmacro %}" + Writer(random).body(3, 4)
        contexts = [context(random) for _ in range(3)]
        oracle = JINJA2.from_string(source)
        expected = [outcome(oracle, values) for values in contexts]
        for engine in ENGINES:
            template = engine.from_string(source)
            actual = [outcome(template, values) for values in contexts]
            assert actual == expected, f"number {number}, {engine.backend}, {contexts}\n{source}"
        names = tmplmon.meta.find_undeclared_variables(ENGINES[0].parse(source))
        needed = jinja2.meta.find_undeclared_variables(JINJA2.parse(source))
        assert names == needed, f"number {number}\n{source}"
