"""Mutants are tried, each in a process of its own that is forked when the tests have been collected."""

import os
import random
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from .loading import importlib_transform, install, replace_code
from .operators import OPERATORS, Mutant, mutants_of
from .recording import Record, TestRecord

MOST_MEMORY = 6 << 30
LEAST_SECONDS = 2.0
"""Processor time that every test has, however fast it is without a mutant."""
MOST_SECONDS = 120
"""Processor time of a process that imports a mutant and runs a batch of tests."""
SILENCE = 300.0
"""Seconds without a sign of life after which a process is taken for blocked."""
NO_MUTANT = -1
PYTEST = ["-p", "no:cacheprovider", "--hypothesis-seed=0", "--assert=plain"]
"""Options of pytest. With other assertions, pytest would load the modules of the engine by itself, because the
engine's distribution contains a plugin: without the mutant."""
BATCH, BATCH_SECONDS = 80, 8.0
"""The number of tests that a process which imports a mutant runs, and their processor time without the mutant."""
FIRST_FILES = 4
"""The number of files whose tests are run first then, because collecting a file takes longer than its tests."""


@dataclass
class Verdict:
    """killer: the test that failed, None if all passed.  tests: how many run the mutant's statement."""

    mutant: Mutant
    tests: int
    killer: str | None = None
    way: str = ""


def choose(
    root: Path, package: str, count: int, seed: str, left_out: Iterable[tuple[str, ...]]
) -> list[Mutant]:
    """Seeded mutants of a package: of each operator in turn, so that none prevails."""
    skipped = set(left_out)
    queues: dict[str, list[Mutant]] = {operator.__name__: [] for operator in OPERATORS}
    for path in sorted((root / package).rglob("*.py")):
        relative = path.relative_to(root).as_posix()
        for mutant in mutants_of(relative, path.read_text("utf-8")):
            if identity(mutant) not in skipped:
                queues[mutant.operator].append(mutant)
    generator = random.Random(f"{seed} {package}")
    for queue in queues.values():
        generator.shuffle(queue)
    chosen: list[Mutant] = []
    while len(chosen) < count and any(queues.values()):
        for queue in queues.values():
            if queue and len(chosen) < count:
                chosen.append(queue.pop())
    return chosen


def identity(mutant: Mutant) -> tuple[str, ...]:
    """What a mutant is known by when lines move: module, function, operator and the two texts' first lines."""
    before, after = (text.partition("\n")[0] for text in (mutant.before, mutant.after))
    return (mutant.path, mutant.function, mutant.operator, before, after)


