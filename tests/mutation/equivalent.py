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
)


def left_out() -> Iterator[tuple[str, ...]]:
    return (entry[:5] for entry in EQUIVALENT)
