"""A language of functions for tests: ``def NAME`` begins a function, which is called in the order of the file.

A line ``? WORD`` skips the next line unless WORD is among the words of a run; other lines do nothing. Empty lines
and lines that begin with ``#`` are no code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tmplmon.monitoring import Scope, ScopeBuilder
from tmplmon.monitoring.coverage import LanguagePlugin

type Function = tuple[Scope, list[tuple[int, int, str]]]


def load(path: str) -> list[Function]:
    functions: list[Function] = []
    lines = list(enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1))
    starts = [position for position, (_, text) in enumerate(lines) if text.startswith("def ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        builder = ScopeBuilder(path, lines[start][1].split()[1])
        sites: list[tuple[int, int, str]] = []
        waiting = None
        for number, text in lines[start + 1 : end]:
            if not text.strip() or text.startswith("#"):
                continue
            line = builder.line(number)
            branch = -1
            label, waiting = waiting, None
            if text.startswith("?"):
                branch = builder.branch(number)
                waiting = builder.label()
                builder.connect(branch, right=waiting)
            sites.append((line, branch, text[1:].strip()))
            if label is not None:
                builder.bind(label)
        if waiting is not None:
            builder.bind(waiting)
        functions.append((builder.build(), sites))
    return functions


def run(functions: list[Function], words: set[str]) -> None:
    for scope, sites in functions:
        activation = scope.enter()
        if activation is not None:
            with activation:
                execute(sites, words, activation)


def execute(sites: list[tuple[int, int, str]], words: set[str], activation: Any) -> None:
    skips = False
    for line, branch, word in sites:
        if skips:
            skips = False
            continue
        activation.line(line)
        if branch >= 0:
            activation.branch(branch, word in words)
            skips = word not in words


class FunctionsPlugin(LanguagePlugin):
    suffixes = (".functions",)

    def scopes(self, path: str) -> list[Scope]:
        return [scope for scope, _ in load(path)]


def coverage_init(registry: Any, options: Any) -> None:
    FunctionsPlugin().register(registry)
