"""The checks of the project. ``nox`` runs all but the tests, ``nox --list`` lists them, ``nox -s NAME`` runs one.

`.ci/run` and the GitHub workflow run these sessions, so that each check is defined in one place.
"""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.2"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "types", "docs", "package"]

PYTHONS = ["3.13", "3.14", "3.15"]
ROOT = Path(__file__).parent
PROJECT = nox.project.load_toml("pyproject.toml")
# Less than two minutes together; they cover what depends on the version of Python.
FAST_TESTS = [
    "tests/cases",
    "tests/closures",
    "tests/ir",
    "tests/monitoring",
    "tests/syntax",
    "tests/test_documentation.py",
]
# Files that the build adds to a source distribution.
ADDED_TO_SDIST = ("PKG-INFO", "setup.cfg", "tmplmon.egg-info/")


def install(session: nox.Session, *groups: str) -> None:
    """Install the project as editable, with dependency groups."""
    session.install("-q", "-e", ".", *nox.project.dependency_groups(PROJECT, *groups))


@nox.session
def lint(session: nox.Session) -> None:
    """ruff: mistakes and format."""
    session.install("-q", *nox.project.dependency_groups(PROJECT, "lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy and pyright: the types inside the package."""
    install(session, "types")
    session.run("mypy")
    session.run("pyright", "--pythonpath", str(Path(session.bin) / "python"))


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The test suite. Arguments after ``--`` are passed to pytest."""
    install(session, "test")
    session.run("python", "-m", "pytest", "-n", "auto", *session.posargs)


@nox.session(python=PYTHONS)
def fast(session: nox.Session) -> None:
    """The tests that depend most on the version of Python."""
    install(session, "test")
    session.run("python", "-m", "pytest", "-n", "auto", *FAST_TESTS, *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation site, in ``site/``. ``nox -s docs -- serve`` serves it and rebuilds it after changes."""
    install(session, "docs")
    # Without an advertisement for a successor of MkDocs.
    session.run("mkdocs", *(session.posargs or ["build", "--strict"]), env={"NO_MKDOCS_2_WARNING": "1"})


@nox.session
def package(session: nox.Session) -> None:
    """The wheel and the source distribution: their contents, and what a user gets from them."""
    folder = Path(session.create_tmp()).resolve()
    session.install("-q", "build", "mypy")
    for old in folder.glob("dist/*"):
        old.unlink()
    session.run("python", "-m", "build", "--outdir", str(folder / "dist"), silent=True)
    (wheel,) = folder.glob("dist/*.whl")
    (sdist,) = folder.glob("dist/*.tar.gz")
    check_wheel(session, wheel)
    check_sdist(session, sdist)

    # A user's environment: nothing but the wheel and its dependencies, away from the sources.
    user = folder / "user"
    session.run("python", "-m", "venv", "--clear", str(user))
    scripts = user / ("Scripts" if sys.platform == "win32" else "bin")
    python, tmplmon = str(scripts / "python"), str(scripts / "tmplmon")
    site = ROOT / "templates_demo" / "site"
    page = folder / "page.html"
    page.write_text("{% for n in [1, 2] %}{{ n }} {{ name|e }};{% endfor %}")
    with session.chdir(folder):
        session.run(python, "-m", "pip", "install", "-q", str(wheel), external=True)
        output = session.run(tmplmon, "render", str(page), "--data", "name=<x>", external=True, silent=True)
        if output != "1 &lt;x&gt;;2 &lt;x&gt;;":
            session.error(f"the installed command printed {output!r}")
        data = [str(site / "site.json"), str(site / "schedule.toml")]
        session.run(tmplmon, "render", str(site), "--data", *data, "-o", "out", external=True)
        session.run(tmplmon, "check", str(site), external=True)
        public_api = ROOT / "tests" / "typing" / "public_api.py"
        session.run("mypy", "--strict", "--config-file=", "--python-executable", python, str(public_api))

    # The tests in the source distribution run without the repository.
    source = folder / sdist.name.removesuffix(".tar.gz")
    shutil.rmtree(source, ignore_errors=True)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    requirements = nox.project.dependency_groups(PROJECT, "test")
    session.run(python, "-m", "pip", "install", "-q", *requirements, external=True)
    tests = ["tests/cli", "tests/test_documentation.py"]
    with session.chdir(source):
        session.run(
            python, "-m", "pytest", "-n", "auto", *tests, external=True, env={"PYTHONPATH": str(source)}
        )


def check_wheel(session: nox.Session, wheel: Path) -> None:
    """The wheel has all modules and data files of the package, and nothing else."""
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        name
        for name in committed()
        if name == "tmplmon.pth"
        or (
            name.startswith("tmplmon/")
            and (ROOT / name).suffix in (".py", ".typed", ".js", ".lark", ".tables")
        )
    }
    if missing := expected - names:
        session.error(f"not in the wheel: {sorted(missing)}")
    if extra := {name for name in names - expected if not name.startswith("tmplmon-")}:
        session.error(f"in the wheel, but should not be: {sorted(extra)}")


def check_sdist(session: nox.Session, sdist: Path) -> None:
    """The source distribution has all files of the repository, and nothing else."""
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    expected = committed()
    if missing := expected - names:
        session.error(f"not in the source distribution: {sorted(missing)}")
    if extra := {name for name in names - expected if not name.startswith(ADDED_TO_SDIST)}:
        session.error(f"in the source distribution, but should not be: {sorted(extra)}")


def committed() -> set[str]:
    """The files that are, or would be, committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    return {name for name in names if name and (ROOT / name).is_file()}
