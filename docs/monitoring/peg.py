"""A parser for grammars in one file: a third language that Python's tools see, through ``tmplmon.monitoring``.

    date                        # a rule; each line below it is an alternative, tried in order
        year "-" month "-" day
        word
    year                        # terms: a "text", a /regular expression/, or the name of a rule
        /\\d{4}/
    month
        include numbers.peg     # the alternatives of another file

``match(load("dates.peg"), "date", "2024-05-17")`` returns where the match ends, or None. Rules are functions of the
language, and an include is part of the rule that contains it. The lines marked ``signal`` make both visible.
"""

from __future__ import annotations

import re
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from tmplmon.monitoring import EXIT, Activation, Scope, ScopeBuilder
from tmplmon.monitoring.debuggers import ENGINES

TERM = re.compile(r'"(?P<text>[^"]*)"|/(?P<regex>[^/]*)/|(?P<rule>\w+)')
ENGINES.add(__name__)  # signal


@dataclass
class Choice:
    line: int  # the site of LINE
    branch: int  # the site of the branch: left if it matches, right to the next alternative
    terms: list[str | re.Pattern[str]]  # names of rules, and what a text or regular expression matches
    inclusion: int
    included: list[Choice] | None


@dataclass
class Rule:
    builder: ScopeBuilder
    alternatives: list[Choice]
    scope: Scope | None = None


type Rules = dict[str, Rule]


def load(path: str | Path) -> Rules:
    """Read a grammar. Alternatives before the first rule belong to a rule with the name of the file."""
    path, rules, name = Path(path).absolute(), {}, Path(path).stem
    for number, text in lines_of(path):
        if not text.startswith(" "):
            name = text.strip()
            continue
        if name not in rules:
            rules[name] = Rule(ScopeBuilder(str(path), name), [])  # signal
        rules[name].alternatives.append(alternative(rules[name].builder, path, number, text, 0))
    for rule in rules.values():
        rule.scope = rule.builder.build()  # signal
    return rules


def lines_of(path: Path) -> list[tuple[int, str]]:
    lines = (text.partition("#")[0].rstrip() for text in path.read_text(encoding="utf-8").split("\n"))
    return [(number, text) for number, text in enumerate(lines, 1) if text]


def alternative(builder: ScopeBuilder, path: Path, number: int, text: str, inclusion: int) -> Choice:
    words, column = text.strip(), len(text) - len(text.lstrip())
    place = (number, number, column, column + len(words.encode()))
    line = builder.line(*place, inclusion=inclusion)  # signal
    included, inner = None, 0
    if words.startswith("include "):
        part = path.parent / words.removeprefix("include ")
        inner = builder.include(str(part), number, column, parent=inclusion)  # signal
        included = [alternative(builder, part, number, text, inner) for number, text in lines_of(part)]
    branch, after = builder.branch(*place, inclusion=inclusion), builder.label()  # signal
    builder.connect(branch, left=EXIT, right=after)  # signal
    builder.bind(after, inclusion=inclusion)  # signal
    found = [] if included else TERM.finditer(words)
    terms = [term["rule"] or re.compile(term["regex"] or re.escape(term["text"])) for term in found]
    return Choice(line, branch, terms, inner, included)


def match(rules: Rules, name: str, text: str, position: int = 0) -> int | None:
    rule, variables = rules[name], {"text": text, "position": position}
    with rule.scope.enter(variables) or nullcontext() as signal:  # signal
        return first(rule.alternatives, rules, text, position, signal)


def first(among: list[Choice], rules: Rules, text: str, start: int, signal: Activation | None) -> int | None:
    for each in among:
        signal and signal.line(each.line)  # signal
        if each.included is not None:
            signal and signal.py_start(each.inclusion)  # signal
            end = first(each.included, rules, text, start, signal)
            signal and signal.py_return(end)  # signal
        else:
            end = sequence(each, rules, text, start, signal)
        signal and signal.branch(each.branch, end is not None)  # signal
        if end is not None:
            return end
    return None


def sequence(each: Choice, rules: Rules, text: str, end: int, signal: Activation | None) -> int | None:
    for term in each.terms:
        if isinstance(term, str):
            arguments = rules, term, text, end
            end = signal.within(each.line, match, *arguments) if signal else match(*arguments)  # signal
        else:
            end = found.end() if (found := term.match(text, end)) else None
        if end is None:
            return None
    return end


if __name__ == "__main__":
    print(match(load(sys.argv[1]), sys.argv[2], sys.argv[3]))
