"""The report of a run: a table with a row for each package, and the differences."""

from collections import Counter
from collections.abc import Sequence

from cases.differences import DIFFERENCES

from .compare import Report

COLUMNS = ("package", "files", "accepted", "refused", "own tags", "renderings", "differences", "compile time")


def table(reports: Sequence[Report]) -> str:
    """A Markdown table with a row for each package, and a last one for all."""
    rows = [COLUMNS, tuple("---" for _ in COLUMNS), *(row(report.name, [report]) for report in reports)]
    rows.append(row("all", reports))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def row(name: str, reports: Sequence[Report]) -> tuple[str, ...]:
    counts = [
        sum(report.files for report in reports),
        sum(report.accepted for report in reports),
        sum(report.refused for report in reports),
        sum(sum(report.tags.values()) for report in reports),
        sum(report.rendered for report in reports),
    ]
    files = {(difference.file, difference.reason) for report in reports for difference in report.differences}
    unexplained = len({file for file, reason in files if reason is None})
    differing = str(len({file for file, _ in files}))
    if unexplained:
        differing += f", {unexplained} without a reason"
    seconds = Counter[str]()
    for report in reports:
        seconds.update(report.seconds)
    times = [seconds[engine] / (seconds["jinja2"] or 1) for engine in ("bytecode", "closures")]
    return (name, *map(str, counts), differing, ", ".join(f"{time:.1f}" for time in times))


def differences(report: Report) -> str:
    """The differences of one package, with their reasons."""
    lines = []
    for difference in report.differences:
        reason = difference.reason and DIFFERENCES[difference.reason].reason
        lines += [
            f"  {difference.file}",
            f"    {difference.step}, {difference.backend}: {reason or 'NO REASON'}",
            f"      jinja2:  {shown(difference.jinja2, difference.ours)}",
            f"      tmplmon: {shown(difference.ours, difference.jinja2)}",
        ]
        if difference.line:
            lines.append(f"      {difference.line.strip()[:200]}")
    return "".join(f"{line}\n" for line in lines)


def summary(reports: Sequence[Report]) -> str:
    """The tags that no engine knows, and the files that take long to compile."""
    lines = []
    tags = Counter[str]()
    for report in reports:
        tags.update(report.tags)
    if tags:
        lines.append("\nTags of applications' own, at which all engines refuse a file (own tags):")
        lines.append("  " + ", ".join(f"{tag} ({count})" for tag, count in tags.most_common()))
    stopped = sum(report.stopped for report in reports)
    if stopped:
        lines.append(f"\nSteps that exceeded the time limit in Jinja2: {stopped}")
    slow = sorted((entry for report in reports for entry in report.slow), key=lambda entry: -entry[2])
    if slow:
        lines.append("\nFiles that take more than twice Jinja2's time to compile:")
        lines += [
            f"  {times:.1f} times, {1000 * s:.0f} ms, {engine}: {file}" for file, engine, times, s in slow
        ]
    return "\n".join(lines)


def shown(result: tuple[str, str], other: tuple[str, str]) -> str:
    """A result as text. Of an output, only the part after the common prefix of the two results."""
    kind, text = result
    if kind != "output" or other[0] != "output":
        return f"{kind} {text[:200]!r}"
    common = next((i for i, (a, b) in enumerate(zip(text, other[1], strict=False)) if a != b), None)
    start = min(len(text), len(other[1])) if common is None else common
    return f"output from character {start}: …{text[max(0, start - 30) : start + 60]!r}"
