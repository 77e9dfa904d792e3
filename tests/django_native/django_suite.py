"""Runs Django's own tests while its templates are observed: ``python -m tests.django_native.django_suite
[labels]``.

The tests are in the source archive of the installed version of Django, which pip fetches. They run twice:
without a tool, and with one that listens to all events of templates. ``--tests FOLDER`` is that of an
unpacked archive. Prints the number of tests, and exits with 1 if one fails that passes without observation.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[2]
LABELS = (
    *(
        "template_tests",
        "template_backends",
        "template_loader",
        "shortcuts",
        "test_client_regress",
        "view_tests",
    ),
    *(
        "forms_tests",
        "i18n",
        "cache",
        "flatpages_tests",
        "syndication_tests",
        "messages_tests",
        "admin_views",
    ),
)

PLAIN = "import runpy; runpy.run_path('runtests.py', run_name='__main__')"
OBSERVED = f"from tmplmon.integrations.django import native; native.install(); {PLAIN}"
WATCHED = f"""
import sys
from tmplmon.monitoring.announced import watch
monitoring, events, listened = sys.monitoring, sys.monitoring.events, 0
monitoring.use_tool_id(4, "watching")
for name in ("PY_START", "PY_RETURN", "LINE", "BRANCH_LEFT", "BRANCH_RIGHT", "JUMP"):
    if hasattr(events, name):
        monitoring.register_callback(4, getattr(events, name), lambda *arguments: None)
        listened |= getattr(events, name)
watch(lambda code: monitoring.set_local_events(4, code, listened))
{OBSERVED}
"""


def fetch(folder: Path) -> Path:
    """Download and unpack the tests. Returns their folder."""
    name = f"django=={version('django')}"
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", name]
    subprocess.run(command, check=True, cwd=folder)
    with tarfile.open(next(folder.glob("*.tar.gz"))) as tar:
        tar.extractall(folder, filter="data")
    return next(folder.glob("*/tests/runtests.py")).parent


def run(tests: Path, code: str, labels: list[str]) -> tuple[int, set[str]]:
    """Return the number of tests, and the names of those that failed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "ignore", "-c", code, "--parallel=1", "--settings=test_sqlite", *labels]
    done = subprocess.run(command, cwd=tests, env=environment, capture_output=True, text=True, check=False)
    number = re.search(r"^Ran (\d+) tests", done.stderr, re.MULTILINE)
    if number is None:
        raise SystemExit(done.stderr)
    return int(number[1]), set(re.findall(r"^(?:FAIL|ERROR): (.*)$", done.stderr, re.MULTILINE))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", type=Path)
    parser.add_argument("labels", nargs="*", default=LABELS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tests = arguments.tests or fetch(Path(folder))
        plain = run(tests, PLAIN, list(arguments.labels))
        print(f"Django alone:           {plain[0]} tests, {len(plain[1])} fail")
        status = 0
        for name, code in (("observed", OBSERVED), ("observed, with a tool", WATCHED)):
            number, failed = run(tests, code, list(arguments.labels))
            print(f"{name + ':':23} {number} tests, {len(failed)} fail")
            for test in sorted(failed - plain[1]):
                print(f"  {test}")
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
