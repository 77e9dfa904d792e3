"""The templates of a case, with numbers beside each line: the places of its events in the sequence of LINE events.

main                          1,4: the first and the fourth event are those of this line
 1,4  1 | {% for x in y %}
 2,5  2 | {{ x }}
"""

from .casefile import Case
from .engines import TMPLMON, Engine, run


def listing(case: Case, engine: Engine = TMPLMON) -> str:
    """The templates beside their events, the other sections, and the outcome: the output or the error."""
    outcome = run(engine, case, events=True)
    numbers: dict[tuple[str, int], list[str]] = {}
    count = 0
    for stretch in (outcome.events or "").splitlines():
        name, _, lines = stretch.rpartition(": ")
        for line in lines.split():
            count += 1
            numbers.setdefault((name, int(line)), []).append(str(count))
    shown = []
    for name, source in case.templates.items():
        lines = source.split("\n")
        columns = [",".join(numbers.get((name, line), [])) for line in range(1, len(lines) + 1)]
        width = max(map(len, columns))
        shown.append(name)
        shown += [
            f"  {c:>{width}} {n:>3} | {line}"
            for n, (c, line) in enumerate(zip(columns, lines, strict=True), 1)
        ]
    for name in ("options", "context", "run"):
        if name in case.sections:
            shown.append(f"{name}: {case.sections[name]}")
    shown.append(f"error: {outcome.error}" if outcome.output is None else f"output: {outcome.output!r}")
    return "\n".join(shown)
