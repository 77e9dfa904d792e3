"""Compiles and renders templates with each engine, and reports the differences."""

import importlib
import json
import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import jinja2
import jinja2.meta
from cases.differences import DIFFERENCES
from cases.engines import JINJA2, ROOT, TMPLMON, Engine, Outcome, describe
from differential.compare import summary

from .packages import Kind, matches
from .stubs import Anything, finder, permissive, stub_filter, stub_lipsum, stub_test, unknown_names

ENGINES = {
    "jinja2": JINJA2,
    "bytecode": TMPLMON,
    "closures": Engine("tmplmon", (("backend", "closures"),)),
}
OURS = ("bytecode", "closures")

# What templates are rendered with: no variables; undefined values on which every operation succeeds; for all
# variables that the template needs, values that have every attribute.
CONTEXTS = ("empty", "permissive", "anything")

# A back end is slow to compile a file if it needs more than this many times Jinja2's time, and this many seconds.
SLOW_TIMES = 2
SLOW_SECONDS = 0.01
REPEATS = 5

# Entries of DIFFERENCES that are recognized here, where the sources are known.
INTERNAL_NAME_OF_TRANS = "internal-name-of-trans"
LINE_OF_AN_EXPRESSION = "line-of-an-expression"
FIRST_UNKNOWN_FILTER = "first-unknown-filter"

# The outcome of one step on one engine: "output" with a text, "error" with its type and line, or "time limit".
type Result = tuple[str, str]


