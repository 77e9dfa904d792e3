"""Runs Jinja2's own tests while Jinja2 is observed: ``python -m tests.observe.jinja_suite [pytest arguments]``.

The tests are in the source archive of the installed version of Jinja2, which pip fetches. They need `trio`. Prints
each test that does not pass, with the reason from the table below. Exits with 1 if a test fails that has no reason,
or one passes that has.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from tests.differential.jinja_suite.__main__ import fetch

ROOT = Path(__file__).parents[2]

# Failing tests → why.
FAILURES = {
    "test_debug.TestDebug.test_runtime_error": "compares a traceback with carets under a whole line",
}


def run(tests: Path, arguments: list[str]) -> dict[str, bool]:
    """Test → whether it passes."""
    report = tests / "report.xml"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    plugin = ["-p", "tmplmon.tools.pytestplugin"] if "PYTEST_DISABLE_PLUGIN_AUTOLOAD" in os.environ else []
    command = [sys.executable, "-m", "pytest", "-q", *plugin, "--jinja2", "observe", "--tb=short"]
    command += [f"--junitxml={report}", *arguments, "."]
    subprocess.run(command, cwd=tests, env=environment, check=False)
    outcomes: dict[str, bool] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = ".".join(part for part in (case.get("classname"), case.get("name")) if part)
        outcomes[name.removeprefix("tests.")] = case.find("failure") is None and case.find("error") is None
    return outcomes


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        outcomes = run(fetch(Path(folder)), sys.argv[1:])
    failed = {name for name, passed in outcomes.items() if not passed}
    print(f"\n{len(outcomes) - len(failed)} of {len(outcomes)} tests pass")
    for name in sorted(failed | (FAILURES.keys() & outcomes.keys())):
        print(
            f"  {name}: {FAILURES.get(name, 'NO REASON') if name in failed else 'passes, although it has a reason'}"
        )
    return 1 if failed != FAILURES.keys() & outcomes.keys() else 0


if __name__ == "__main__":
    sys.exit(main())
