"""Code maps: executable lines, the arcs between them, and the lines that belong to one statement."""

import subprocess
import sys

import pytest

from tmplmon import CodeMap, Environment, TemplateSyntaxError, code_map

EXTENSIONS = [f"tmplmon.ext.{name}" for name in ("loopcontrols", "do", "i18n")]


def mapped(*lines: str, **options: object) -> CodeMap:
    return code_map(Environment(extensions=EXTENSIONS, **options), "\n".join(lines))  # type: ignore[arg-type]


def branches(template_map: CodeMap) -> dict[int, list[int]]:
    return {line: sorted(ways) for line, ways in template_map.branches.items()}


def test_lines() -> None:
    template_map = mapped(
        "{# comment #}",
        "{% if a %}",
        "  text",
        "  that goes on",
        "{% else %}",
        "",
        "  {{ b }}",
        "{% endif %}",
    )
    assert template_map.lines == {2, 3, 7}
    assert template_map.first == {}
    assert template_map.further == {4: 3}


def test_if() -> None:
    template_map = mapped("{% if a %}", "2", "{% elif b %}", "4", "{% endif %}", "6")
    assert branches(template_map) == {1: [2, 3], 3: [4, 6]}
    assert template_map.reasons[1, 2] == "the condition on line 1 was never true"
    assert template_map.reasons[3, 6] == "the condition on line 3 was never false"
    assert template_map.arcs == {(-1, 1), (1, 2), (1, 3), (2, 6), (3, 4), (3, 6), (4, 6), (6, -1)}


@pytest.mark.parametrize("test", ["true", "0", "not 1", "false and a", "1 or a", "1 and not true"])
def test_a_constant_condition_is_not_a_branch(test: str) -> None:
    template_map = mapped(f"{{% if {test} %}}", "2", "{% endif %}", "4")
    assert (template_map.lines, branches(template_map)) == ({1, 2, 4}, {})


@pytest.mark.parametrize("test", ["a", "not a", "1 and a", "a and 0", "[] == []"])
def test_a_partly_constant_condition_is_a_branch(test: str) -> None:
    assert branches(mapped(f"{{% if {test} %}}", "2", "{% endif %}", "4")) == {1: [2, 4]}


def test_loop() -> None:
    template_map = mapped("{% for x in y %}", "2", "{% endfor %}")
    assert branches(template_map) == {1: [-1, 2]}
    assert template_map.reasons[1, 2] == "the loop on line 1 never started"
    assert template_map.reasons[1, -1] == "the loop on line 1 never ended"
    assert template_map.ends[1] == "the template"


def test_loop_else() -> None:
    template_map = mapped("{% for x in y %}", "2", "{% else %}", "4", "{% endfor %}", "6")
    assert branches(template_map) == {1: [2, 4, 6]}
    assert template_map.reasons[1, 4] == "the else of the loop on line 1 never ran"
    assert template_map.reasons[1, 6] == "the loop on line 1 never ended after a round"


def test_jumps() -> None:
    template_map = mapped(
        "{% for x in y %}",
        "{% if x %}",
        "{% break %}",
        "{% endif %}",
        "{% continue %}",
        "{% endfor %}",
        "7",
    )
    assert (3, 7) in template_map.arcs and (5, 1) in template_map.arcs
    assert branches(template_map) == {1: [2, 7], 2: [3, 5]}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{{ 1 if a else", "the inline condition on line 1 was never true"),
        ("{{ a and", "the left side of 'and' on line 1 was never true"),
    ],
)
def test_branches_inside_a_statement_do_not_count(line: str, reason: str) -> None:
    """The whole statement counts as its first line, so both sides lead to the same line."""
    template_map = mapped(line, "b }}", "3")
    assert branches(template_map) == {}
    assert template_map.first == {2: 1}


def test_a_branch_on_one_line_does_not_count() -> None:
    assert branches(mapped("{% if a %}b{% else %}c{% endif %}", "2")) == {}


def test_include_that_may_be_missing() -> None:
    assert branches(mapped("{% include 'a' ignore missing %}", "2")) == {}


def test_blocks_and_macros_have_their_own_end() -> None:
    template_map = mapped(
        "{% block a %}",
        "{% if x %}",
        "3",
        "{% endif %}",
        "{% endblock %}",
        "{% macro b(x) %}",
        "{% if x %}",
        "8",
        "{% endif %}",
        "{% endmacro %}",
    )
    assert branches(template_map) == {2: [-1, 3], 7: [-1, 8]}
    assert template_map.ends[2] == "block 'a'"
    assert template_map.ends[7] == "macro 'b'"
    assert [
        (region.kind, region.name, region.start, sorted(region.lines)) for region in template_map.regions
    ] == [
        ("macro", "b", 6, [7, 8]),
        ("block", "a", 1, [2, 3]),
    ]


def test_a_call_body_has_its_own_end() -> None:
    template_map = mapped("{% call f() %}", "{% if x %}", "3", "{% endif %}", "{% endcall %}")
    assert template_map.ends[2] == "the body of the call on line 1"


