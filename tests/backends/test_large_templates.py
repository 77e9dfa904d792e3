"""Templates with so many functions that most of them are compiled by themselves."""

import ast

import pytest

from tmplmon import DictLoader, Environment, pass_context
from tmplmon.backends.bytecode.compile import program_to_ast
from tmplmon.ir.walk import scope_nodes
from tmplmon.pipeline import lower
from tmplmon.runtime.context import Context


def nested_functions(source: str) -> int:
    """The number of functions that are defined inside the template's function."""
    environment = Environment()
    module = program_to_ast(lower(environment, source, None, "<template>"), environment.bytecode_target())
    root = module.body[0]
    kinds = ast.FunctionDef | ast.Lambda
    return sum(isinstance(node, kinds) for node in ast.walk(root)) - 1


@pytest.mark.parametrize(
    "pattern",
    [
        "{{% macro m{n}(a) %}}{{{{ a }}}}{{% endmacro %}}",
        "{{% call f() %}}{n}{{% endcall %}}",
        "{{% for x in y recursive %}}{n}{{% endfor %}}",
        "{{% for x in y if x %}}{{{{ loop.length }}}}{n}{{% endfor %}}",
    ],
    ids=["macro", "call", "recursive", "filtered"],
)
def test_number_of_functions_inside_a_function_is_limited(pattern: str) -> None:
    counts = [
        nested_functions("".join(pattern.format(n=n) for n in range(count))) for count in (50, 200, 400)
    ]
    assert 50 <= counts[0] < counts[1] == counts[2]


@pytest.mark.parametrize("enable_async", [False, True])
def test_functions_compiled_by_themselves_share_variables(enable_async: bool) -> None:
    filler = "".join(f"{{% macro f{n}() %}}{n}{{% endmacro %}}" for n in range(100))
    source = filler + (
        "{% set x = 1 %}"
        "{% macro other() %}!{{ global }}{{ missing }}{% endmacro %}"
        "{% macro outer(a, b=x) %}"
        "{% macro inner(c=a) %}{{ a }}{{ b }}{{ c }}{{ x }}{{ f7() }}{% endmacro %}"
        "{{ inner() }}{{ inner(c='c') }}{{ caller() if caller }}"
        "{% endmacro %}"
        "{% set x = 2 %}"
        "{{ outer('a') }} {{ outer(0, b='b') }}"
        "{% for item in items if item != 2 %} {% call outer(item) %}{{ item }}{{ x }}{{ other() }}{% endcall %}"
        "{% endfor %}"
        "{% for item in [1, [2, [3]]] recursive %}"
        " {{ loop.depth }}{{ x if item is number else loop(item) }}"
        "{% endfor %}"
    )
    environment = Environment(enable_async=enable_async)
    environment.globals["global"] = "G"
    expected = environment.from_string(source.removeprefix(filler).replace("f7()", "7"))
    context = {"items": [1, 2, 3]}
    output = environment.from_string(source).render(context)
    assert output == expected.render(context)
    assert output == "a2a27a2c27 0b0270bc27 1212712c2712!G 3232732c2732!G 12 1 22 2 32"


def test_name_and_position_of_a_function_compiled_by_itself() -> None:
    source = "".join(f"{{% macro m{n}() %}}\n{{{{ 1 // 0 }}}}\n{{% endmacro %}}" for n in range(150))
    template = Environment().from_string(source + "{{ m149() }}")
    with pytest.raises(ZeroDivisionError) as info:
        template.render()
    frame = info.traceback[-1]
    assert (frame.frame.code.raw.co_qualname, frame.lineno + 1) == ("<template>.macro m149", 300)


def rendered(source: str, backend: str, enable_async: bool = False) -> str:
    @pass_context
    def seen(context: Context) -> str:
        return " ".join(f"{name}={context[name]}" for name in ("v0", "v9", "v30", "x") if name in context)

    templates = {
        "main": source,
        "seen": "{{ v0 }}|{{ v9 }}|{{ v30 }}|{{ x }}",
        "macros": "{% macro m() %}{{ v30 }}{% endmacro %}",
    }
    environment = Environment(loader=DictLoader(templates), backend=backend, enable_async=enable_async)
    return environment.get_template("main").render(seen=seen)


SETS = "".join(f"{{% set v{n} = {n} %}}" for n in range(40))


@pytest.mark.parametrize("enable_async", [False, True])
@pytest.mark.parametrize(
    ("source", "output"),
    [
        # Variables that are set later, or in a branch, are not seen before.
        ("{% include 'seen' %};" + SETS + "{% include 'seen' %}", "|||;0|9|30|"),
        (
            "{% for i in [1, 2] %}{{ seen() }};"
            + SETS
            + "{{ seen() }};{% set x = i %}{{ seen() }};{% endfor %}",
            ";v0=0 v9=9 v30=30;v0=0 v9=9 v30=30 x=1;;v0=0 v9=9 v30=30;v0=0 v9=9 v30=30 x=2;",
        ),
        (
            "{% for i in [1, 0] %}{% if i %}" + SETS + "{% include 'seen' %}{{ seen() }}{% endif %}"
            "{% include 'seen' %}{{ seen() }};{% endfor %}",
            "0|9|30|v0=0 v9=9 v30=300|9|30|v0=0 v9=9 v30=30;|||;",
        ),
        # The variable of an enclosing frame, which a loop sets, too.
        (
            "{% with x = 'outer' %}{% for i in [1, 2] %}" + SETS + "{{ seen() }};{% set x = i %}{{ seen() }} "
            "{% include 'seen' %};{% endfor %}{% endwith %}",
            "v0=0 v9=9 v30=30;v0=0 v9=9 v30=30 x=1 0|9|30|1;v0=0 v9=9 v30=30;v0=0 v9=9 v30=30 x=2 0|9|30|2;",
        ),
        # Macros and imports.
        (
            SETS + "{% macro m(x) %}{% include 'seen' %}{% set v9 = 'm' %}{% include 'seen' %}{% endmacro %}"
            "{{ m('a') }};{% import 'macros' as lib with context %}{{ lib.m() }};{% include 'seen' %}",
            "0|9|30|a0|m|30|a;30;0|9|30|",
        ),
    ],
    ids=["set-later", "loop", "branch", "enclosing", "macro"],
)
def test_variables_that_other_code_sees(source: str, output: str, backend: str, enable_async: bool) -> None:
    assert rendered(source, backend, enable_async) == output


@pytest.mark.parametrize(
    "statement", ["{% include 'seen' %}", "{{ seen() }}", "{% import 'seen' as s with context %}"]
)
def test_ops_share_their_list_of_many_variables(statement: str) -> None:
    source = (
        "{% for i in [1] %}"
        + "".join(f"{{% set v{n} = {n} %}}{statement}" for n in range(100))
        + "{% endfor %}"
    )
    environment = Environment()
    program = lower(environment, source, None, "<template>")
    lists = {
        id(node.locals): len(node.locals) for node in scope_nodes(program.root) if getattr(node, "locals", [])
    }
    assert sorted(lists.values())[-1] >= 100
    assert len(lists) <= 25
