"""Observed Jinja2 renders the corpus: the output is unchanged, and the lines are those of tmplmon's engine."""

from pathlib import Path

import pytest
from cases import casefile
from cases.engines import JINJA2, TMPLMON, Outcome, run, without_addresses
from effort import every

from tmplmon import observe

FOLDER = Path(__file__).parents[1] / "cases"
PATHS = {path.relative_to(FOLDER).as_posix(): path for path in sorted(FOLDER.rglob("*.txt"))}

# Cases whose errors or texts differ, and why.
DIFFERENT = {
    "errors/attributes_on_several_lines.txt": "the line is that of the expression; Jinja2 reports its last",
    "errors/in_tag_of_several_lines.txt": "the line is that of the expression; Jinja2 reports the tag's",
    "errors/in_with.txt": "the line is right; Jinja2 reports that of the statement before",
    "scoping/namespace_wrong_object.txt": "the line is right; Jinja2 reports that of the statement before",
    "include/without_context_in_macro.txt": "prints a generator with the name of its function",
}
# Cases whose LINE events differ from those of tmplmon's engine, and why.
FILTERED = "the condition of a loop is a function in Jinja2's code; it has an event of its own"
DEFAULTS = "the default of a parameter fires no second event for a line that fires anyway"
BLOCKS = "Jinja2's code calls a block, an include or an extended template without another event"
OTHER_EVENTS = {
    "asynchronous/loop_filter.txt": FILTERED,
    "events/statement_over_lines.txt": "also fires for the further lines of a statement",
    "events/volatile_autoescape_after_lines.txt": "Jinja2 computes constants, so their further lines do not run",
    "for/else_variable_scope.txt": FILTERED,
    "for/else_when_all_filtered.txt": FILTERED,
    "for/filter.txt": FILTERED,
    "for/filter_sees_outer_variables.txt": FILTERED,
    "for/filter_with_the_outer_loop.txt": FILTERED,
    "for/filter_with_unpacking.txt": FILTERED,
    "for/loop_variable_of_filtered_loop_with_break.txt": FILTERED,
    "for/filtered_loop_variable_in_call_block.txt": FILTERED,
    "inheritance/conditional_extends.txt": BLOCKS,
    "inheritance/extends_choice.txt": BLOCKS,
    "macros/default_with_constant_condition.txt": DEFAULTS,
    "macros/defaults_read_parameters.txt": DEFAULTS,
    "macros/keyword_defaults_of_every_kind.txt": DEFAULTS,
    "scoping/default_sees_earlier_argument.txt": DEFAULTS,
}


@pytest.mark.usefixtures("observed")
@pytest.mark.parametrize("name", sorted({*every(6, PATHS), *DIFFERENT, *OTHER_EVENTS}))
def test_output_and_lines(name: str) -> None:
    case = casefile.read(PATHS[name])
    outcome = run(JINJA2, case, events=True)
    observe.uninstall()
    expected = run(JINJA2, case)
    observe.install()
    assert (parts(outcome) != parts(expected)) == (name in DIFFERENT)
    own = run(TMPLMON, case, events=True)
    if own.output is not None and own.output == outcome.output:
        assert (own.events != outcome.events) == (name in OTHER_EVENTS)


@pytest.mark.usefixtures("observed")
@pytest.mark.parametrize("name", every(12, PATHS))
def test_output_in_an_asynchronous_environment(name: str) -> None:
    case = casefile.read(PATHS[name])
    outcome = run(JINJA2, case, enable_async=True)
    observe.uninstall()
    expected = run(JINJA2, case, enable_async=True)
    observe.install()
    assert (parts(outcome) != parts(expected)) <= (name in DIFFERENT)


def parts(outcome: Outcome) -> tuple[str | None, ...]:
    return (
        *(
            None if text is None else without_addresses(text)
            for text in (outcome.output, outcome.error, outcome.message)
        ),
    )