def test_a_recursive_loop_is_a_function() -> None:
    template_map = mapped("1", "{% for x in y recursive %}", "{{ loop(x) }}", "{% endfor %}", "5")
    assert branches(template_map) == {2: [-1, 3]}
    assert template_map.ends[2] == "the loop on line 2"


def test_a_statement_of_several_lines_counts_as_its_first_line() -> None:
    template_map = mapped(
        "{% if a and",
        "   b %}",
        "{{ f(1,",
        "     2) }}",
        "{% endif %}",
        "{% macro m(a,",
        "   b=1) %}",
        "8",
        "{% endmacro %}",
    )
    assert template_map.lines == {1, 3, 6, 8}
    assert template_map.first == {2: 1, 4: 3, 7: 6}
    assert branches(template_map) == {1: [3, 6]}


def test_text_that_begins_within_a_statement_belongs_to_it() -> None:
    """Line 2 has the end of the condition, which always runs, and text, which may not run."""
    template_map = mapped("{% if f(", "  a) %}text{% endif %}", "3")
    assert template_map.lines == {1, 3}
    assert branches(template_map) == {}


def test_arcs_that_are_taken_in_any_case_do_not_count() -> None:
    """After the body, the filter runs on its own line again, and continues from there in any case."""
    template_map = mapped("{% filter upper %}{% if a %}", "2", "{% endif %}{% endfilter %}", "4")
    assert branches(template_map) == {}


def test_the_end_tag_of_a_block_set_is_not_executable() -> None:
    template_map = mapped("{% set a %}", "{% for x in y %}", "3", "{% endfor %}", "{% endset %}", "6")
    assert branches(template_map) == {2: [3, 6]}


def test_a_child_template() -> None:
    template_map = mapped(
        "{% extends 'a' %}", "dropped", "{% set x = 1 %}", "{% block b %}", "5", "{% endblock %}"
    )
    assert template_map.lines == {1, 3, 5}


def test_the_lines_of_bodies() -> None:
    template_map = mapped(
        "{% if a %}",
        "2",
        "{% else %}",
        "{% for x in y %}",
        "{{ x }}",
        "{% else %}",
        "7",
        "{% endfor %}",
        "{% endif %}{% with %}",
        "10",
        "{% endwith %}11",
    )
    suites = {suite.head.start: sorted(suite.lines) for suite in template_map.suites}
    assert suites == {1: [2], 3: [4, 5, 7], 4: [5], 6: [7], 9: [10]}


def test_an_else_tag_may_take_several_lines() -> None:
    template_map = mapped(
        "{% if a %}1",
        "{%- else",
        "-%}",
        "4",
        "{% endif %}{% for x in y %}{{ x }}{%",
        "else",
        "%}",
        "8",
        "{% endfor %}",
    )
    assert {suite.head: sorted(suite.lines) for suite in template_map.suites} == {
        range(1, 2): [],
        range(2, 4): [4],
        range(5, 6): [],
        range(5, 8): [8],
    }


def test_filters_and_tests_need_not_be_known() -> None:
    assert mapped("{{ a|mine }}{% if a is mine %}{% endif %}").lines == {1}


def test_delimiters() -> None:
    template_map = mapped("<% if a %>", "2", "<% endif %>", block_start_string="<%", block_end_string="%>")
    assert branches(template_map) == {1: [-1, 2]}


def test_line_statements() -> None:
    template_map = mapped("# for x in y", "{{ x }}", "# else", "4", "# endfor", line_statement_prefix="#")
    assert branches(template_map) == {1: [-1, 2, 4]}
    assert {suite.head.start for suite in template_map.suites} == {1, 3}


@pytest.mark.parametrize("break_", ["\r\n", "\r"])
def test_line_ends(break_: str) -> None:
    source = break_.join(["{% if a %}", "2", "{% endif %}", "4"])
    assert code_map(Environment(), source).lines == {1, 2, 4}


def test_errors() -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        code_map(Environment(), "\n{% if %}", "a.html", "/b/a.html")
    assert (caught.value.lineno, caught.value.filename) == (2, "/b/a.html")


def test_an_empty_template() -> None:
    template_map = mapped("")
    assert (template_map.lines, template_map.arcs, template_map.branches) == (frozenset(), frozenset(), {})


def test_deep_templates() -> None:
    assert mapped("{{ " + "(" * 150 + "1" + ")" * 150 + " }}").lines == {1}


def test_coverage_of_compiled_templates_needs_no_closures() -> None:
    program = (
        "import sys\n"
        "from tmplmon import Environment, code_map\n"
        "environment = Environment()\n"
        "code_map(environment, '{% if a %}{{ b }}{% endif %}')\n"
        "environment.from_string('{{ a }}').render()\n"
        "loaded = [name for name in sys.modules if name.startswith('tmplmon.backends.closures')]\n"
        "assert not loaded, loaded\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
