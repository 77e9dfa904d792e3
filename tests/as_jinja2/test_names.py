"""Every public name of Jinja2 can be imported, and the classes have the same attributes."""

import importlib
import subprocess
import sys
from types import ModuleType
from typing import Any

# Names that a module of Jinja2 only imports for its own use.
IMPORTED = {"typing", "t", "weakref", "lru_cache", "partial", "reduce", "functools", "sys", "abc", "chain"}
IMPORTED |= {
    "importlib",
    "os",
    "posixpath",
    "zipimport",
    "sha1",
    "import_module",
    "literal_eval",
    "parse",
    "islice",
}
IMPORTED |= {"V", "F", "nodes", "Frame", "has_safe_repr", "pass_eval_context"}
STANDARD = ("builtins", "types", "typing", "collections", "itertools")


def names_of(module: ModuleType) -> set[str]:
    names = {name for name in vars(module) if not name.startswith("_")} - IMPORTED
    return {name for name in names if getattr(vars(module)[name], "__module__", "") not in STANDARD}


def test_every_name_of_every_module(original: dict[str, ModuleType], jinja2: Any) -> None:
    missing = {}
    for name, module in original.items():
        ours = importlib.import_module(name)
        assert ours is not module
        missing[name] = {each for each in names_of(module) if not hasattr(ours, each)}
    missing["jinja2.defaults"] -= {"Cycler", "Joiner", "Namespace", "generate_lorem_ipsum"}
    assert {name: names for name, names in missing.items() if names} == {}


def test_attributes_of_classes(original: dict[str, ModuleType], jinja2: Any) -> None:
    missing = set()
    for name, module in original.items():
        for cls_name, cls in vars(module).items():
            if isinstance(cls, type) and cls.__module__ == name and not cls_name.startswith("_"):
                ours = getattr(importlib.import_module(name), cls_name)
                missing |= {
                    (cls_name, each) for each in dir(cls) if each[0] != "_" and not hasattr(ours, each)
                }
    # Helpers of the loader that cannot be created.
    assert missing == {("ModuleLoader", "get_module_filename"), ("ModuleLoader", "get_template_key")}


def test_modules_are_attributes(original: dict[str, ModuleType]) -> None:
    """Submodules are attributes of the package before a program imports them."""
    names = sorted(
        name.removeprefix("jinja2.") for name in original if name.count(".") == 1 and "._" not in name
    )
    assert len(names) > 17
    program = f"""
import tmplmon.as_jinja2
tmplmon.as_jinja2.install()
import jinja2
for name in {names}:
    assert getattr(jinja2, name).__name__ == "jinja2." + name
print(jinja2.__version__)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == original["jinja2"].__version__


def test_install_comes_first() -> None:
    program = """
import jinja2, tmplmon.as_jinja2
try:
    tmplmon.as_jinja2.install()
except RuntimeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "before jinja2 is imported" in done.stdout


def test_jinja2_must_be_installed() -> None:
    program = """
import tmplmon.as_jinja2.finding as finding
import tmplmon
finding.PathFinder.find_spec = lambda *args: None
tmplmon.as_jinja2.install()
try:
    import jinja2
except ModuleNotFoundError as error:
    print(error)
print(tmplmon.as_jinja2.is_installed())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    message, state = done.stdout.splitlines()
    assert "pip install jinja2" in message
    assert state == "True"


def test_a_program(tmp_path: Any) -> None:
    """`python -m tmplmon.as_jinja2` runs a program. In its child processes, `import jinja2` is tmplmon, too."""
    (tmp_path / "program.py").write_text(
        "import sys, jinja2\nprint(jinja2.Environment.__mro__[1].__module__, sys.argv[1:])\n"
    )
    for words in (["program.py", "a"], ["-m", "program", "a"]):
        done = subprocess.run(
            [sys.executable, "-m", "tmplmon.as_jinja2", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "tmplmon.environment ['a']\n"
