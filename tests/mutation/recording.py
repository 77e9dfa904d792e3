"""One run of the tests, recorded: which statements each test runs, how long it takes, whether it passes."""

import pickle
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from .loading import Marks, install
from .operators import Mutant


@dataclass
class TestRecord:
    """seconds: processor time of the test.  hits: path of a module → numbers of its statements that ran."""

    name: str
    seconds: float
    hits: dict[str, bytes]
    passed: bool = True

    @property
    def file(self) -> str:
        return self.name.partition("::")[0]


@dataclass
class Record:
    """at_import: what runs while the test files are imported, as `TestRecord.hits`."""

    tests: list[TestRecord] = field(default_factory=list)
    at_import: dict[str, bytes] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        path.write_bytes(zlib.compress(pickle.dumps(self), 1))

    @staticmethod
    def load(path: Path) -> "Record":
        record = pickle.loads(zlib.decompress(path.read_bytes()))
        assert isinstance(record, Record)
        return record

    def runs_on_import(self, mutant: Mutant) -> bool:
        """Whether the mutant takes effect before any test runs, so that its module has to be imported anew."""
        bits = self.at_import.get(mutant.path, b"")
        return mutant.statement is None or _is_set(bits, mutant.statement)

    def tests_of(self, mutant: Mutant) -> list[TestRecord]:
        """The passing tests that run the mutant's statement, the fastest first.

        Of a mutant that takes effect on import they are followed by those that run anything else of its module, or
        else of its package: tests of each file in turn, those first that run most of it.
        """
        passing = [test for test in self.tests if test.passed]
        covering = [
            test
            for test in passing
            if mutant.statement is not None and _is_set(test.hits.get(mutant.path, b""), mutant.statement)
        ]
        covering.sort(key=lambda test: test.seconds)
        if not self.runs_on_import(mutant):
            return covering
        chosen = {test.name for test in covering}
        others = [test for test in passing if mutant.path in test.hits and test.name not in chosen]
        others.sort(key=lambda test: -_count(test.hits[mutant.path]))
        if not covering and not others:
            package = mutant.path.rpartition("/")[0]
            others = [test for test in passing if any(path.startswith(package) for path in test.hits)]
            others.sort(key=lambda test: -len(test.hits))
        return [*covering, *_files_in_turn(others)]


def _files_in_turn(tests: Sequence[TestRecord]) -> Iterator[TestRecord]:
    """The first test of each file, then the second of each file, and so on."""
    by_file: dict[str, list[TestRecord]] = {}
    for test in tests:
        by_file.setdefault(test.file, []).append(test)
    for row in zip_longest(*by_file.values()):
        yield from (test for test in row if test is not None)


def _count(bits: bytes) -> int:
    return int.from_bytes(bits).bit_count()


def _is_set(bits: bytes, number: int) -> bool:
    byte, bit = divmod(number, 8)
    return byte < len(bits) and bool(bits[byte] >> bit & 1)


def _bits(numbers: list[int]) -> bytes:
    total = 0
    for number in numbers:
        total |= 1 << number
    return total.to_bytes((total.bit_length() + 7) // 8, "little")


def _all_bits(hits: dict[str, list[int]]) -> dict[str, bytes]:
    return {path: _bits(numbers) for path, numbers in hits.items()}


class Recorder:
    """The pytest plugin that records. What a test file runs when it is imported belongs to no test."""

    def __init__(self, marks: Marks) -> None:
        self.marks = marks
        self.record = Record()
        self._failed = False

    def pytest_collection_finish(self) -> None:
        self.record.at_import = _all_bits(self.marks.hits())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Any:
        self.marks.clear()
        self._failed = False
        started = time.process_time()
        result = yield
        seconds = time.process_time() - started
        hits = _all_bits(self.marks.hits())
        self.record.tests.append(TestRecord(item.nodeid, seconds, hits, not self._failed))
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed or report.skipped:
            self._failed = True


def record(root: Path, packages: list[str], path: Path, arguments: list[str]) -> int:
    """Run the tests with the given arguments of pytest, and save the record. Returns pytest's exit status."""
    marks = Marks(packages)
    marks.install()
    install(root, marks.watch)
    recorder = Recorder(marks)
    status = pytest.main(
        ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", *arguments], plugins=[recorder]
    )
    assert marks.is_installed(), "a test has replaced the marks: what later tests ran is not recorded"
    recorder.record.save(path)
    seconds = sum(test.seconds for test in recorder.record.tests)
    failed = [test.name for test in recorder.record.tests if not test.passed]
    print(f"{len(recorder.record.tests)} tests, {seconds:.0f} s of processor time, {len(failed)} left out")
    return int(status)