class Runner:
    """The pytest plugin that runs mutants in place of the tests that were collected."""

    def __init__(
        self, root: Path, mutants: list[Mutant], record: Record, budget: float, report: "Report"
    ) -> None:
        self.root = root
        self.mutants = mutants
        self.record = record
        self.budget = budget
        self.report = report
        self.items: dict[str, pytest.Item] = {}
        self._trusted: dict[str, bool] = {}

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = {item.nodeid: item for item in session.items}
        for mutant in self.mutants:
            self.report.add(self.verdict(mutant))
        return True

    def verdict(self, mutant: Mutant) -> Verdict:
        tests = [test for test in self.record.tests_of(mutant) if test.name in self.items]
        verdict = Verdict(mutant, len(tests))
        while tests:
            chosen = list(within(tests, self.budget))
            killer, way = None, "import"
            if mutant.statement is not None:
                killer, way = self.forked(chosen, mutant)
            if way == "import" or (killer is None and self.record.runs_on_import(mutant)):
                killer, way = self.fresh(chosen, mutant)
            if killer is None or self.passes_without(killer):
                verdict.killer, verdict.way = killer, way
                return verdict
            tests = [test for test in tests if test.name != killer]
        return verdict

    def passes_without(self, name: str) -> bool:
        """Whether a test passes in a forked process when nothing has been changed."""
        if name not in self._trusted:
            tests = [test for test in self.record.tests if test.name == name]
            self._trusted[name] = not tests or self.forked(tests, None)[0] is None
        return self._trusted[name]

    def forked(self, tests: list[TestRecord], mutant: Mutant | None) -> tuple[str | None, str]:
        reader, writer = os.pipe()
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            os.close(reader)
            try:
                self.child(tests, mutant, writer)
            finally:
                os._exit(70)
        os.close(writer)
        current, way = None, ""
        received = b""
        while True:
            if not select.select([reader], [], [], SILENCE)[0]:
                way = "blocked"
                break
            data = os.read(reader, 1 << 16)
            if not data:
                break
            received += data
        os.close(reader)
        if way == "blocked":
            os.killpg(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        lines = received.decode().splitlines()
        if lines:
            current = lines[-1]
        code = os.waitstatus_to_exitcode(status)
        if way == "blocked" or code < 0:
            return current, way or signal.Signals(-code).name
        if code == 0:
            return None, ""
        if code == 3:
            return None, "import"
        return current, "failed" if code == 1 else f"exit {code}"

    def child(self, tests: list[TestRecord], mutant: Mutant | None, writer: int) -> None:
        os.setpgid(0, 0)
        silence = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silence, descriptor)
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        if mutant is not None and not replace_code(self.root, mutant):
            os._exit(3)
        plugin = FailureSeen()
        self.items[tests[0].name].config.get_terminal_writer()._file = open(os.devnull, "w")  # noqa: SIM115
        items = [self.items[test.name] for test in tests]
        items[0].config.pluginmanager.register(plugin)
        for test, item, following in zip(tests, items, [*items[1:], None], strict=True):
            os.write(writer, test.name.encode() + b"\n")
            signal.setitimer(signal.ITIMER_PROF, LEAST_SECONDS + 10 * test.seconds)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if plugin.failed:
                os._exit(1)
        os._exit(0)

    def fresh(self, tests: list[TestRecord], mutant: Mutant) -> tuple[str | None, str]:
        """Run tests in processes that import the mutated module: those of few files, then others."""
        files = list(dict.fromkeys(test.file for test in tests))[:FIRST_FILES]
        for batch in (
            [test for test in tests if test.file in files],
            [test for test in tests if test.file not in files],
        ):
            names = [test.name for test in within(batch[:BATCH], BATCH_SECONDS)]
            killer = self.imported(names, mutant) if names else None
            if killer is not None:
                return killer
        return None, ""

    def imported(self, names: list[str], mutant: Mutant) -> tuple[str, str] | None:
        """Run tests in a process that imports the mutated module. Returns None if they pass."""
        command = [sys.executable, "-m", __package__, "one", str(self.root), mutant.path]

        def run(number: int, *options: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [*command, str(number), *options, *names],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=10 * MOST_SECONDS,
            )

        try:
            done = run(mutant.number)
        except subprocess.TimeoutExpired:
            return names[0], "blocked"
        if done.returncode == pytest.ExitCode.USAGE_ERROR:
            # The engine cannot be imported, or else pytest does not understand the arguments.
            collected = run(NO_MUTANT, "--collect-only")
            assert collected.returncode == 0, f"{mutant.describe()}: {done.stderr[-2000:]}"
        if done.returncode == 0:
            return None
        failed = [
            line.split(" ", 1)[1] for line in done.stdout.splitlines() if line.startswith("FAILED-TEST ")
        ]
        return (failed or ["<import>"])[0], "import"


class FailureSeen:
    """The pytest plugin that notes a failure; ``shown`` also prints the test's name."""

    def __init__(self, shown: bool = False) -> None:
        self.failed = False
        self.shown = shown

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = True
            if self.shown:
                print("\nFAILED-TEST", report.nodeid, flush=True)


def within(tests: list[TestRecord], budget: float) -> Iterator[TestRecord]:
    """The first tests that together take at most ``budget`` seconds; at least one."""
    total = 0.0
    for number, test in enumerate(tests):
        total += test.seconds
        if number and total > budget:
            return
        yield test


def run_one(root: Path, path: str, number: int, names: list[str]) -> int:
    """Import the engine with a mutant in it, and run the named tests until one fails."""
    source = (root / path).read_text("utf-8")
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    if number != NO_MUTANT:
        (mutant,) = (mutant for mutant in mutants_of(path, source) if mutant.number == number)
        install(root, importlib_transform(mutant))
    return int(
        pytest.main(["-q", "-x", *PYTEST, "--no-header", "-s", *names], plugins=[FailureSeen(shown=True)])
    )


class Report:
    """Counts per package, and the survivors."""

    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []
        self._started = time.monotonic()

    def add(self, verdict: Verdict) -> None:
        self.verdicts.append(verdict)
        mark = "killed  " if verdict.killer else "SURVIVED"
        by = f"{verdict.way}: {verdict.killer}" if verdict.killer else f"{verdict.tests} tests"
        elapsed = time.monotonic() - self._started
        print(f"{elapsed:6.0f} s {mark} {verdict.mutant.describe()}\n    ({by})", flush=True)

    def summary(self) -> str:
        lines = [f"{'package':<20} {'mutants':>8} {'caught':>7} {'score':>7} {'no test':>8}"]
        packages = sorted({package_of(verdict.mutant) for verdict in self.verdicts})
        for package in packages:
            verdicts = [verdict for verdict in self.verdicts if package_of(verdict.mutant) == package]
            caught = sum(verdict.killer is not None for verdict in verdicts)
            untested = sum(verdict.tests == 0 for verdict in verdicts)
            score = f"{caught / len(verdicts):.0%}"
            lines.append(f"{package:<20} {len(verdicts):>8} {caught:>7} {score:>7} {untested:>8}")
        return "\n".join(lines)


def package_of(mutant: Mutant) -> str:
    return "/".join(mutant.path.split("/")[:2])
