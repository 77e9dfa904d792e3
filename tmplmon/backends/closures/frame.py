"""The frame of one run of a scope: a flat list that closures are called with.

The first places have the same meaning in every frame. The scope's slots follow, in an order that never changes,
then places that one tree uses for itself. A list is used because no other Python object is indexed faster.

    CONTEXT   the render context                   SIGNAL  the activation that events go to; None in a quiet run
    OUTPUT    the list that output is appended to   DATA    its states: which events tools listen to
    OUTER     the frame that a macro was made in    STATE   offset in DATA of the first state of this file
    PARENT    the template that was extended        FIRST   number of the first site of this file
    ORIGINAL  the frame that this is a copy of      LINE    the line that was reached last; 0: none
    RAISED    the exception that RAISE has fired    PART    the file of the scope that this frame runs
              for                                   METER   the budget; None in a tree that is not metered

A closure in which an error can come up has the IR site of its op in a variable `site` of the function around it,
and declares it: ``nonlocal site``. The declaration costs nothing at run time. When an exception leaves the scope,
`tracebacks.error_site` reads the variable from the frames of the traceback.
"""

from typing import Any

type Frame = list[Any]

CONTEXT, OUTPUT, OUTER, PARENT, ORIGINAL, RAISED, SIGNAL, DATA, STATE, FIRST, LINE, PART, METER = range(13)
HEAD = 13
"""The place of the first slot."""


def copy_of(f: Frame) -> Frame:
    """A copy of a frame, for code that runs interleaved with the frame's own and reaches lines by itself."""
    g = f.copy()
    g[LINE] = 0
    g[ORIGINAL] = original_of(f)
    return g


def original_of(f: Frame) -> Frame:
    """The frame that its scope was entered with, of that frame or a copy of it."""
    original: Frame = f if f[ORIGINAL] is None else f[ORIGINAL]
    return original


def forget_line(f: Frame) -> None:
    """Make the line that comes next count as reached, even if it is the one reached last."""
    f[LINE] = 0
