"""See the package."""

import argparse
import concurrent.futures
import fnmatch
import subprocess
import sys
from pathlib import Path

# The suites import each other by these names.
sys.path.insert(0, str(Path(__file__).parents[1]))

from corpus.compare import Report, compare
from corpus.packages import LIST, Listing, Package, fetch, kinds, read_list, templates_of
from corpus.table import differences, summary, table


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.corpus",
        description="Compile and render the templates of published packages with Jinja2 and with tmplmon.",
    )
    parser.add_argument("--packages", type=Path, default=LIST, metavar="FILE", help="a list of packages")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="the packages whose names match")
    parser.add_argument("--folder", type=Path, action="append", default=[], help="a folder instead of a list")
    parser.add_argument("--kind", default="any", choices=kinds(), help="what the templates of the folder are")
    cache = Path.home() / ".cache" / "tmplmon-corpus"
    parser.add_argument("--cache", type=Path, default=cache, help=f"where archives are kept ({cache})")
    parser.add_argument(
        "--limit", type=float, default=10, metavar="SECONDS", help="of processor time for a step (10)"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes (1)")
    options = parser.parse_args(arguments)
    listing = read_list(options.packages)
    if options.folder:
        packages = [Package(str(folder), kinds()[options.kind]) for folder in options.folder]
        listing = Listing(tuple(packages), listing.reasons)
    chosen = [package for package in listing.packages if fnmatch.fnmatch(package.name, options.only)]
    reports = []
    with concurrent.futures.ProcessPoolExecutor(options.jobs) as pool:
        runs = [
            (package, pool.submit(run, package, listing.reasons, options.cache, options.limit))
            for package in chosen
        ]
        for package, future in runs:
            try:
                report = future.result()
            except subprocess.CalledProcessError as error:
                print(f"{package.name}: pip failed: {error}", file=sys.stderr)
                return 2
            reports.append(report)
            print(f"{report.name}: {report.files} files", differences(report), sep="\n", end="", flush=True)
    print(table(reports), summary(reports), sep="\n")
    return int(any(not difference.reason for report in reports for difference in report.differences))


def run(package: Package, reasons: tuple[tuple[str, str], ...], cache: Path, limit: float) -> Report:
    folder = Path(package.name)
    archive = folder if folder.is_dir() else fetch(package, cache)
    return compare(
        package.label or package.name, templates_of(archive, package.kind), package.kind, reasons, limit
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
