"""Renders cases on both engines, and reports differences."""

import html
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from cases.casefile import Case
from cases.differences import DIFFERENCES, kind
from cases.engines import (
    JINJA2,
    TMPLMON,
    Engine,
    Outcome,
    describe,
    evaluate,
    run,
    without_addresses,
)

# The outcome of a case: "output" with a text, or "error" with its type and place.
type Result = tuple[str, str]

BACKENDS = {"bytecode": TMPLMON, "closures": Engine("tmplmon", (("backend", "closures"),))}
SANDBOX = {"sandbox": TMPLMON}


class Disagreement(NamedTuple):
    """A difference between a back end and Jinja2."""

    backend: str
    oracle: Result
    ours: Result

    @property
    def kinds(self) -> tuple[str, str]:
        """ "output" or the type of the error, for each engine."""
        oracle, ours = (
            kind if kind == "output" else re.split(r" at |\n", text)[0]
            for kind, text in (self.oracle, self.ours)
        )
        return oracle, ours


def disagreement(case: Case) -> Disagreement | None:
    """The first back end that differs from Jinja2 without a reason."""
    oracle = with_message(run(JINJA2, case))
    for backend, engine in (SANDBOX if is_sandboxed(case) else BACKENDS).items():
        ours = with_message(run(engine, case))
        if oracle != ours and not is_deliberate(case, oracle, ours):
            return Disagreement(backend, oracle, ours)
    return None


def difference(case: Case) -> str | None:
    """A report if a back end differs from Jinja2, or None."""
    result = disagreement(case)
    return result and f"{show(case)}\n  jinja2: {result.oracle}\n  {result.backend}: {result.ours}"


def summary(outcome: Outcome) -> Result:
    """The compared part of an outcome: the output, or the error's type and line. The cases compare messages."""
    if outcome.output is None:
        return "error", str(outcome.error).partition("\n")[0]
    return "output", tidy(outcome.output)


def with_message(outcome: Outcome) -> Result:
    """The summary, with the message of an error that names an undefined value."""
    kind, text = summary(outcome)
    if text.startswith("UndefinedError"):
        text += tidy("".join(str(outcome.error).partition("\n")[1:]))
    return kind, text


def tidy(output: str) -> str:
    """The output without the names of an engine's objects: generators, addresses, modules."""
    output = re.sub(r"(async_)?generator object [\w.]+", "generator", output)
    output = re.sub(r"(?i)function _(gettext_)?alias\b", "function gettext", output)
    output = re.sub(
        r"(?<=CLASS )(\W|&#39;)(JINJA2|TMPLMON)(\.\w+)*\.", r"\1", output
    )  # of a name in capitals
    return re.sub(r"\b(jinja2|tmplmon)(\.\w+)*\.(?=[A-Z]|namespace\b)", "", without_addresses(output))


def is_sandboxed(case: Case) -> bool:
    return "sandbox =" in case.sections.get("options", "")


def is_deliberate(case: Case, oracle: tuple[str, str], ours: tuple[str, str]) -> bool:
    errors = [text.partition("\n")[0] if kind == "error" else None for kind, text in (oracle, ours)]
    line = source_line(case, errors[1] or errors[0])
    if is_sandboxed(case) and kind(errors[1]) == "FilterArgumentError":
        # The difference "arguments-in-the-sandbox".
        return kind(errors[0]) in ("TypeError", "AttributeError")
    if any(entry.accepts(errors[0], errors[1], line) for entry in DIFFERENCES.values()):
        return True
    sources = "\n".join([case.sections.get("options", ""), *case.templates.values()])
    if errors[0] and "extends" in sources and re.search(r"\btrans\b[^%]*=\s*[\w.]+\(", sources):
        return True  # The difference "call-in-a-trans-tag-after-extends".
    return any(
        re.search(pattern, sources) and unified(oracle[1]) == unified(ours[1])
        for pattern, unified in OUTPUT_DIFFERENCES
    )


def _without_numbers(output: str) -> str:
    return re.sub(r"\d+", "0", output)


# A pattern of templates in which the engines' outputs may differ, and what both outputs have in common.
OUTPUT_DIFFERENCES: tuple[tuple[str, Callable[[str], str]], ...] = (
    # The difference "autoescape-decided-at-run-time"; for a module, also "autoescape-of-undefined".
    (r"\bautoescape\s+(?![Tt]rue|[Ff]alse)\S", html.unescape),
    (r"\bautoescape\s+(?![Tt]rue|[Ff]alse)\S", lambda output: re.sub(r"(?s)^.*\[[^\]]*\]$", "[]", output)),
    # The difference "finalize-of-constants".
    (r"finalize = lambda v: '-' if v is None", lambda output: output.replace("None", "-")),
    # The difference "arguments-in-the-sandbox", of a module.
    (r"sandbox =", lambda output: re.sub(r"^\[(FilterArgument|Type|Attribute)Error\]$", "[]", output)),
    # The length of an object's representation, in which the name of the engine's class stands.
    (r"\|\s*(string|default)\b.*\|\s*(length|count)", _without_numbers),
    # The difference "representation-of-a-loop".
    (r"\{\{-?\+?\s*loop\s*[-+]?\}\}", lambda output: re.sub(r"LoopContext \d+/\d+", "LoopContext", output)),
)


def source_line(case: Case, error: str | None) -> str:
    """The source line that an error names."""
    place = re.search(r" at (\S+):(\d+)$", error or "")
    if place is None or place[1] not in case.templates:
        return ""
    lines = case.templates[place[1]].split("\n")
    return lines[int(place[2]) - 1] if int(place[2]) <= len(lines) else ""


def show(case: Case) -> str:
    parts = [f"[{name}] {text}" for name, text in case.sections.items()]
    return "\n".join(parts + [f"[template {name}]\n{source}" for name, source in case.templates.items()])


class Batch:
    """Renders many one-line templates with one environment for each engine, which saves time."""

    def __init__(self, options: str, context: str) -> None:
        self.options = options
        self.context = context
        self.engines = [(engine, *self._environment(engine)) for engine in (JINJA2, TMPLMON)]

    def _environment(self, engine: Engine) -> tuple[dict[str, str], Any]:
        templates: dict[str, str] = {}
        options = evaluate(self.options, engine)
        return templates, engine.environment(templates, cache_size=0, **options)

    def differences(self, sources: Iterable[str]) -> Iterator[str]:
        """A line for each template that differs. The template is on line 2, so that the lines of errors are
        compared."""
        for source in sources:
            results = []
            for engine, templates, environment in self.engines:
                templates["main"] = "\n" + source
                try:
                    variables = evaluate(self.context, engine)
                    value = environment.get_template("main").render(variables)
                    outcome = Outcome(output=value if type(value) is str else f"{type(value)} {value!r}")
                except Exception as error:
                    outcome = describe(error)
                results.append(summary(outcome))
            case = Case("", {}, {"main": "\n" + source})
            if results[0] != results[1] and not is_deliberate(case, *results):
                yield f"{source}\n    jinja2:  {results[0]}\n    tmplmon: {results[1]}"


def assert_none(differences: Iterable[str], limit: int = 10) -> None:
    reports = list(differences)
    assert not reports, f"{len(reports)} differences, the first ones:\n" + "\n".join(reports[:limit])