class TimeLimit(BaseException):
    """The step takes too long. Not an Exception, so that no engine handles it."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeLimit after some seconds of processor time. Works in the main thread only."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise TimeLimit

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@dataclass(frozen=True)
class Difference:
    """A difference between a back end and Jinja2 in one step of a file.

    step: what was done with the template: "compile", "render empty" …
    reason: the entry of the table of intended differences; None if there is none.
    """

    file: str
    step: str
    backend: str
    jinja2: Result
    ours: Result
    line: str
    reason: str | None


@dataclass
class Report:
    """The results for one package.

    accepted, refused: files that all engines compile, and that all refuse at the same line.
    tags: names of tags that Jinja2 itself does not know → files that all engines refuse because of them.
    rendered: renderings that were compared. stopped: steps that exceed the time limit in Jinja2.
    seconds: engine → time to compile. slow: (file, back end, times Jinja2's time, seconds).
    """

    name: str
    files: int = 0
    accepted: int = 0
    refused: int = 0
    tags: dict[str, int] = field(default_factory=dict)
    rendered: int = 0
    stopped: int = 0
    differences: list[Difference] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(ENGINES, 0.0))
    slow: list[tuple[str, str, float, float]] = field(default_factory=list)


def compare(
    name: str,
    sources: dict[str, str],
    kind: Kind,
    reasons: tuple[tuple[str, str], ...] = (),
    limit: float = 10.0,
) -> Report:
    """Compare the engines on the templates of one package.

    name: for the report. sources: path → source. reasons: as of `packages.Listing`.
    limit: seconds of processor time for one step of a file.
    """
    return Comparison(name, sources, kind, reasons, limit).run()


class Comparison:
    """The comparison of one package's templates: its environments, and the report so far."""

    def __init__(
        self,
        name: str,
        sources: dict[str, str],
        kind: Kind,
        reasons: tuple[tuple[str, str], ...],
        limit: float,
    ) -> None:
        self.kind = kind
        self.reasons = reasons
        self.limit = limit
        self.report = Report(name, len(sources))
        self.sources: dict[str, str] = {}
        self.header: dict[str, dict[str, Any]] = {}
        for path, source in sources.items():
            self.sources[path], self.header[path] = prepared(source, kind)
        self.environments: dict[tuple[Any, ...], Any] = {}
        for engine in ENGINES.values():
            engine.environment({}).from_string("{{ a }}").render()  # imports the compiler, which takes time
        environment = JINJA2.environment({}, **self._options({}))
        self.unknown = {path: unknown_names(environment, text) for path, text in self.sources.items()}
        self.undeclared: set[str] = set()

    def _options(self, header: dict[str, Any]) -> dict[str, Any]:
        options = {**self.kind.options, **header}
        newstyle = options.pop("newstyle", True)
        if "i18n" in options.get("extensions", ()):
            options |= {"translations": {}, "newstyle": newstyle}
        return options

    def environment(self, engine: str, path: str, stubs: bool, undefined: str) -> Any:
        """The environment for a file: with or without stand-ins for unknown filters and tests."""
        header = self.header[path]
        key = engine, stubs, undefined, json.dumps(header)
        if key not in self.environments:
            module = ENGINES[engine].module
            options = self._options(header)
            options["loader"] = module.FunctionLoader(finder(self.sources, ROOT))
            options["cache_size"] = -1
            if undefined == "permissive":
                options["undefined"] = permissive(module.Undefined)
            options["globals"] = {"lipsum": stub_lipsum}
            if stubs:
                names = self.unknown.values()
                options["filters"] = dict.fromkeys(
                    set().union(*(each.filters for each in names)), stub_filter
                )
                options["tests"] = dict.fromkeys(set().union(*(each.tests for each in names)), stub_test)
            self.environments[key] = ENGINES[engine].environment({}, **options)
        return self.environments[key]

    def run(self) -> Report:
        for path in self.sources:
            self._compare_file(path)
        return self.report

    def _compare_file(self, path: str) -> None:
        before = len(self.report.differences)
        if any(self.unknown[path]):
            self._step(path, "compile without stand-ins", self._compile(path, stubs=False))
        compiled = self._step(path, "compile", self._compile(path, stubs=True), timed=True)
        if len(self.report.differences) > before:
            return
        if compiled == ("output", ""):
            self._step(path, "names", self._names(path))
            for context in CONTEXTS:
                self._step(path, f"render {context}", self._render(path, context))
                self.report.rendered += 1
        if len(self.report.differences) > before or compiled[0] == "time limit":
            return
        if compiled == ("output", ""):
            self.report.accepted += 1
        elif tag := self._unknown_tag(path):
            self.report.tags[tag] = self.report.tags.get(tag, 0) + 1
        else:
            self.report.refused += 1

    def _unknown_tag(self, path: str) -> str | None:
        """The unknown tag for which Jinja2 refuses a file; None if there is none."""
        try:
            self.environment("jinja2", path, stubs=True, undefined="empty").parse(self.sources[path])
        except jinja2.TemplateSyntaxError as error:
            unknown = re.match(r"Encountered unknown tag '(\w+)'", str(error.message))
            return unknown and unknown[1]
        return None

    # --- steps ---------------------------------------------------------------------------------------------

    def _compile(self, path: str, stubs: bool) -> Callable[[str], Outcome]:
        def step(engine: str) -> Outcome:
            self.environment(engine, path, stubs, "empty").get_template(path)
            return Outcome(output="")

        return step

    def _names(self, path: str) -> Callable[[str], Outcome]:
        def step(engine: str) -> Outcome:
            meta = importlib.import_module(f"{ENGINES[engine].name}.meta")
            environment = self.environment(engine, path, stubs=True, undefined="empty")
            tree = environment.parse(self.sources[path], path)
            undeclared = meta.find_undeclared_variables(tree)
            if engine == "jinja2":
                self.undeclared = undeclared
            return Outcome(output=f"{sorted(undeclared)} {list(meta.find_referenced_templates(tree))}")

        return step

    def _render(self, path: str, context: str) -> Callable[[str], Outcome]:
        undefined = "permissive" if context == "permissive" else "empty"
        names = sorted(self.undeclared) if context == "anything" else ()
        variables = {name: Anything(name) for name in names}

        def step(engine: str) -> Outcome:
            random.seed(1)
            template = self.environment(engine, path, True, undefined).get_template(path)
            return Outcome(output=template.render(variables))

        return step

    def _step(self, path: str, name: str, run: Callable[[str], Outcome], timed: bool = False) -> Result:
        """Run a step on each engine, record the differences, and return the result of Jinja2."""
        results: dict[str, Result] = {}
        seconds: dict[str, float] = {}
        for engine in ENGINES:
            start = time.perf_counter()
            results[engine] = self._run(engine, run)
            seconds[engine] = time.perf_counter() - start
        if timed:
            self._note_times(path, seconds)
        oracle = results["jinja2"]
        if oracle[0] == "time limit":
            self.report.stopped += 1
            return oracle
        for backend in OURS:
            if results[backend] != oracle:
                self._note(path, name, backend, oracle, results[backend])
        return oracle

    def _run(self, engine: str, run: Callable[[str], Outcome]) -> Result:
        try:
            with time_limit(self.limit):
                outcome = run(engine)
        except TimeLimit:
            return "time limit", ""
        except Exception as error:
            outcome = describe(error)
        return summary(outcome)

    def _note_times(self, path: str, seconds: dict[str, float]) -> None:
        """Add to the times to compile. Measure again where a back end seems slow."""
        for engine in ENGINES:
            self.report.seconds[engine] += seconds[engine]
        limit = max(SLOW_TIMES * seconds["jinja2"], SLOW_SECONDS)
        if all(seconds[backend] < limit for backend in OURS):
            return
        best = {engine: min(self._time(engine, path) for _ in range(REPEATS)) for engine in ENGINES}
        for backend in OURS:
            if best[backend] > max(SLOW_TIMES * best["jinja2"], SLOW_SECONDS):
                times = best[backend] / best["jinja2"]
                self.report.slow.append((path, backend, times, best[backend]))

    def _time(self, engine: str, path: str) -> float:
        """Seconds of processor time to compile a file once more."""
        environment = self.environment(engine, path, stubs=True, undefined="empty")
        environment.cache.clear()
        start = time.process_time()
        self._run(engine, self._compile(path, stubs=True))
        return time.process_time() - start

    def _note(self, path: str, step: str, backend: str, oracle: Result, ours: Result) -> None:
        errors = [text if kind == "error" else None for kind, text in (oracle, ours)]
        line = self._source_line(errors[1] or errors[0])
        reason = next((key for pattern, key in self.reasons if matches(path, [pattern])), None)
        if reason is None and step == "names" and re.sub("'_trans'(, )?", "", oracle[1]) == ours[1]:
            reason = INTERNAL_NAME_OF_TRANS
        if reason is None:
            reason = self._reason_of_lines(*errors)
        if reason is None:
            accepting = (
                key for key, entry in DIFFERENCES.items() if entry.accepts(errors[0], errors[1], line)
            )
            reason = next(accepting, None)
        self.report.differences.append(Difference(path, step, backend, oracle, ours, line, reason))

    def _source_line(self, error: str | None) -> str:
        """The line of a template that an error names."""
        _, path, number = located(error)
        lines = re.split(r"\r\n|\r|\n", self.sources.get(path, ""))
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def _reason_of_lines(self, oracle: str | None, ours: str | None) -> str | None:
        """The reason if two errors are the same but for the line: if both lines are those of one tag, or each
        engine reports another unknown filter or test."""
        kind, path, first = located(oracle)
        other_kind, other_path, line = located(ours)
        if kind != other_kind or path != other_path or path not in self.sources:
            return None
        if kind == "TemplateAssertionError":
            return FIRST_UNKNOWN_FILTER
        source = self.sources[path]
        environment = self.environment("jinja2", path, stubs=True, undefined="empty")
        if any(
            start <= min(first, line) and max(first, line) <= end
            for start, end in tags_of(environment, source)
        ):
            return LINE_OF_AN_EXPRESSION
        return None


def located(error: str | None) -> tuple[str, str, int]:
    """The parts of ``Type at path:line``."""
    place = re.fullmatch(r"(\w+) at (.+):(\d+)", error or "")
    return (place[1], place[2], int(place[3])) if place else ("", "", 0)


def tags_of(environment: jinja2.Environment, source: str) -> Iterator[tuple[int, int]]:
    """The first and the last line of each tag of a source."""
    start = 0
    for line, kind, _ in environment.lex(source):
        if kind in ("block_begin", "variable_begin", "linestatement_begin"):
            start = line
        elif kind in ("block_end", "variable_end", "linestatement_end"):
            yield start, line


def prepared(source: str, kind: Kind) -> tuple[str, dict[str, Any]]:
    """The source with the application's own tags rewritten, and the options in its first line.

    The first line of an Ansible template may be ``#jinja2: trim_blocks: False, …``; it stays, as lines count.
    """
    header: dict[str, Any] = {}
    first = source.partition("\n")[0]
    if first.startswith("#jinja2:"):
        for part in first.removeprefix("#jinja2:").split(","):
            name, _, value = (text.strip() for text in part.partition(":"))
            header[name] = {"true": True, "false": False}.get(value.lower(), value.strip("'\""))
    for pattern, replacement in kind.replace:
        source = re.sub(pattern, replacement, source)
    return source, header
