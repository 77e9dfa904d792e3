"""Templates with so many functions that most of them are compiled by themselves."""

import ast

import pytest

from tmplmon import Environment
from tmplmon.backends.bytecode.compile import program_to_ast
from tmplmon.pipeline import lower


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
