"""The stored parse tables agree with the grammar, and the grammar with the builder of the tree."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cases import casefile, engines

from tmplmon import TemplateSyntaxError
from tmplmon.syntax import grammar, lexer, nodes, parser, tables, tags
from tmplmon.syntax.build_trans import TransBuilder
from tmplmon.syntax.grammar import __main__ as grammar_command
from tmplmon.syntax.grammar.__main__ import generated_files
from tmplmon.syntax.grammar.build import KEYWORDS, build_tables
from tmplmon.syntax.source import Source

ROOT = Path(__file__).parents[2]
CASES = sorted((ROOT / "tests/cases").glob("*/*.txt"))


def test_generated_files_are_up_to_date() -> None:
    """If this fails: python -m tmplmon.syntax.grammar"""
    text = (ROOT / "grammars" / grammar.GRAMMAR).read_text("utf-8")
    for name, expected in generated_files(text).items():
        assert (Path(grammar.__file__).parent / name).read_text("utf-8") == expected, name


def test_the_command_writes_the_generated_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(grammar_command, "PACKAGE", tmp_path)
    monkeypatch.setattr(grammar_command, "generated_files", lambda text: {"a": text, "b": "é\n"})
    grammar_command.main()
    text = (ROOT / "grammars" / grammar.GRAMMAR).read_bytes()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": text, "b": b"\xc3\xa9\n"}
    assert capsys.readouterr().out == f"wrote {tmp_path / 'a'}\nwrote {tmp_path / 'b'}\n"


def test_the_command_needs_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammar_command, "SOURCE", tmp_path / "jinja.lark")
    with pytest.raises(SystemExit, match="does not exist: run this in a checkout of the repository"):
        grammar_command.main()


def test_builder_methods_are_those_the_grammar_names() -> None:
    names = {name for _, _, name in grammar.load_tables()["rules"] if name is not None}
    helpers = {"fail", "collect", "open", "assignable"}
    methods = {name for name in dir(TransBuilder) if not name.startswith("_")} - set(TransBuilder.__slots__)
    methods -= {"open_tags", "source", "syntax"}
    assert names == methods - helpers


def test_terminals_are_those_of_the_lexer() -> None:
    terminals = {symbol for symbol in grammar.load_tables()["symbols"] if symbol.isupper()} - {"$END"}
    lexed = {
        *("TEXT", "VARIABLE_BEGIN", "VARIABLE_END", "BLOCK_END", "NAME", "STRING", "INTEGER", "FLOAT"),
        *("SIGNATURE", "TAG_CUSTOM", "TAG_CUSTOM_BODY", "TAG_CUSTOM_END"),
        *lexer.KEYWORDS.values(),
        *set(lexer.OPERATORS.values()) - {"SEMICOLON"},  # Jinja has the token, but does not use it
        *tags.terminals(frozenset(tags.TAGS), ()).values(),
    }
    assert terminals == lexed
    assert set(KEYWORDS) == set(lexer.KEYWORDS.values())


@pytest.mark.parametrize("file", ["", "{", "[]", "{}", '{"format": 0}', '{"format": 1, "grammar": 0}'])
def test_outdated_tables_are_built_again(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = grammar.grammar_text()
    monkeypatch.setattr(grammar, "_read", lambda name: text if name == grammar.GRAMMAR else file)
    # Building them takes a second. The tests above check the result.
    monkeypatch.setattr(
        "tmplmon.syntax.grammar.build.build_tables", lambda grammar_text: {"built": grammar_text}
    )
    assert grammar.load_tables() == {"built": text}


def test_an_edited_grammar_takes_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stored tables do not belong to the edited grammar, so Lark builds new ones."""
    rule = "    | VARIABLE_BEGIN VARIABLE_END -> print_empty\n    | if_statement\n"
    edited = grammar.grammar_text().replace("    | if_statement\n", rule)
    files = {grammar.GRAMMAR: edited, grammar.TABLES: grammar._read(grammar.TABLES)}
    with pytest.raises(TemplateSyntaxError):
        parser.parse(Source("a{{ }}"))
    monkeypatch.setattr(grammar, "_read", files.__getitem__)
    monkeypatch.setattr(parser, "_tables", None)
    assert parser.parse(Source("a{{ }}")).body == [nodes.Text(0, 1, "a")]


def parsed(case: casefile.Case) -> list[str]:
    """The tree of each template of a case, or its syntax error."""
    options = engines.evaluate(case.sections.get("options", ""), engines.TMPLMON)
    syntax = engines.TMPLMON.environment({}, **options).syntax
    trees = []
    for name, source in case.templates.items():
        try:
            trees.append(repr(parser.parse(Source(source, name), syntax)))
        except TemplateSyntaxError as error:
            trees.append(str(error))
    return trees


def test_the_corpus_parses_the_same_without_the_stored_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [casefile.read(path) for path in CASES]
    with_stored = [parsed(case) for case in cases]
    monkeypatch.setattr(grammar, "TABLES", "nowhere.tables")
    monkeypatch.setattr(parser, "_tables", None)
    built: list[str] = []

    def build(text: str) -> dict[str, Any]:
        built.append(text)
        return build_tables(text)

    monkeypatch.setattr("tmplmon.syntax.grammar.build.build_tables", build)
    assert [parsed(case) for case in cases] == with_stored
    assert built == [grammar.grammar_text()]


def test_an_application_with_a_package_named_grammars_renders(tmp_path: Path) -> None:
    (tmp_path / "grammars").mkdir()
    (tmp_path / "grammars/__init__.py").write_text("NAME = 'of the application'\n")
    (tmp_path / "application.py").write_text(
        "import grammars, tmplmon\nprint(tmplmon.Template('{{ name }}').render(name=grammars.NAME))\n"
    )
    command = [sys.executable, "application.py"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("of the application\n", "")


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


def test_jumps_lead_to_the_same_rows() -> None:
    """The jumps of the tables lead to the same rows as a parser without jumps reaches."""
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


def test_the_tables_are_loaded_once() -> None:
    parser.parse(Source("a"))
    made = parser._tables
    parser.parse(Source("{{ b }}"))
    assert parser._tables is made is not None


def test_text_alone() -> None:
    assert parser.parse(Source("a")).body == [nodes.Text(0, 1, "a")]
    assert parser.parse(Source("")).body == []
