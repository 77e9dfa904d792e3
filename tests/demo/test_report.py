"""The coverage report in README.md is that of the library's tests."""

import os
import subprocess
import sys
from pathlib import Path

from effort import exhaustive

ROOT = Path(__file__).parents[2]


@exhaustive
def test_the_rows_in_the_readme(tmp_path: Path) -> None:
    # In another process, so that a measurement of this process does not interfere.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    environment["COVERAGE_FILE"] = str(tmp_path / ".coverage")

    def coverage(*words: str) -> str:
        command = [
            sys.executable,
            "-m",
            "coverage",
            words[0],
            "--rcfile",
            "templates_demo/library/coverage.ini",
            *words[1:],
        ]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    coverage("run", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/demo/test_library.py")
    report = {" ".join(line.split()) for line in coverage("report").splitlines()}
    shown = [
        line
        for line in (ROOT / "README.md").read_text("utf-8").splitlines()
        if "templates_demo/library/" in line
    ]
    rows = [" ".join(line.split()) for line in shown if line.rstrip().endswith(("%", "10"))]
    assert len(rows) == 5
    if sys.version_info >= (3, 14):
        # There, annotations are not statements: Python files have fewer statements, templates the same number.
        rows = [row for row in rows if ".html" in row]
    assert set(rows) <= report, sorted(report)
