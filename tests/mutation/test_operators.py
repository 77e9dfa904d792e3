"""The mutants that a small module has, and how functions get another code."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from .loading import MARKS, Marks, replace_code
from .operators import Mutant, mutants_of, mutated

SOURCE = '''
def bounded(value, most=10):
    """The value, at most `most`."""
    if value > most and not value < 0:
        return most
    return value
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    path = tmp_path / "small.py"
    path.write_text(SOURCE, "utf-8")
    module = ModuleType("small")
    exec(compile(SOURCE, str(path), "exec", dont_inherit=True), module.__dict__)
    monkeypatch.setitem(sys.modules, "small", module)
    return module


def changes(operator: str) -> list[tuple[str, str]]:
    return [(m.before, m.after) for m in mutants_of("small.py", SOURCE) if m.operator == operator]


def test_the_mutants_of_a_module() -> None:
    condition = "value > most and (not value < 0)"
    assert changes("change_comparison") == [("value > most", "value >= most"), ("value < 0", "value <= 0")]
    assert changes("change_boolean") == [
        (condition, "value > most or not value < 0"),
        (condition, "not value < 0"),
        (condition, "value > most"),
    ]
    assert changes("change_constant") == [("10", "11"), ("10", "9"), ("0", "1"), ("0", "-1")]
    assert changes("remove_not") == [("not value < 0", "value < 0")]
    assert changes("drop_return_value") == [("return value", "return None"), ("return most", "return None")]
    assert [after.partition(":")[0] for _, after in changes("force_condition")] == ["if True", "if False"]
    assert changes("swap_arguments") == []


def find(after: str) -> Mutant:
    (mutant,) = (mutant for mutant in mutants_of("small.py", SOURCE) if mutant.after == after)
    return mutant


def test_a_mutated_module() -> None:
    namespace: dict[str, object] = {}
    exec(compile(mutated(find("value >= most"), SOURCE), "small.py", "exec"), namespace)
    mutant = find("9")
    assert (mutant.function, mutant.statement) == ("bounded", None)
    exec(compile(mutated(mutant, SOURCE), "small.py", "exec"), namespace)
    assert namespace["bounded"](10) == 9  # type: ignore[operator]


def test_functions_get_the_code_of_the_mutant(module: ModuleType, tmp_path: Path) -> None:
    bounded = module.bounded
    assert bounded(20) == 10
    assert replace_code(tmp_path, find("value <= 0"))
    assert (bounded(20), bounded(-5)) == (10, -5)
    (returned,) = (m for m in mutants_of("small.py", SOURCE) if m.before == "return most")
    assert replace_code(tmp_path, returned)
    assert (bounded(20), bounded(5)) == (None, 5)


def test_a_mutant_that_takes_effect_on_import_needs_another_import(
    module: ModuleType, tmp_path: Path
) -> None:
    assert not replace_code(tmp_path, find("9"))
    assert module.bounded(20) == 10


def test_marks_of_statements() -> None:
    marks = Marks(["small"])
    tree = marks.watch("small/a.py", SOURCE)
    assert tree is not None
    assert marks.watch("other/a.py", SOURCE) is None
    namespace: dict[str, object] = {MARKS: marks.bytes}  # those of a recording run stay in use
    exec(compile(tree, "small/a.py", "exec"), namespace)
    namespace["bounded"](5)  # type: ignore[operator]
    # The docstring is statement 0, the `if` 1, its body 2.
    assert marks.hits() == {"small/a.py": [1, 3]}
    marks.clear()
    assert marks.hits() == {}
    namespace["bounded"](20)  # type: ignore[operator]
    assert marks.hits() == {"small/a.py": [1, 2]}
