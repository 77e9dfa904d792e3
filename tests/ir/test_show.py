"""The text of programs: a complete example, and properties of the text for all templates of the corpus."""

import re

from tmplmon.ir.show import show_place, show_program, show_scope
from tmplmon.ir.walk import scopes
from tmplmon.syntax.lexer import Syntax

from .programs import lowered_corpus, program

TEMPLATE = """\
{% extends "base" %}
{% from "lib" import field, note as remark with context %}
{% block body scoped %}
<ul>
{% for k, (u, v) in users if u.on %}
  <li class="{{ loop.cycle('a', 'b') }}">{{ u.name|default('-', boolean=true) ~ k }}</li>
  {% if loop.last and v %}{% break %}{% elif v is divisibleby 3 %}c{% else %}d{% endif %}
{% else %}none
{% endfor %}
{% set x %}é{{ k }}{% endset %}
{% macro m(a, b=x) %}{{ a if b }}{{ caller() }}{% set x = 1 %}{% endmacro %}
{% call(q) m(1, *x) %}{{ q
}}{% endcall %}
{% with a = x[1:] %}{% set ns.v = {1: a} %}{% endwith %}
{% endblock %}
"""

SHOWN = """\
program 'main'  autoescape=True  file /templates/main

scope template 'main'  extends  1:1
  frame  field:unset initialised, remark:unset initialised
  Extends  1:1-20 LINE
    template  Const 'base'  1:12-17
  Import names=field, note as remark with_context locals=field?, remark? export=field, remark  2:1-58 LINE
    template  Const 'lib'  2:9-13

scope block 'body'  3:1-23
  context  users captured, k, ns
  frame  x:unset captured, m:unset captured
  Emit
    EmitText '\\n<ul>\\n'  4:1-4 LINE
  For (k'3, (u'2, v'2)) test_target=(k'2, (u, v)) loop=#1:index0,last autoescape=True  5:1-36 LINE BRANCH
    iter  Load users  5:21-25
    test  Attr name='on'  5:30-33
      obj  Load u  5:30
    test_frame  k'2:bound captured, u:bound captured, v:bound captured
    frame  k'3:bound captured, u'2:bound captured, v'2:bound captured
    body
      Emit
        EmitText '\\n  <li class="'  6:3-13 LINE
        EmitValue escape=True  6:17-36 LINE
          value  Item  6:17-36
            obj  Build kind='tuple'  6:17-36
              Const 'a'  6:28-30
              Const 'b'  6:33-35
            key  Binary op='%'  6:17-36
              left  LoopAttr loop=#1 name='index0'  6:17-36
              right  Const 2  6:17-36
        EmitText '">'  6:40-41 LINE
        EmitValue escape=True  6:45-81 LINE
          value  Concat autoescape=True  6:45-81
            Filter name='default' autoescape=True  6:45-77
              value  Attr name='name'  6:45-50
                obj  Load u'2  6:45
              arg  Const '-'  6:60-62
              boolean=  Const True  6:73-76
            Load k'3  6:81
        EmitText '</li>\\n  '  6:85-89 LINE
      If
        test  Logical op='and'  7:9-23 BRANCH
          left  LoopAttr loop=#1 name='last'  7:9-17
          right  Load v'2  7:23
        then  7:3-26 LINE BRANCH
          Jump kind='break'  7:27-37 LINE
        test  Test name='divisibleby' autoescape=True  7:46-63
          value  Load v'2  7:46
          arg  Const 3  7:63
        then  7:38-66 LINE BRANCH
          Emit
            EmitText 'c'  7:67 LINE
        else
          Emit
            EmitText 'd'  7:78 LINE
      Emit
        EmitText '\\n'
    orelse
      Emit
        EmitText 'none\\n'  8:11-14 LINE
  Emit
    EmitText '\\n'
  Capture .text1 autoescape=True  10:1-11 LINE
    body
      Emit
        EmitText 'é'  10:12-13 LINE
        EmitValue escape=True  10:17 LINE
          value  Load k  10:17
  Assign x  10:1-11 LINE
    value  Load .text1  10:1-11 LINE
  Emit
    EmitText '\\n'
  MakeMacro m scope=macro 'm'  11:1-21 LINE
  Emit
    EmitText '\\n'
  MakeMacro .caller2 scope=call 'caller'  12:1-22 LINE
  Emit
    EmitValue escape=False finished  12:1-22 LINE
      value  Call caller=.caller2 locals=x, m  12:12-19
        func  Load m  12:12
        arg  Const 1  12:14
        *  Load x  12:18
    EmitText '\\n'
  Enter autoescape=None  14:1-20 LINE
    frame  a:unset
    a  Slice  14:13-17
      obj  Load x  14:13
      lower  Const 1  14:15
    body
      Assign ns.v  14:21-43 LINE
        value  Build kind='dict'  14:35-40
          Const 1  14:36
          Load a  14:39
  Emit
    EmitText '\\n'

scope macro 'm'  in block 'body'  11:1-21
  frame  a'2:bound, b:bound, caller:bound, x'2:outer(x) initialised
  caller  caller
  parameter a'2
  parameter b  Load x'2  11:17
  Emit
    EmitValue escape=True  11:25-30 LINE
      value  Conditional  11:25-30 BRANCH
        test  Load b  11:30
        body  Load a'2  11:25
    EmitValue escape=True  11:37-44 LINE
      value  Call  11:37-44
        func  Load caller  11:37-42
  Assign x'2  11:48-62 LINE
    value  Const 1  11:59

scope call 'caller'  in block 'body'  12:1-22
  frame  q:bound
  parameter q
  Emit
    EmitValue escape=True  12:26 LINE
      value  Load q  12:26
"""


