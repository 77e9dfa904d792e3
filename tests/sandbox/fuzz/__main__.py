"""``python -m tests.sandbox.fuzz``: runs many cases in separate processes, and reports the findings.

A process runs the cases of consecutive numbers, and writes each number before it starts the case. If it dies, or if
the watchdog ends it because a case takes too long, the last number is that of the case at fault, and another
process continues after it. The exit status is 1 if there is a finding.
"""

import argparse
import faulthandler
import gc
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import warnings

from .generate import Case, case
from .judge import Finding, judge

_WATCHDOG = 60
"""Seconds after which a case hangs."""
_MEMORY = 3 << 30
"""Bytes that a process may have."""
_CHUNK = 500
"""Cases between two lines of a process."""


def work(first: int, step: int, renders: int) -> None:
    """Judge cases from the number `first` on until there are enough renderings. Reports on stdout."""
    import resource  # not on Windows, where the tests of this module's other functions run too

    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    number, done = first, 0
    counts: dict[str, int] = {}
    while done < renders:
        for _ in range(_CHUNK):
            print(f"@{number}", file=sys.stderr, flush=True)
            faulthandler.dump_traceback_later(_WATCHDOG, exit=True)
            made = case(number)
            found = judge(made, counts)
            if found is not None:
                _say(finding=number, what=found.what, key=found.key, detail=found.detail)
            done += len(made.renders)
            number += step
        faulthandler.cancel_dump_traceback_later()
        gc.collect()
        _say(done=done, next=number, counts=counts, memory=_resident())
        counts = {}


def _say(**told: Any) -> None:
    print(json.dumps(told), flush=True)


def _resident() -> int:
    """The memory of the process, in kilobytes."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * (os.sysconf("SC_PAGE_SIZE") // 1024)


class Job:
    """A process, and the processes that continue after it has died."""

    def __init__(self, options: argparse.Namespace, index: int, record: "Record") -> None:
        self.options, self.record = options, record
        self.index = index
        self.next = options.seed + index
        self.left = options.renders // options.jobs + 1
        self.process: subprocess.Popen[str] | None = None
        self.log = Path(options.scratch) / f"fuzz-{os.getpid()}-{index}.log"

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.sandbox.fuzz", "--work", str(self.next)]
        command += ["--jobs", str(self.options.jobs), "--renders", str(self.left)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=Path(__file__).parents[3]
            )

    def run(self) -> None:
        while self.left > 0:
            self.start()
            assert self.process is not None and self.process.stdout is not None
            done = 0
            for line in self.process.stdout:
                told = json.loads(line)
                if "finding" in told:
                    self.record.found(told)
                else:
                    self.record.count(told["done"] - done, told["counts"], self.index, told["memory"])
                    done = told["done"]
                    self.next = told["next"]
            status = self.process.wait()
            self.left -= done
            if status == 0:
                break
            lines = self.log.read_text(errors="replace").splitlines()
            number = max((int(line[1:]) for line in lines if line.startswith("@")), default=self.next)
            detail = "\n".join([line for line in lines if not line.startswith("@")][-40:])
            self.record.found(
                {
                    "finding": number,
                    "what": f"died, status {status}",
                    "key": f"died {status}",
                    "detail": detail,
                }
            )
            self.next = number + self.options.jobs
        self.log.unlink(missing_ok=True)


class Record:
    """The reports of all processes."""

    def __init__(self, quiet: bool) -> None:
        self.started = time.monotonic()
        self.renders = 0
        self.counts: Counter[str] = Counter()
        self.findings: dict[str, list[dict[str, Any]]] = {}
        self.memory: dict[int, list[int]] = {}
        self.quiet = quiet

    def found(self, told: dict[str, Any]) -> None:
        known = self.findings.setdefault(told["key"], [])
        known.append(told)
        if len(known) <= 2:
            print(f"--- case {told['finding']}: {told['what']}\n{told['detail']}", flush=True)

    def count(self, renders: int, counts: dict[str, int], index: int, memory: int) -> None:
        self.renders += renders
        self.counts.update(counts)
        self.memory.setdefault(index, []).append(memory)
        if not self.quiet:
            seconds = time.monotonic() - self.started
            print(f"{self.renders} renders, {seconds:.0f} s, {memory // 1024} MB", flush=True)

    def __str__(self) -> str:
        seconds = time.monotonic() - self.started
        lines = [f"{self.renders} renders in {seconds:.0f} s ({self.renders / seconds:.0f} a second)"]
        lines += [f"{count:>10}  {name}" for name, count in self.counts.most_common()]
        for index, sizes in sorted(self.memory.items()):
            early = sizes[min(len(sizes) - 1, 3)]
            lines.append(
                f"memory of process {index}: {early // 1024} MB early, {sizes[-1] // 1024} MB at the end"
            )
        for key, told in self.findings.items():
            numbers = ", ".join(str(finding["finding"]) for finding in told[:5])
            lines.append(f"FINDING {key}: {len(told)} times, cases {numbers}")
        if not self.findings:
            lines.append("no finding")
        return "\n".join(lines)


def many(options: argparse.Namespace) -> int:
    from threading import Thread

    record = Record(options.quiet)
    jobs = [Job(options, index, record) for index in range(options.jobs)]
    threads = [Thread(target=job.run) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(record)
    return 1 if record.findings else 0


# --- one case ----------------------------------------------------------------------------------------------


def one(number: int, small: bool) -> int:
    made = case(number)
    found = judge(made)
    if found is not None and small:
        made = smallest(made, found)
    print(f"options {made.options}\nrenders {made.renders}")
    for name, source in made.sources.items():
        print(f"--- {name}\n{source!r}")
    if found is None:
        print("no finding")
        return 0
    print(f"--- {found.what}\n{found.detail}")
    return 1


def smallest(made: Case, found: Finding) -> Case:
    """The smallest case that was found to fail in the same way."""

    def fails(candidate: Case) -> bool:
        again = judge(candidate)
        return again is not None and again.key == found.key

    for render in made.renders:
        candidate = replace(made, renders=(render,))
        if fails(candidate):
            made = candidate
            break
    for name in [*made.sources]:
        if name != "main":
            candidate = replace(made, sources={n: s for n, s in made.sources.items() if n != name})
            if fails(candidate):
                made = candidate
    for name in [*made.sources]:
        size = max(1, len(made.sources[name]) // 2)
        while size:
            at = 0
            while at < len(made.sources[name]):
                source = made.sources[name]
                candidate = replace(made, sources={**made.sources, name: source[:at] + source[at + size :]})
                if fails(candidate):
                    made = candidate
                else:
                    at += size
            size //= 2
    return made


def main() -> int:
    parser = argparse.ArgumentParser(
        "python -m tests.sandbox.fuzz", description="random templates in sandboxes"
    )
    parser.add_argument("--renders", type=int, default=100_000, help="how many (about)")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--seed", type=int, default=0, help="the number of the first case")
    parser.add_argument("--case", type=int, help="judge this case only")
    parser.add_argument("--as-it-is", action="store_true", help="do not make the case smaller")
    parser.add_argument("--scratch", default="/tmp", help="a directory for the processes' logs")
    parser.add_argument("--quiet", action="store_true", help="print the findings and the end only")
    parser.add_argument("--work", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case is not None:
        return one(options.case, not options.as_it_is)
    if options.work is not None:
        work(options.work, options.jobs, options.renders)
        return 0
    return many(options)


if __name__ == "__main__":
    sys.exit(main())
