"""Where tmplmon means to differ from Jinja2: the one table, which all suites consult."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """Why it differs, and how the differential suite knows it: from (Jinja2's error, tmplmon's, source line).

    The errors are written "Type at template:line" (or None), the line is the one tmplmon's error names.
    """

    reason: str
    accepts: Callable[[str | None, str | None, str], bool] = lambda oracle, ours, line: False


def kind(error: str | None) -> str | None:
    return error and error.partition(" at ")[0]


DIFFERENCES: dict[str, Difference] = {
    "python-syntax-error": Difference(
        "For some templates Jinja2 generates Python that does not compile, and Python's own SyntaxError comes"
        " out. tmplmon raises a TemplateSyntaxError that names the template and the line.",
        lambda oracle, ours, line: (
            kind(oracle) == "SyntaxError" and kind(ours) in ("TemplateSyntaxError", "TemplateAssertionError")
        ),
    ),
    "line-of-with": Difference(
        "Jinja2 gives an error in the values of a with tag the line of whatever stands before the tag."
        " tmplmon gives it the tag's.",
        lambda oracle, ours, line: kind(oracle) == kind(ours) and "with" in line,
    ),
    "include-without-context-inside-a-buffer": Difference(
        "Inside a macro, a call block, a block set, a filter block or a recursive loop, an include without"
        " context breaks in Jinja2: the text is lost, or a generator object stands for it. tmplmon includes"
        " the template there as it does everywhere.",
    ),
    "name-of-the-callee": Difference(
        "A TypeError of a call with wrong arguments is Python's, and names the function that Python called:"
        " with Jinja2 often one of its own.",
    ),
    "wording": Difference(
        "The message of an error that a filter or a global function raises is in tmplmon's own words.",
    ),
    "slice-of-a-literal": Difference(
        "A slice of a literal that cannot be sliced is undefined in Jinja2, which takes it while compiling. In"
        " tmplmon it is the TypeError that it is for a variable.",
        lambda oracle, ours, line: (
            oracle is None and kind(ours) in ("TypeError", "KeyError") and ":" in line and "[" in line
        ),
    ),
    "names-in-any-iterable": Difference(
        "The names an include selects from may come from anything that can be iterated over. Jinja2 fails on what"
        " is no list when none of them exists, with an error of its own code.",
        lambda oracle, ours, line: (
            kind(oracle) in ("KeyError", "TypeError", "IndexError")
            and (kind(ours) == "TemplatesNotFound" or (ours is None and "ignore missing" in line))
        ),
    ),
    "autoescape-of-undefined": Difference(
        "{% autoescape variable %} asks the variable whether it is true where the tag stands, which a strict"
        " undefined value refuses. Jinja2 asks it at each output.",
        lambda oracle, ours, line: kind(ours) == "UndefinedError" and "autoescape" in line,
    ),
    "where-recursion-ends": Difference(
        "An endless recursion is a RecursionError in both; which line it is at when Python has had enough depends"
        " on how many of its frames a call takes.",
        lambda oracle, ours, line: kind(oracle) == kind(ours) == "RecursionError",
    ),
    "indent-of-a-list": Difference(
        "The filter indent refuses what is no text with a TypeError that says so; Jinja2's is an AttributeError.",
        lambda oracle, ours, line: (
            kind(oracle) == "AttributeError" and kind(ours) == "TypeError" and "indent" in line
        ),
    ),
    "line-of-namespace-set": Difference(
        "Jinja2 gives the error of setting an attribute of what is no namespace the line of whatever stands"
        " before the tag. tmplmon gives it the tag's.",
        lambda oracle, ours, line: kind(oracle) == kind(ours) and "set" in line,
    ),
    "constant-markup-joined": Difference(
        "Jinja2 joins literals with ~ while compiling, and forgets that one is marked safe: it is escaped. tmplmon"
        " joins literals as it joins variables.",
    ),
    "autoescape-decided-at-run-time": Difference(
        "In {% autoescape variable %}, Jinja2 does not escape literals, and escapes safe values that ~ joined."
        " tmplmon escapes there as in {% autoescape true %}.",
    ),
}
