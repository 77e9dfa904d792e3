"""The parse tables in the shape the parser runs on.

A *row* is what one LALR state does, a dict: a terminal leads to the row to go to (shift) or to a `Rule`
(reduce), a nonterminal to its `Jumps`. The grammar has fourteen levels of precedence, and a plain ``{{ name
}}`` would be reduced once for each of them; these reductions change nothing but the state, so `Jumps` walks
them once for every (row, nonterminal, next terminal) and remembers where they end.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from tmplmon.syntax.grammar import load_tables

type Row = dict[str, Any]


class Rule(NamedTuple):
    """Replaces the last `length` values by `function`'s result for them (None: keeps the one value)."""

    length: int
    function: Callable[..., Any] | None
    origin: str


class Jumps(dict[str, Row]):
    """Where a row goes after a reduction to a nonterminal, by the terminal that comes next."""

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
    """`start` has the first and the last row for each start symbol."""

    start: dict[str, tuple[Row, Row]]


def make_tables(functions: Callable[[str], Callable[..., Any]]) -> Tables:
    """The tables, with the functions that `functions` finds for the names in the grammar."""
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
