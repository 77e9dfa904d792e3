"""Grammar → parse tables: Lark's LALR(1) analysis, written down as plain data.

They are stored as JSON and not as `Lark.save` writes them, a pickle of Lark's own classes. So loading the tables
does not import Lark, which takes longer than lexing and parsing an ordinary site.

    {"symbols": [name, …],          lower case (or "name{argument}") for rules, upper case for terminals
     "rules": [[origin, length, function], …],     origin: a symbol; function null: the value is kept as it is
     "start": {"template": [state, end state], …},
     "states": [[symbol, action, symbol, action, …], …]}

Rules and states refer to symbols by their index.

An action n ≥ 0 means "go to state n" (and, for a terminal, shift it). n < 0 means "reduce by rule -1 - n". States
are numbered in breadth-first order, and symbols and rules are sorted, so the same grammar always gives the same
tables.
"""

from typing import Any

START = ("template", "expression")

# The words that have terminals of their own. Where the grammar does not expect them, they are names.
KEYWORDS = (
    *("AND", "AS", "CONTEXT", "ELSE", "IF", "IGNORE", "IMPORT", "IN", "IS", "MISSING", "NOT", "OR"),
    *("RECURSIVE", "REQUIRED", "SCOPED", "TRIMMED", "WITH", "WITHOUT"),
)


def build_tables(grammar: str) -> dict[str, Any]:
    """Return the tables of `grammar` in the format above. Raises one of Lark's errors for a wrong grammar."""
    from lark import Lark
    from lark.parsers.lalr_analysis import Shift

    # The basic lexer is never used: the grammar only declares its terminals.
    parser = Lark(grammar, parser="lalr", lexer="basic", start=list(START), maybe_placeholders=False)
    table: Any = parser.parser.parser._parse_table
    rules: dict[Any, tuple[str, int, str | None]] = {}
    for actions in table.states.values():
        for action, argument in actions.values():
            if action is not Shift:
                rules[argument] = _rule(argument)
    ordered_rules = sorted(set(rules.values()), key=lambda rule: (rule[0], rule[1], rule[2] or ""))
    rule_number = {rule: number for number, rule in enumerate(ordered_rules)}
    symbols = sorted({symbol for actions in table.states.values() for symbol in actions})
    symbol_number = {symbol: number for number, symbol in enumerate(symbols)}

    numbers = {table.start_states[start]: number for number, start in enumerate(START)}
    worklist = list(numbers)
    states: list[list[int]] = []
    for state in worklist:
        row: list[int] = []
        for symbol, (action, argument) in sorted(_with_words(table.states[state]).items()):
            if action is Shift:
                if argument not in numbers:
                    numbers[argument] = len(numbers)
                    worklist.append(argument)
                value = numbers[argument]
            else:
                value = -1 - rule_number[rules[argument]]
            row += (symbol_number[symbol], value)
        states.append(row)
    return {
        "symbols": symbols,
        "rules": [[symbol_number[origin], length, function] for origin, length, function in ordered_rules],
        "start": {
            start: [numbers[table.start_states[start]], numbers[table.end_states[start]]] for start in START
        },
        "states": states,
    }


def _rule(rule: Any) -> tuple[str, int, str | None]:
    """Return (origin, length, function) of one of Lark's rules. A "?" rule of one symbol without an alias has no
    function."""
    length = len(rule.expansion)
    keeps_value = rule.options.expand1 and rule.alias is None and length == 1
    return rule.origin.name, length, None if keeps_value else rule.alias or rule.origin.name


def _with_words(actions: dict[str, Any]) -> dict[str, Any]:
    """Return a state's actions, in which each keyword without a meaning of its own acts as a NAME.

    A state that accepts both an operator and a NAME comes after a test's name. "is" is neither there, because Jinja
    does not let one test follow another in this way.
    """
    if "NAME" not in actions:
        return actions
    words = {word: actions["NAME"] for word in KEYWORDS if word != "IS" or "OR" not in actions}
    return {**words, **actions}
