"""The oldest supported coverage.py. The other tests use the newest one."""

import subprocess
import sys
from pathlib import Path

import pytest
from effort import exhaustive

from .test_matrix import Combination, check, project, run

__all__ = ["project"]  # a fixture

# The oldest one with wheels for this Python; pyproject.toml names the oldest one of all.
OLDEST = "7.6.1" if sys.version_info < (3, 14) else "7.10.7"


pytestmark = exhaustive


@pytest.fixture(scope="module")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder in which it is installed."""
    folder = tmp_path_factory.mktemp("oldest")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run(
        [*pip, "--target", str(folder), f"coverage=={OLDEST}"], capture_output=True, text=True, timeout=120
    )
    if done.returncode:
        pytest.skip(f"coverage {OLDEST} cannot be installed: {done.stderr.strip().splitlines()[-1:]}")
    return str(folder)


@pytest.mark.parametrize(
    ("core", "backend"), [("ctrace", "bytecode"), ("pytrace", "closures"), ("sysmon", "bytecode")], ids=str
)
def test_the_numbers_are_the_same(project: Path, oldest: str, core: str, backend: str) -> None:
    if core == "ctrace" and not list(Path(oldest, "coverage").glob("tracer.*.*")):
        pytest.skip("it has no C tracer for this Python")
    branch = core != "sysmon" or sys.version_info < (3, 14)
    check(project, sys.executable, Combination("run", core, branch, backend), PYTHONPATH=oldest)


def test_it_is_the_oldest_supported_version(project: Path, oldest: str) -> None:
    (project / "which.py").write_text("import coverage\nprint(coverage.__version__)\n")
    assert run(project, sys.executable, "which.py", PYTHONPATH=oldest).stdout == f"{OLDEST}\n"
