"""Runs the jobs, compares their results, and writes the table. See the docstring of the package."""

import argparse
import fnmatch
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WAYS = ("observe", "as_jinja2")
SKIPPED = ("__pycache__/*", "*/__pycache__/*", "*.pyc")


@dataclass(frozen=True)
class Package:
    """A package of the list.

    requires: what is installed, with versions. ignore: patterns of files that differ in every run.
    job: the name of the script, if it is not that of the package. reasons: way → why the results differ.
    """

    name: str
    requires: list[str]
    ignore: list[str] = field(default_factory=list)
    job: str = ""
    reasons: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """The result of a job: its exit status, its standard error, and its output: file → content."""

    status: int
    errors: str
    files: dict[str, bytes]
    numbers: dict[str, Any]


def packages() -> list[Package]:
    listing = tomllib.loads((HERE / "packages.toml").read_text("utf-8"))
    return [Package(name, **values) for name, values in listing.items()]


def install(package: Package, cache: Path) -> Path:
    """The Python of the package's virtual environment, which is made if it is not there or has other versions.

    Raises RuntimeError if the packages cannot be installed.
    """
    folder = cache / package.name
    python, record = folder / "bin" / "python", folder / "requirements.txt"
    wanted = "\n".join([*package.requires, "lark>=1.2"])
    if not record.exists() or record.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        command = [
            str(python),
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            *wanted.split("\n"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{package.name} cannot be installed: {done.stderr.strip().splitlines()[-1:]}")
        record.write_text(wanted)
    return python


def run(package: Package, python: Path, way: str) -> Result:
    with tempfile.TemporaryDirectory() as temporary:
        folder, home = Path(temporary, "work"), Path(temporary, "home")
        folder.mkdir()
        home.mkdir()
        report = Path(temporary, "report.json")
        environment = {
            **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
            **{"HOME": str(home), "TZ": "UTC", "SOURCE_DATE_EPOCH": "1700000000", "PYTHONHASHSEED": "0"},
            **{"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"},
        }
        environment["PATH"] = f"{python.parent}{os.pathsep}{environment.get('PATH', '')}"
        script = HERE / "jobs" / f"{package.job or package.name.replace('-', '_')}.py"
        command = [str(python), str(HERE / "run.py"), way, str(report), str(script)]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, timeout=900, check=False
        )
        files = {}
        if "standard output" not in package.ignore:
            files["standard output"] = done.stdout.replace(temporary.encode(), b"TEMPORARY")
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not any(
                fnmatch.fnmatch(name, each) for each in (*SKIPPED, *package.ignore)
            ):
                files[name] = path.read_bytes().replace(temporary.encode(), b"TEMPORARY")
        numbers = json.loads(report.read_text()) if report.exists() else {}
        return Result(done.returncode, done.stderr.decode(errors="replace"), files, numbers)


def difference(expected: Result, result: Result) -> str:
    """What differs between two results; empty if nothing does."""
    if result.status:
        lines = result.errors.strip().splitlines()
        return f"fails: {lines[-1] if lines else result.status}"
    names = sorted(expected.files.keys() | result.files.keys())
    different = [name for name in names if expected.files.get(name) != result.files.get(name)]
    return f"differs: {', '.join(different[:3])}" if different else ""


def row(package: Package, cache: Path, ways: list[str], keep: Path | None) -> tuple[list[str], list[str]]:
    """A row of the table, and the problems."""
    try:
        python = install(package, cache)
    except RuntimeError as error:
        return [package.name, "", "", *["not installed"] * len(ways)], [str(error)]
    versions = ", ".join(each.replace("==", " ") for each in package.requires)
    expected = run(package, python, "jinja2")
    if expected.status:
        return [package.name, versions, "fails", *[""] * len(ways)], [
            f"{package.name}: {expected.errors[-1500:]}"
        ]
    cells, problems = [], []
    for way in ways:
        result = run(package, python, way)
        problem = difference(expected, result)
        reason = package.reasons.get(way)
        if problem and not reason:
            problems.append(f"{package.name} ({way}) {problem}\n{result.errors[-1500:]}")
            if keep is not None:
                save(keep / package.name, {"jinja2": expected, way: result})
        if reason and not problem:
            problems.append(f"{package.name} ({way}) is equal, although a reason says why it differs")
        numbers = result.numbers
        shown = "equal" if not problem else reason or problem
        if way == "observe" and not problem:
            shown += f" ({numbers.get('observed', 0)} templates)"
        cells.append(shown)
    size = sum(map(len, expected.files.values()))
    return [package.name, versions, f"{len(expected.files)} ({size:,} bytes)", *cells], problems


def save(folder: Path, results: dict[str, Result]) -> None:
    for way, result in results.items():
        for name, content in result.files.items():
            path = folder / way / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def times(package: Package, cache: Path, ways: list[str], rounds: int) -> str:
    """A table of processor times in seconds, each the least of several runs. The ways alternate."""
    python = install(package, cache)
    runs: dict[str, list[dict[str, Any]]] = {way: [] for way in ("jinja2", *ways)}
    for _ in range(rounds):
        for way, numbers in runs.items():
            numbers.append(run(package, python, way).numbers)
    lines = [
        f"{package.name:12} {'whole job':>10} {'loading':>10} {'rendering':>10}   of the job's templates, in s"
    ]
    for way, numbers in runs.items():
        least = [min(each[name] for each in numbers) for name in ("seconds", "loading", "rendering")]
        lines.append(f"{way:12} " + " ".join(f"{seconds:10.2f}" for seconds in least))
    return "\n".join(lines)


def table(ways: list[str], rows: list[list[str]]) -> str:
    head = ["application", "versions", "files", *(f"`{way}`" for way in ways)]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.applications", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these packages")
    parser.add_argument("--cache", type=Path, required=True, help="folder for the virtual environments")
    parser.add_argument("--ways", default=",".join(WAYS), help="of %(default)s")
    parser.add_argument("--table", type=Path, help="a page of the documentation, whose table is replaced")
    parser.add_argument("--times", type=int, metavar="N", help="compare processor times of N runs instead")
    parser.add_argument("--keep", type=Path, help="folder for the results that differ")
    options = parser.parse_args()
    ways = options.ways.split(",")
    rows, problems = [], []
    for package in packages():
        if options.names and package.name not in options.names:
            continue
        if options.times:
            print(times(package, options.cache.absolute(), ways, options.times), flush=True)
            continue
        cells, found = row(package, options.cache.absolute(), ways, options.keep)
        rows.append(cells)
        problems += found
        print(" | ".join(cells), flush=True)
    if options.table is not None:
        page = options.table.read_text("utf-8")
        start, end = "<!-- table -->\n", "<!-- end of table -->\n"
        before, after = page.partition(start)[0], page.partition(end)[2]
        options.table.write_text(f"{before}{start}{table(ways, rows)}{end}{after}", "utf-8")
    print("\n".join(problems), file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
