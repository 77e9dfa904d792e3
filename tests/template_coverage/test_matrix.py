"""Processes that measure templates in all supported ways report the numbers in the templates' comments.

A combination consists of a way to run, a core of coverage.py, lines or branches, and a back end. A normal run takes
one of each. With TMPLMON_COVERAGE_MATRIX=full in the environment it takes all, in about ten minutes. The tests also
use python3.14 and python3.15 if they are on PATH (or in TMPLMON_PYTHONS, paths separated by ``:``) and have the
necessary packages.
"""

import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import warnings
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import coverage
import pytest
from effort import exhaustive_but

from .expected import Numbers, expected, reported

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FULL = os.environ.get("TMPLMON_COVERAGE_MATRIX") == "full"

CORES = ("ctrace", "pytrace", "sysmon")
# Way → (arguments of `python`, options of the section [run], the modules that it needs).
WAYS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "run": ("-m coverage run {branch} run_all.py", "", ()),
    "run module": ("-m coverage run {branch} -m run_all", "", ()),
    "api": ("run_api.py {branch}", "", ()),
    "threads": ("-m coverage run {branch} run_threads.py", "", ()),
    "append": ("-m coverage run -a {branch} run_all.py", "", ()),
    "relative": ("-m coverage run {branch} run_all.py", "relative_files = true", ()),
    "subprocess": ("-m coverage run {branch} run_subprocess.py", "patch = subprocess", ()),
    "fork": ("-m coverage run {branch} run_processes.py fork", "concurrency = multiprocessing", ()),
    "spawn": ("-m coverage run {branch} run_processes.py spawn", "concurrency = multiprocessing", ()),
    "pytest-cov": (
        "-m pytest -q -p pytest_cov.plugin --cov {branch} --cov-report= test_shop.py",
        "",
        ("pytest_cov",),
    ),
    "pytest-cov contexts": (
        "-m pytest -q -p pytest_cov.plugin --cov {branch} --cov-report= --cov-context=test test_shop.py",
        "",
        ("pytest_cov",),
    ),
    "xdist": (
        "-m pytest -q -p pytest_cov.plugin -p xdist.plugin -n 2 --cov {branch} --cov-report= test_shop.py",
        "",
        ("pytest_cov", "xdist"),
    ),
    "gunicorn": (
        "serve.py PYTHON -m coverage run {branch} -m gunicorn -w 2 -b 127.0.0.1:PORT serve:wsgi",
        "parallel = true\nsigterm = true",
        ("gunicorn",),
    ),
    "uvicorn": (
        "serve.py PYTHON -m coverage run {branch} -m uvicorn --workers 2 --port PORT serve:asgi",
        "patch = subprocess\nsigterm = true",
        ("uvicorn",),
    ),
}
SERVERS = ("gunicorn", "uvicorn")
PARALLEL = ("subprocess", "fork", "spawn", *SERVERS)


@dataclass(frozen=True)
class Combination:
    way: str
    core: str
    branch: bool
    backend: str = "bytecode"
    more: str = ""  # "cache", "reload" or nothing

    def __str__(self) -> str:
        parts = [self.way, self.core, "branches" if self.branch else "lines", self.backend, self.more]
        return "-".join(filter(None, parts)).replace(" ", "_")


# `test_generated` and `test_tracers` test in this process what each core records of each back end.
SOME = [
    Combination("run", "ctrace", True, more="cache"),
    Combination("run", "sysmon", False, more="reload"),
    Combination("api", "pytrace", True, "closures"),
    Combination("threads", "ctrace", True, "closures"),
    Combination("relative", "sysmon", sys.version_info >= (3, 14), "closures"),
    Combination("subprocess", "ctrace", False),
    Combination("fork", "sysmon", True),
    Combination("spawn", "pytrace", True),
    Combination("pytest-cov contexts", "ctrace", True),
    Combination("xdist", "ctrace", True),
]
ALL = [
    Combination(way, core, branch, backend, more)
    for way, core, branch, backend, more in product(
        WAYS, CORES, (False, True), ("bytecode", "closures"), ("", "cache", "reload")
    )
    if not more or (way == "run" and backend == "bytecode")
]


def pythons() -> list[str]:
    named = os.environ.get("TMPLMON_PYTHONS")
    if named is not None:
        return [sys.executable, *filter(None, named.split(":"))]
    current = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    others = (name for name in ("python3.14", "python3.15") if name != current)
    return [sys.executable, *filter(None, map(shutil.which, others))]


