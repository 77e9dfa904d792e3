"""The frame of one run of a scope: a flat list that closures are called with.

The first places have the same meaning in every frame. The scope's slots follow, in an order that never changes,
then places that one tree uses for itself. A list is used because no other Python object is indexed faster.

    CONTEXT   the render context
    OUTPUT    the list that output is appended to
    OUTER     the frame that a macro was made in
    PARENT    the template that was extended
    ORIGINAL  the frame that this is a copy of; COPIED in a frame that has copies; else None
    RAISED    the exception that RAISE was last fired for
    SIGNAL    the activation that events go to; None in a quiet run
    DATA      its states: which events tools listen to
    STATE     the offset in DATA of the first state of this file
    FIRST     the number of the first site of this file
    LINE      the line that was reached last; 0 for none
    FILE      the file of the scope that this frame runs
    METER     the budget; None in a tree that is not metered

A closure in which an error can come up has the IR site of its op in a variable `site` of the function around it,
and declares it: ``nonlocal site``. The declaration costs nothing at run time. When an exception leaves the scope,
`tracebacks.error_site` reads the variable from the frames of the traceback.
"""

from typing import Any

type Frame = list[Any]

CONTEXT, OUTPUT, OUTER, PARENT, ORIGINAL, RAISED, SIGNAL, DATA, STATE, FIRST, LINE, FILE, METER = range(13)
FIRST_SLOT = 13
"""The place of the first slot."""
COPIED = "copied"


def copy_of(f: Frame) -> Frame:
    """A copy of a frame, for code that runs interleaved with the frame's own and reaches lines by itself."""
    original = original_of(f)
    g = f.copy()
    g[LINE] = 0
    g[ORIGINAL] = original
    original[ORIGINAL] = COPIED
    return g


def original_of(f: Frame) -> Frame:
    """The frame that its scope was entered with, of that frame or a copy of it."""
    original = f[ORIGINAL]
    return f if original is None or original is COPIED else original


def forget_line(f: Frame) -> None:
    """Make the line that comes next count as reached, even if it is the one reached last."""
    f[LINE] = 0
