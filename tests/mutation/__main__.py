"""See the package. Run in the root of a checkout; the tests' arguments of pytest may follow ``--``."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from .equivalent import left_out
from .operators import mutants_of
from .recording import Record, record
from .running import PYTEST, Report, Runner, choose, run_one

PACKAGES = [f"tmplmon/{name}" for name in ("syntax", "ir", "runtime", "sandbox", "monitoring")]


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["one"]:
        root, path, number, *names = arguments[1:]
        return run_one(Path(root), path, int(number), names)
    own, _, rest = partition(arguments)
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("command", choices=["record", "run", "list"])
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="the checkout (the current folder)")
    parser.add_argument(
        "--record",
        type=Path,
        default=Path("/tmp/tmplmon-mutation.record"),
        help="the record's file; made if it is missing",
    )
    parser.add_argument("--packages", nargs="+", default=PACKAGES)
    parser.add_argument("--count", type=int, default=60, help="mutants of each package")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--budget", type=float, default=60, help="seconds of tests for a mutant")
    parser.add_argument("--survivors", type=Path, help="write the survivors into this file")
    options = parser.parse_args(own)
    root = options.root.resolve()
    if options.command == "record":
        return record(root, options.packages, options.record, [*PYTEST, *(rest or ["tests"])])
    mutants = [
        mutant
        for package in options.packages
        for mutant in choose(root, package, options.count, options.seed, left_out())
    ]
    if options.command == "list":
        for package in options.packages:
            paths = list((root / package).rglob("*.py"))
            total = sum(len(mutants_of(str(path), path.read_text("utf-8"))) for path in paths)
            print(f"{package}: {total} mutants")
        for mutant in mutants:
            print(mutant.describe())
        return 0
    if not options.record.exists():
        command = [sys.executable, "-m", "tests.mutation", "record", "--root", str(root)]
        command += ["--record", str(options.record), "--packages", *options.packages, "--", *rest]
        subprocess.run(command, check=False)
    report = Report()
    runner = Runner(root, mutants, Record.load(options.record), options.budget, report)
    pytest.main([*PYTEST, *(rest or ["tests"])], plugins=[runner])
    print(report.summary())
    survivors = [verdict.mutant.describe() for verdict in report.verdicts if verdict.killer is None]
    if options.survivors:
        options.survivors.write_text("\n".join(survivors) + "\n", "utf-8")
    return 0


def partition(arguments: list[str]) -> tuple[list[str], list[str], list[str]]:
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at : at + 1], arguments[at + 1 :]


sys.exit(main(sys.argv[1:]))
