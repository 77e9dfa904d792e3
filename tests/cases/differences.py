"""The intended differences from Jinja2, in one table that all suites use."""

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One intended difference.

    reason: the entry in docs/compatibility.md.
    accepts: recognizes the difference in a generated template, from Jinja2's error, tmplmon's error and the source
        line that tmplmon's error names. Errors are given as "Type at template:line", or None.
    """

    reason: str
    accepts: Callable[[str | None, str | None, str], bool] = lambda oracle, ours, line: False


def kind(error: str | None) -> str | None:
    return error and error.partition(" at ")[0]


DIFFERENCES: dict[str, Difference] = {
    "python-syntax-error": Difference(
        "For some templates Jinja2 generates Python code that does not compile, and raises Python's"
        " SyntaxError. tmplmon raises a TemplateSyntaxError with the template's name and line.",
        lambda oracle, ours, line: (
            kind(oracle) == "SyntaxError" and kind(ours) in ("TemplateSyntaxError", "TemplateAssertionError")
        ),
    ),
    "opened-at-the-end": Difference(
        "A comment or raw block that begins at the very end of a template and is not closed is ignored by Jinja2."
        " tmplmon says that it is not closed.",
    ),
    "line-of-with": Difference(
        "For an error in the values of a with tag, Jinja2 reports the line of the statement before the tag."
        " tmplmon reports the line of the tag.",
        lambda oracle, ours, line: (
            kind(oracle) == kind(ours) and re.search(r"[^\w\s]\s*with\s", line) is not None
        ),
    ),
    "line-of-an-expression": Difference(
        "For an error in a tag that spans several lines, Jinja2 reports the line of the tag or of one of its"
        " filters. tmplmon reports the line at which the failing expression begins.",
    ),
    "first-unknown-filter": Difference(
        "Of several unknown filters and tests in a template, the engines may report different ones. Jinja2 compiles"
        " the last filter of an expression first, and blocks last.",
    ),
    "internal-name-of-trans": Difference(
        "For a trans block whose count is a call, Jinja2's meta.find_undeclared_variables reports an internal"
        " variable, _trans. tmplmon does not.",
    ),
    "names-in-the-filter-of-a-block-set": Difference(
        "A name in the filter of a block set is an internal AssertionError in Jinja2. In tmplmon it is a name of"
        " the frame around the tag, as in the value of a set.",
    ),
    "include-without-context-inside-a-buffer": Difference(
        "Inside a macro, a call block, a block set, a filter block or a recursive loop, an include without"
        " context does not work in Jinja2: its text is lost, or the output contains the representation of a"
        " generator. In tmplmon it works there as everywhere else.",
    ),
    "call-block-of-any-value": Difference(
        "The function that a call block calls may return any value, which is output as text. In Jinja2, a value"
        " that is not a string makes the rendering fail when the output is joined.",
        lambda oracle, ours, line: oracle == "TypeError" and ours is None,
    ),
    "name-of-the-callee": Difference(
        "A call with wrong arguments raises Python's TypeError, whose message names the function that"
        " Python called. In Jinja2 that is often an internal function.",
    ),
    "wording": Difference(
        "Errors that filters and global functions raise have messages in tmplmon's own words.",
    ),
    "none-is-a-default": Difference(
        "In the filters groupby and map, default=none gives none to items without the attribute. Jinja2 takes it"
        " for no default, and gives an undefined value.",
        lambda oracle, ours, line: "default=none" in line,
    ),
    "slice-of-a-literal": Difference(
        "A slice of a literal that does not support slicing is undefined in Jinja2, which evaluates it at"
        " compile time. tmplmon raises the TypeError that a variable would raise.",
        lambda oracle, ours, line: (
            oracle is None and kind(ours) in ("TypeError", "KeyError") and ":" in line and "[" in line
        ),
    ),
    "names-in-any-iterable": Difference(
        "An include may select from the names in any iterable. In Jinja2, if none of the names exists and"
        " the iterable is not a list, an internal error is raised.",
        lambda oracle, ours, line: (
            kind(oracle) in ("KeyError", "TypeError", "IndexError")
            and (kind(ours) == "TemplatesNotFound" or (ours is None and "ignore missing" in line))
        ),
    ),
    "value-that-is-not-a-name": Difference(
        "A value that cannot be a name, such as a number, raises TemplateNotFound in `extends` and `import`. Jinja2"
        " raises a TypeError or an AttributeError.",
        lambda oracle, ours, line: (
            kind(oracle) in ("TypeError", "AttributeError", "TemplatesNotFound")
            and kind(ours) == "TemplateNotFound"
            and re.search(r"\b(import|extends|from)\b", line) is not None
        ),
    ),
    "autoescape-of-undefined": Difference(
        "{% autoescape variable %} evaluates the truth of the variable at the tag, which raises an error"
        " for a strict undefined value. Jinja2 evaluates it at each output.",
        lambda oracle, ours, line: kind(ours) == "UndefinedError" and "autoescape" in line,
    ),
    "where-recursion-ends": Difference(
        "Endless recursion raises RecursionError in both engines. The line at which it is raised depends on"
        " the number of Python frames per call, and differs.",
        lambda oracle, ours, line: kind(oracle) == kind(ours) == "RecursionError",
    ),
    "indent-of-a-list": Difference(
        "The filter indent raises a TypeError with a clear message for a value that is not a string. Jinja2"
        " raises an AttributeError.",
        lambda oracle, ours, line: (
            kind(oracle) == "AttributeError" and kind(ours) == "TypeError" and "indent" in line
        ),
    ),
    "line-of-namespace-set": Difference(
        "For an error in setting an attribute of an object that is not a namespace, Jinja2 reports the line"
        " of the statement before the tag. tmplmon reports the line of the tag.",
        lambda oracle, ours, line: (
            kind(oracle) == kind(ours) and re.search(r"[^\w\s]\s*set\s+\w+\.", line) is not None
        ),
    ),
    "constant-markup-joined": Difference(
        "Jinja2 evaluates literals joined with ~ at compile time and escapes a literal even if it is marked"
        " safe. tmplmon treats literals like variables.",
    ),
    "autoescape-decided-at-run-time": Difference(
        "Inside {% autoescape variable %}, Jinja2 escapes literals as outside of it, escapes safe values that were"
        " joined with ~, and applies finalize to text. tmplmon does as inside {% autoescape true %} or false.",
    ),
    "representation-of-a-loop": Difference(
        "In a native environment, Jinja2 converts a loop object that is output among other values to text when the"
        " loop is at the next item. tmplmon converts all values of a template at its end.",
    ),
    "self-in-an-assignment-to-several-names": Difference(
        "`self` has no items: {% set a, b = self %} is a TypeError. In Jinja2 it is a KeyError, because there the"
        " number 0 is looked up among the blocks.",
        lambda oracle, ours, line: (
            kind(oracle) == "KeyError" and kind(ours) == "TypeError" and "self" in line
        ),
    ),
    "call-in-a-trans-tag-after-extends": Difference(
        "After an extends tag, nothing of a trans block is evaluated. In Jinja2, a variable of the block that is a"
        " call is, although the text is not output.",
    ),
    "truth-of-an-asynchronous-loop": Difference(
        "In an asynchronous environment, the object `loop` is true in tests such as {% if loop %}. In Jinja2 that"
        " is a TypeError.",
        lambda oracle, ours, line: (
            kind(oracle) == "TypeError"
            and ours is None
            and re.search(r"\b(not|if|and|or) loop\b(?!\.)|\bloop (and|or|if)\b", line) is not None
        ),
    ),
    "finalize-of-constants": Difference(
        "With autoescape, Jinja2 escapes an expression of constants before it passes it to finalize, so that"
        " finalize gets a text. In tmplmon it gets the value, as from a variable.",
    ),
    "percent-sign-without-placeholder": Difference(
        "In a trans block that defines variables but outputs none of them, a percent sign makes Jinja2 fail"
        " with the old-style gettext functions. tmplmon outputs the message as it is.",
    ),
    "native-values-with-autoescape": Difference(
        "Where autoescape is on in a native environment, a macro, a call block, a block set or a filter block that"
        " outputs a single value has that value. In Jinja2 it has the value's text, marked safe.",
    ),
    "arguments-in-the-sandbox": Difference(
        "In the sandbox, filters check the types of their values and arguments before they use them, and raise a"
        " FilterArgumentError where Jinja2 raises a TypeError or an AttributeError.",
    ),
    "newlines-of-messages": Difference(
        "A message of a trans block has line feeds. In Jinja2 it has the environment's newline_sequence, so that"
        " catalogs made on another system do not have it.",
    ),
}
