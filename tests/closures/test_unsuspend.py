"""``plain.py`` is up to date with ``suspending.py``, from which it is generated."""

import ast

import pytest

from .unsuspend import PLAIN, SUSPENDING, Unsuspend, is_current


def plain_form(source: str) -> str:
    return ast.unparse(ast.fix_missing_locations(Unsuspend().visit(ast.parse(source))))


def test_it_is_current() -> None:
    assert is_current(), (
        f"{PLAIN} is not up to date with {SUSPENDING}; run python -m tests.closures.unsuspend"
    )


def test_nothing_in_it_suspends() -> None:
    tree = ast.parse(PLAIN.read_text("utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, (ast.Yield, ast.YieldFrom, ast.Await))]


def test_both_have_the_same_functions() -> None:
    names = [
        [node.name for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]
        for path in (SUSPENDING, PLAIN)
    ]
    assert names[0] == names[1] and len(names[0]) > 20


@pytest.mark.parametrize(
    ("suspending", "plain"),
    [
        ("x = yield from run(closure, f)", "x = closure(f)"),
        ("yield from call(function, f, 1)", "function(f, 1)"),
        ("x = yield from settled(g(y))", "x = g(y)"),
        ("yield from start(f, owner, context)", "start(f, owner, context)"),
        ("yield from put(f, (yield from run(text, f)))", "put(f, text(f))"),
        ("if not any_suspends(a):\n    return plain.x(a)\ny", "y"),
        ("def x(f) -> Generator[Any, Any, None]:\n    pass", "def x(f) -> Any:\n    pass"),
    ],
)
def test_rules(suspending: str, plain: str) -> None:
    assert plain_form(suspending) == plain