@functools.cache
def lacks(python: str, modules: tuple[str, ...]) -> str | None:
    """The first of the modules that a Python does not have, or None."""
    program = (
        "import sys, importlib.util as util\n"
        "print(next((name for name in sys.argv[1:] if util.find_spec(name) is None), ''))"
    )
    command = [python, "-c", program, *modules]
    return (
        subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.strip() or None
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HERE / "project", tmp_path / "project")).resolve()


def write_configuration(project: Path, more: str) -> None:
    (project / ".coveragerc").write_text(f"[run]\nplugins = tmplmon\nsource = shop\n{more}\n")


def run(project: Path, python: str, words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the project's folder. The folder and this checkout are on the path."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    path = os.pathsep.join(filter(None, (str(project), str(ROOT), environment.pop("PYTHONPATH", ""))))
    # Loading other plugins of pytest would take longer than the tests.
    settings = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment = {**inherited, **settings, **environment}
    command = [python, *(python if word == "PYTHON" else word for word in words.split())]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done


def report(project: Path, python: str, combine: bool, **environment: str) -> dict[str, Numbers]:
    """Template → its numbers, reported by a process that has rendered none of them: this process, if possible."""
    if python == sys.executable and "PYTHONPATH" not in environment:
        with contextlib.chdir(project), warnings.catch_warnings(action="error"):
            counter = coverage.Coverage()
            if combine:
                counter.combine()
            counter.load()
            counter.json_report(outfile="out.json")
    else:
        if combine:
            run(project, python, "-m coverage combine -q", **environment)
        done = run(project, python, "-m coverage json -q -o out.json", **environment)
        assert "Warning" not in done.stderr
    files = json.loads((project / "out.json").read_text())["files"]
    return {Path(name).name: reported(file) for name, file in files.items() if not name.endswith(".py")}


def check(project: Path, python: str, combination: Combination, **environment: str) -> None:
    words, options, modules = WAYS[combination.way]
    missing = lacks(python, ("coverage", "lark", "markupsafe", *modules))
    if missing:
        pytest.skip(f"{python} does not have {missing}")
    if sys.platform == "win32" and combination.way in ("fork", *SERVERS):
        pytest.skip("Windows has neither fork nor a SIGTERM that a server can handle")
    branch = combination.branch
    flag = "--cov-branch" if "--cov " in words else "--branch"
    write_configuration(project, options + ("\nbranch = true" if branch else ""))
    environment = {
        "COVERAGE_CORE": combination.core,
        "SHOP_BACKEND": combination.backend,
        "SHOP_RELOAD": "yes" if combination.more == "reload" else "",
        **environment,
    }
    times = 1
    if combination.more == "cache":
        environment["SHOP_CACHE"] = str(project / "cache")
        times = 2  # the last run gets its templates from the disk cache
    for _ in range(times + (combination.way == "append")):
        done = run(project, python, words.format(branch=flag if branch else ""), **environment)
    # Those that coverage.py itself has for a core it cannot take, and for a process that rendered nothing: the one
    # that starts a server's workers, or a worker that was asked for nothing.
    own = ("no-sysmon", *(["no-data-collected"] if combination.way in SERVERS else []))
    warned = [
        line
        for line in done.stderr.splitlines()
        if "Warning: " in line and not any(name in line for name in own)
    ]
    assert not warned, done.stderr
    numbers = report(project, python, combination.way in PARALLEL, **environment)
    templates = project / "shop" / "templates"
    assert numbers == {path.name: expected(path, branch) for path in templates.iterdir()}


FEW = [each for each in SOME if each.way in ("run", "api", "subprocess", "spawn")]


@pytest.mark.parametrize("combination", ALL if FULL else exhaustive_but(SOME, FEW), ids=str)
def test_all_ways_report_the_same_numbers(project: Path, combination: Combination) -> None:
    check(project, sys.executable, combination)


@pytest.mark.parametrize("python", pythons()[1:] or [None], ids=lambda path: Path(path or "none").name)
@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize("branch", (False, True), ids=("lines", "branches"))
def test_another_python(project: Path, python: str | None, core: str, branch: bool) -> None:
    if python is None:
        pytest.skip("there is no python3.14 and no python3.15 here")
    check(project, python, Combination("run", core, branch))
