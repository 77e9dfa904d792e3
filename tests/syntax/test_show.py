"""Tokens and trees as text."""

import pytest

from tmplmon.errors import TemplateSyntaxError
from tmplmon.syntax.lexer import Syntax, tokenize
from tmplmon.syntax.parser import parse
from tmplmon.syntax.show import show_tokens, show_tree
from tmplmon.syntax.source import Source

SYNTAX = Syntax(tags=frozenset({"trans"}))


def test_tokens() -> None:
    assert (
        show_tokens(Source("é{{ a.b }}\n{% if 'x' %}y\nz"), SYNTAX)
        == """\
1:1       TEXT            'é'
1:2-3     VARIABLE_BEGIN  '{{'
1:5       NAME            'a'
1:6       DOT             '.'
1:7       NAME            'b'
1:9-10    VARIABLE_END    '}}'
1:11      TEXT            '\\n'
2:1-5     TAG_IF          'if'
2:7-9     STRING          'x'
2:11-12   BLOCK_END       '%}'
2:13-3:1  TEXT            'y\\nz'
"""
    )


def test_tokens_up_to_an_error() -> None:
    source = Source("a{{ 'b }}")
    assert show_tokens(source, SYNTAX).endswith("1:5    ERROR           this string is never closed\n")
    with pytest.raises(TemplateSyntaxError):
        tokenize(source, SYNTAX)


def test_no_tokens() -> None:
    assert show_tokens(Source(""), SYNTAX) == ""


TREE = """\
{% macro m(a, b=1) %}{{ f(a, *b, c=-d[1:]) if a is not divisibleby 2 }}{% endmacro %}
{% for x, y in {1: z|f(2)} recursive %}{% else %}e{% endfor %}
{% if a < b in c %}1{% elif b %}2{% else %}3{% endif %}
{% from "l" import p, q as r %}{% with v = a %}{% set ns.n = (v,) %}{% endwith %}
{% trans n=3 %}one{% pluralize %}many{% endtrans %}
"""

SHOWN = """\
Template  1:1-5:52
  body
    Macro 'm'  1:1-21
      Parameter 'a'  1:12
      Parameter 'b'  1:15-17
        default  Const 1  1:17
      body
        Output  1:25-68
          expr  Conditional  1:25-68
            test  Test 'divisibleby' negated  1:47-68
              value  Name 'a'  1:47
              arg  Const 2  1:68
            body  Call  1:25-42
              func  Name 'f'  1:25
              arg  Name 'a'  1:27
              c=  Unary '-'  1:36-41
                operand  Item  1:37-41
                  obj  Name 'd'  1:37
                  key  Slice  1:39-40
                    lower  Const 1  1:39
              *  Name 'b'  1:31
    Text '\\n'  1:86
    For recursive  2:1-39
      target  TupleExpr  2:8-11
        Name 'x'  2:8
        Name 'y'  2:11
      iter  DictExpr  2:16-26
        Const 1  2:17
        Filter 'f'  2:20-25
          value  Name 'z'  2:20
          arg  Const 2  2:24
      else  2:40-49
        Text 'e'  2:50
    Text '\\n'  2:63
    If  3:1-19
      test  Compare  3:7-16
        left  Name 'a'  3:7
        <  Name 'b'  3:11
        in  Name 'c'  3:16
      then  3:1-19
        Text '1'  3:20
      test  Name 'b'  3:29
      then  3:21-32
        Text '2'  3:33
      else  3:34-43
        Text '3'  3:44
    Text '\\n'  3:56
    FromImport p, q as r  4:1-31
      template  Const 'l'  4:9-11
    With  4:32-47
      Name 'v'  4:40
      Name 'a'  4:44
      body
        Set  4:48-68
          target  NamespaceRef 'ns' 'n'  4:55-58
          value  TupleExpr  4:62-65
            Name 'v'  4:63
    Text '\\n'  4:82
    Trans 'one' 'many' 'n'  5:1-15
      n  Const 3  5:12
"""


def test_tree() -> None:
    source = Source(TREE)
    assert show_tree(parse(source, SYNTAX), source) == SHOWN


def test_an_expression() -> None:
    source = Source("{{ a }}")
    output = parse(source).body[0]
    assert show_tree(output, source) == "Output  1:4\n  expr  Name 'a'  1:4\n"


def test_a_tree_may_be_deep() -> None:
    source = Source("{{ a" + ".b" * 900 + " }}")
    assert show_tree(parse(source), source).count("Attribute 'b'") == 900
