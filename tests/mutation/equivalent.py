"""Mutants that no test can catch, each with its reason. They do not count."""

from collections.abc import Iterator

# (module, function, operator, before, after, reason); of texts with several lines, the first.
EQUIVALENT: tuple[tuple[str, str, str, str, str, str], ...] = (
    (
        "tmplmon/monitoring/skeleton.py",
        "_extended_args",
        "change_comparison",
        "argument > 255",
        "argument >= 255",
        "for 255 the other branch gives 0 as well",
    ),
    (
        "tmplmon/sandbox/filters.py",
        "_Checks.tojson",
        "force_condition",
        "if indent is not None:",
        "if True:",
        "for None the length is multiplied by 1",
    ),
    (
        "tmplmon/sandbox/filters.py",
        "_Checks.urlize",
        "swap_elements",
        "(target, rel)",
        "(rel, target)",
        "the lengths are added up",
    ),
    (
        "tmplmon/sandbox/formatting.py",
        "SandboxedFormatter.format_field",
        "change_constant",
        "18",
        "19",
        "a width of 18 or 19 digits is too large either way",
    ),
    (
        "tmplmon/sandbox/formatting.py",
        "SandboxedFormatter.format_field",
        "change_constant",
        "18",
        "17",
        "a width of 18 digits is too large either way",
    ),
    (
        "tmplmon/sandbox/calls.py",
        "Calls.call",
        "change_boolean",
        "kind is FunctionType and (not obj.__dict__) or kind is Macro",
        "kind is Macro",
        "the way for other callables does the same, in more time",
    ),
    (
        "tmplmon/monitoring/linetable.py",
        "without_resume_line",
        "change_jump",
        "break",
        "continue",
        "the entries up to a later one are encoded as they were",
    ),
    (
        "tmplmon/monitoring/sites.py",
        "",
        "swap_elements",
        "(ev.BRANCH_LEFT, ev.BRANCH_RIGHT)",
        "(ev.BRANCH_RIGHT, ev.BRANCH_LEFT)",
        "not reached on Python 3.13, where both are one event",
    ),
    (
        "tmplmon/syntax/lexer.py",
        "Scanner._unbalanced",
        "change_jump",
        "break",
        "continue",
        "a delimiter that contains the bracket is found once only",
    ),
    (
        "tmplmon/syntax/lexer.py",
        "Scanner.template",
        "change_comparison",
        "position < start",
        "position <= start",
        "`_text` appends no empty text",
    ),
    (
        "tmplmon/syntax/parser.py",
        "parse",
        "change_comparison",
        "longest > MAX_NESTING",
        "longest >= MAX_NESTING",
        "a tag of so many tokens is not nested too deeply",
    ),
    (
        "tmplmon/syntax/parser.py",
        "parse_expression",
        "change_comparison",
        "longest > MAX_NESTING",
        "longest >= MAX_NESTING",
        "an expression of so many tokens is not nested too deeply",
    ),
    (
        "tmplmon/syntax/tags.py",
        "",
        "swap_elements",
        "(*opener.middle, opener.end)",
        "(opener.end, *opener.middle)",
        "the order of the keys does not matter",
    ),
    (
        "tmplmon/runtime/filters/text.py",
        "do_replace",
        "change_constant",
        "1",
        "2",
        "any negative count replaces all",
    ),
    (
        "tmplmon/runtime/filters/sequence.py",
        "do_batch",
        "change_comparison",
        "len(batch) < linecount",
        "len(batch) <= linecount",
        "nothing is appended to a full list",
    ),
)


def left_out() -> Iterator[tuple[str, ...]]:
    return (entry[:5] for entry in EQUIVALENT)
