"""Runs Jinja2's own test suite: ``python -m tests.differential.jinja_suite [--way WAY] [pytest arguments]``.

    --way import       `jinja2` is the package `tmplmon`, as for an application that changes its import (`alias`)
    --way as_jinja2    `jinja2` is what `tmplmon.as_jinja2` finds
    --way observe      `jinja2` is Jinja2, observed by `tmplmon.observe`

The suite is in the source archive of the installed version of Jinja2, which pip fetches. It needs `trio`. Prints
how many of its tests pass and each that does not, with the reason from the tables below; exits with 1 if a test
fails that has no reason, or one passes that has.

With ``--way import``, which is the default, the tests that are about the insides of Jinja2 (`INSIDES`) are counted
apart. With the other ways, all tests count.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

HERE = Path(__file__).parent
ROOT = HERE.parents[2]

# Test modules, classes or tests → what of Jinja2's implementation they look at.
INSIDES = {
    "test_bytecode_cache": "the cache of generated Python code",
    "test_compile": "generated Python source",
    "test_idtracking": "the analysis of names in the code generator",
    "test_api.TestLowLevel": "subclasses of the code generator",
    "test_async.TestAsyncImports.test_exports": "a private method of templates",
    "test_ext.TestNewstyleInternationalization.test_num_called_num": "generated Python source",
    "test_ext.TestAutoEscape.test_volatile_scoping": "generated Python source",
    "test_lexnparse.TestTokenStream": "the lexer's token stream",
    "test_lexnparse.TestLexer.test_operators": "the lexer's tokens",
    "test_lexnparse.TestSyntax.test_neg_filter_priority": "the classes of nodes",
    "test_loader.TestLoaders.test_limited_size_cache": "the keys of the template cache",
    "test_loader.TestLoaders.test_cache_loader_change": "the keys of the template cache",
    "test_loader.TestModuleLoader": "templates compiled to Python modules",
    "test_nodes": "the classes of nodes",
    "test_pickle": "generated Python source",
    "test_debug.TestDebug.test_local_extraction": "the variables of generated Python code",
    "test_debug.TestDebug.test_get_corresponding_lineno_traceback": "the line numbers of generated Python code",
    "test_security.TestSandbox.test_template_data": "the first argument of a macro's function",
}

# Failing tests → why.
FAILURES = {
    "test_regression.TestBug.test_cached_extends": "globals passed to get_template are the caller's own",
    "test_debug.TestDebug.test_runtime_error": "compares a traceback with carets under a whole line",
    "test_debug.TestDebug.test_syntax_error": "the wording of a syntax error",
    "test_debug.TestDebug.test_regular_syntax_error": "the wording of a syntax error",
    "test_lexnparse.TestParser.test_error_messages": "the wording of syntax errors",
    "test_ext.TestInternationalization.test_nested_trans_error": "the wording of a syntax error",
    "test_ext.TestInternationalization.test_trans_block_error": "the wording of a syntax error",
    "test_inheritance.TestInheritance.test_invalid_required": "the wording of a syntax error",
    "test_loader.test_package_loader_no_dir": "the wording of an error",
}


_PYTHON_SOURCE = "generated Python source; tmplmon.observe keeps Jinja2, which generates it"
FAILURES_AS_JINJA2 = {
    "test_api.TestLowLevel.test_custom_code_generator": _PYTHON_SOURCE,
    "test_compile": _PYTHON_SOURCE,
    "test_ext.TestAutoEscape.test_volatile_scoping": _PYTHON_SOURCE,
    "test_ext.TestNewstyleInternationalization.test_num_called_num": _PYTHON_SOURCE,
    "test_loader.TestModuleLoader": _PYTHON_SOURCE,
    "test_debug.TestDebug.test_runtime_error": "compares a traceback with carets under a whole line",
    "test_debug.TestDebug.test_syntax_error": "compares a traceback in which the template has a frame",
    "test_debug.TestDebug.test_regular_syntax_error": "compares the text of an error without a place",
    "test_loader.test_package_loader_no_dir": "the wording of an error of PackageLoader",
}
# The tests of these modules or classes that pass all the same.
PASSING_AS_JINJA2 = {
    "test_compile.test_undefined_import_curly_name",
    "test_loader.TestModuleLoader.test_byte_compilation",
}
FAILURES_OBSERVED: dict[str, str] = {}


def fetch(folder: Path) -> Path:
    """The folder with the tests of the installed Jinja2, unpacked into `folder`."""
    wanted = f"jinja2=={version('jinja2')}"
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", "jinja2", wanted]
    subprocess.run(command, cwd=folder, check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    (tests,) = folder.glob("*/tests")
    return tests


def run(tests: Path, way: str, arguments: list[str]) -> dict[str, bool]:
    """Test → whether it passes."""
    report = tests / "report.xml"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(ROOT)])}
    plugin = "alias"
    if way != "import":
        plugin, environment["TMPLMON_JINJA2"] = "way", way
    command = [sys.executable, "-m", "pytest", "-q", "-p", plugin, "--continue-on-collection-errors"]
    command += ["--tb=short", f"--junitxml={report}", *arguments, "."]
    subprocess.run(command, cwd=tests, env=environment, check=False)
    outcomes: dict[str, bool] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = ".".join(part for part in (case.get("classname"), case.get("name")) if part)
        outcomes[name.removeprefix("tests.")] = case.find("failure") is None and case.find("error") is None
    return outcomes


def reason(name: str, table: dict[str, str]) -> str | None:
    """What a table says of a test, with or without its parameters, or of the class or module that it is in."""
    if name in table:
        return table[name]
    name = name.partition("[")[0]
    while name not in table and "." in name:
        name = name.rpartition(".")[0]
    return table.get(name)


def main() -> int:
    way, arguments = "import", sys.argv[1:]
    if arguments[:1] == ["--way"]:
        way, *arguments = arguments[1:]
    insides, failures = {
        "import": (INSIDES, FAILURES),
        "as_jinja2": ({}, FAILURES_AS_JINJA2),
        "observe": ({}, FAILURES_OBSERVED),
    }[way]
    with tempfile.TemporaryDirectory() as folder:
        outcomes = run(fetch(Path(folder)), way, arguments)
    inside = {name for name in outcomes if reason(name, insides)}
    about = [name for name in outcomes if name not in inside]
    passed = [name for name in about if outcomes[name]]
    print(f"\n{len(passed)} of {len(about)} tests pass", end="")
    if inside:
        print(" that are not about the insides of Jinja2;", end=" ")
        print(f"{sum(outcomes[name] for name in inside)} of the other {len(inside)}", end="")
    print()
    failed = [name for name in about if not outcomes[name]]
    for name in failed:
        print(f"  {name}: {reason(name, failures) or 'NO REASON'}")
    gone = [name for name in passed if reason(name, failures) and name not in PASSING_AS_JINJA2]
    for name in gone:
        print(f"  {name} passes, although a reason says why it fails")
    return 1 if gone or any(not reason(name, failures) for name in failed) else 0


if __name__ == "__main__":
    sys.exit(main())