def test_a_program() -> None:
    assert show_program(program(TEMPLATE, autoescape=True)) == SHOWN


def test_places() -> None:
    assert show_place((3, 3, 0, 1)) == "3:1"
    assert show_place((3, 3, 0, 0)) == "3:1"
    assert show_place((3, 3, 4, 9)) == "3:5-9"
    assert show_place((3, 5, 4, 9)) == "3:5-5:9"


def test_all_of_the_corpus_is_shown() -> None:
    """The text has all sites that fire, with their positions, and no default repr of a Python object."""
    for name, each in lowered_corpus():
        assert " object at 0x" not in show_program(each), name
        for scope in scopes(each):
            shown = show_scope(scope)
            for sites, mark in ((scope.lines, "LINE"), (scope.branches, "BRANCH")):
                for site in sites:
                    place = re.escape(show_place(scope.positions[site]))
                    assert re.search(rf"  {place}( LINE)? ?\b{mark}", shown), (name, site)


def test_the_text_depends_on_the_template_only() -> None:
    assert show_program(program(TEMPLATE)) == show_program(program(TEMPLATE))


def test_an_expression_may_be_deep() -> None:
    deep = "{{ a" + ".b" * 400 + " }}"
    assert show_program(program(deep)).count("Attr name='b'") == 400
    assert show_program(program("{{ " + "~".join(["a"] * 5000) + " }}")).count("Load a") == 5000


def test_long_text_is_cut() -> None:
    """Of a text with more than 60 characters, the first 60 are shown, and the number of characters."""
    assert f"EmitText {'x' * 60!r}  1:1-60 LINE\n" in show_program(program("x" * 60))
    assert f"EmitText {'x' * 60!r}… 61 characters  1:1-61 LINE\n" in show_program(program("x" * 61))
    assert f"Const {'x' * 60!r}… 9000 characters" in show_program(program("{{ '" + "x" * 9000 + "' }}"))


def test_custom_delimiters_do_not_matter() -> None:
    plain, other = "{{ a }}", "<< a >>"
    syntax = Syntax(variable_start_string="<<", variable_end_string=">>")
    assert show_program(program(other, syntax=syntax)) == show_program(program(plain))
