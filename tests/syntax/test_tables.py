"""The ready-made parse tables are those of the grammar, and the grammar those of the builder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import grammars
from grammars.build import KEYWORDS, build_tables
from tmplmon.syntax import lexer, nodes, parser, tables, tags
from tmplmon.syntax.build_trans import TransBuilder
from tmplmon.syntax.source import Source


def test_the_file_is_up_to_date() -> None:
    """If this fails: python -m grammars"""
    stored = json.loads((Path(grammars.__file__).parent / grammars.TABLES).read_text("utf-8"))
    assert stored == build_tables(grammars.grammar_text())


def test_builder_methods_are_those_the_grammar_names() -> None:
    names = {name for _, _, name in grammars.load_tables()["rules"] if name is not None}
    helpers = {"fail", "collect", "open", "assignable"}
    methods = {name for name in dir(TransBuilder) if not name.startswith("_")} - set(TransBuilder.__slots__)
    methods -= {"open_tags", "source", "syntax"}
    assert names == methods - helpers


def test_terminals_are_those_of_the_lexer() -> None:
    terminals = {symbol for symbol in grammars.load_tables()["symbols"] if symbol.isupper()} - {"$END"}
    lexed = {
        *("TEXT", "VARIABLE_BEGIN", "VARIABLE_END", "BLOCK_END", "NAME", "STRING", "INTEGER", "FLOAT"),
        *("SIGNATURE", "TAG_CUSTOM", "TAG_CUSTOM_BODY", "TAG_CUSTOM_END"),
        *lexer.KEYWORDS.values(),
        *set(lexer.OPERATORS.values()) - {"SEMICOLON"},  # Jinja has the token, but no use for it
        *tags.terminals(frozenset(tags.TAGS), ()).values(),
    }
    assert terminals == lexed
    assert set(KEYWORDS) == set(lexer.KEYWORDS.values())


@pytest.mark.parametrize("file", ["", "{", "[]", "{}", '{"format": 0}', '{"format": 1, "grammar": 0}'])
def test_other_tables_are_built_anew(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    grammar = grammars.grammar_text()
    monkeypatch.setattr(grammars, "_read", lambda name: grammar if name == grammars.GRAMMAR else file)
    assert grammars.load_tables() == build_tables(grammar)


def test_missing_tables_are_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammars, "TABLES", "nowhere.tables")
    assert grammars.load_tables()["states"]


def test_lark_is_not_needed_to_parse() -> None:
    program = (
        "import sys; sys.modules['lark'] = None\n"
        "from tmplmon.syntax.parser import parse\n"
        "from tmplmon.syntax.source import Source\n"
        "assert not any(name.startswith('importlib.resources') for name in sys.modules)\n"
        "print(len(parse(Source('a{{ b }}c')).body))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "3\n"


def test_a_jump_is_the_walk_it_replaces() -> None:
    """The rows reached by jumps are those a parser without them reaches."""
    made = tables.make_tables(lambda name: getattr(TransBuilder, name))
    first, last = made.start["template"]
    for text in (
        "{{ a }}",
        "{{ a.b|c(1) if d is e else -f }}",
        "{% for a in b if c %}{{ a ~ b }}{% endfor %}",
    ):
        tokens, _ = lexer.scan(Source(text), lexer.Syntax())
        rows = [first]
        for terminal in [*(token[0] for token in tokens), "$END"]:
            while isinstance(action := rows[-1].get(terminal), tables.Rule):
                if action.length:
                    del rows[-action.length :]
                rows.append(rows[-1][action.origin].target)
            if action is not None:
                rows.append(action)
        assert rows[-1] is last


def test_the_parsers_tables_are_made_once() -> None:
    parser.parse(Source("a"))
    made = parser._tables
    parser.parse(Source("{{ b }}"))
    assert parser._tables is made is not None


def test_text_alone() -> None:
    assert parser.parse(Source("a")).body == [nodes.Text(0, 1, "a")]
    assert parser.parse(Source("")).body == []
