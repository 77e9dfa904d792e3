"""The parse tables in the form that the parser uses.

A *row* has the actions of one LALR state. It maps a terminal to the next row (shift) or to a `Rule` (reduce), and
a nonterminal to its `Jumps`. The grammar has fourteen levels of precedence, and ``{{ name }}`` is reduced once
for each. These reductions change only the state, so `Jumps` follows them once for each (row, nonterminal, next
terminal), and stores the row that they lead to.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from tmplmon.syntax.grammar import load_tables

type Row = dict[str, Any]


class Rule(NamedTuple):
    """A reduction to the nonterminal `origin`: the last `length` values are replaced by the result of `function`
    for them. If `function` is None, the one value is kept."""

    length: int
    function: Callable[..., Any] | None
    origin: str


class Jumps(dict[str, Row]):
    """The row that follows a reduction to a nonterminal, by the next terminal."""

    __slots__ = ("row", "target")

    def __init__(self, row: Row, target: Row) -> None:
        self.row = row
        self.target = target

    def __missing__(self, terminal: str) -> Row:
        target = self.target
        action = target.get(terminal)
        while type(action) is Rule and action.function is None:
            target = self.row[action.origin].target
            action = target.get(terminal)
        self[terminal] = target
        return target


class Tables(NamedTuple):
    """The tables; `start` has the first and the last row for each start symbol."""

    start: dict[str, tuple[Row, Row]]


def make_tables(functions: Callable[[str], Callable[..., Any]]) -> Tables:
    """Load the tables.

    functions: returns the function for the name of an alternative in the grammar.
    """
    data = load_tables()
    symbols: list[str] = data["symbols"]
    rules = [
        Rule(length, functions(name) if name is not None else None, symbols[origin])
        for origin, length, name in data["rules"]
    ]
    rows: list[Row] = [{} for _ in data["states"]]
    for row, actions in zip(rows, data["states"], strict=True):
        for number, action in zip(actions[::2], actions[1::2], strict=True):
            symbol = symbols[number]
            if action < 0:
                row[symbol] = rules[-1 - action]
            elif symbol.isupper() or symbol == "$END":
                row[symbol] = rows[action]
            else:
                row[symbol] = Jumps(row, rows[action])
    return Tables({name: (rows[first], rows[last]) for name, (first, last) in data["start"].items()})
