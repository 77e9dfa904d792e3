"""The frame of one run of a scope: a flat list, which closures are called with.

Rule: the first places have the same meaning in every frame; then come the scope's slots, in an order that never
changes, then what one tree keeps for itself. A list is indexed faster than anything else that Python has.

    CONTEXT   the render context                  SIGNAL  the activation that events go to; None in a quiet run
    OUTPUT    the list that output is appended to  DATA    its bytes: who listens to what
    OUTER     the frame a macro was made in       STATE   where the states of this file begin in them
    PARENT    the template that was extended      FIRST   the number of this file's first site
    ERROR     the exception that is passing       LINE    the line that was reached last; 0: none
    SITE      where it came up                    PART    the inclusion this is, in a scope that spans files
    METER     the budget that is spent from; None in a tree that is not metered

In a tree that keeps an account of its lines, DATA is the account, and STATE its cells by line.
"""

from typing import Any

type Frame = list[Any]

CONTEXT, OUTPUT, OUTER, PARENT, ERROR, SITE, SIGNAL, DATA, STATE, FIRST, LINE, PART, METER = range(13)
HEAD = 13
"""Where the slots begin."""


def fail(f: Frame, error: BaseException, site: int) -> None:
    """Note that an exception came up at a site. The innermost op is told first, and only that counts."""
    if f[ERROR] is not error:
        f[ERROR] = error
        f[SITE] = site
        if f[SIGNAL] is not None:
            f[PART].raised(f, error, site)


def hand_on(f: Frame, inner: Frame, error: BaseException) -> None:
    """An exception passes from a copy of a frame to the frame."""
    if inner[ERROR] is error and f[ERROR] is not error:
        f[ERROR] = error
        f[SITE] = inner[SITE]
