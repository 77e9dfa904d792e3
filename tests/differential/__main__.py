"""Compares the engines on generated templates: ``python -m tests.differential --count 100000``.

Prints a reduced form of each case that differs. Exits with 1 if there is one.
"""

import argparse
import concurrent.futures
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

# The suites import each other by these names.
sys.path.insert(0, str(Path(__file__).parents[1]))

from differential.compare import difference
from differential.generate import generated
from differential.shrink import shrink

PORTION = 200


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.differential",
        description="Render generated templates with Jinja2 and with both back ends of tmplmon.",
    )
    parser.add_argument("--first", type=int, default=0, metavar="NUMBER", help="the first template (0)")
    parser.add_argument("--count", type=int, default=1000, metavar="N", help="the number of templates (1000)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes (1)")
    options = parser.parse_args(arguments)
    end = options.first + options.count
    starts = range(options.first, end, PORTION)
    differing = 0
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        for reports in pool.map(compared, starts, (min(start + PORTION, end) for start in starts)):
            for report in reports:
                differing += 1
                print(report, end="\n\n", flush=True)
    print(f"{options.count} templates from {options.first} on, {differing} differences")
    return int(differing > 0)


def compared(first: int, end: int) -> list[str]:
    """The reports of the cases that differ, by number."""
    warnings.simplefilter("ignore")  # about generated code, and coroutines that are not awaited
    return list(_compared(first, end))


def _compared(first: int, end: int) -> Iterator[str]:
    for number in range(first, end):
        case = generated(number)
        if difference(case) is not None:
            yield f"=== {number}\n{difference(shrink(case))}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
