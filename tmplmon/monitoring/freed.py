"""Local events that a tool left on a code object when its id was freed.

Since CPython 3.14, ``free_tool_id`` makes a tool's local events invalid. The VM removes them from a code object
when it next instruments that code, and it never instruments a code-like. `get_local_events` would therefore go on
to return them, and the next tool with that id would get events that it has not asked for.

The VM stores the version of a tool in the interpreter, and with the local events on each code object; events with
another version are invalid. Neither can be read from Python, so the version on a code object is read from memory.
Its place is found by watching which words change: first a code object's pointer to its monitoring data, which
``set_local_events`` allocates, then the version there, which changes after the id was freed. If either is not
exactly one word, all local events count as valid.

Source: ``tool_versions`` in CPython's ``Include/cpython/code.h`` and ``Python/instrumentation.c``.
"""

from __future__ import annotations

import ctypes
import sys
from types import CodeType

from tmplmon.monitoring.hidden import hide_all

__all__ = ["remove_freed"]

_WORD = ctypes.sizeof(ctypes.c_void_p)
_CODE_WORDS = CodeType.__basicsize__ // _WORD
_DATA_WORDS = 14  # no more than there are in the monitoring data of any version

set_local_events = sys.monitoring.set_local_events

# A code object that never runs. Setting no events in it stores the version of a tool there, and changes nothing
# else.
_sample = compile("0", "<sample>", "eval")
# (word of the pointer in a code object, word of the version of tool 0 in the data); () if they cannot be found.
_layout: tuple[int, ...] | None = None


def remove_freed(tool: int, code: CodeType) -> bool:
    """Remove the local events of ``tool`` from ``code`` if they are of a previous tool with that id.

    Returns whether they were. The tool has to be in use; if it is freed in the meantime, nothing happens.
    """
    if sys.version_info < (3, 14) or not (_layout or _find_layout()):
        return False
    try:
        set_local_events(tool, _sample, 0)
        if _version(tool, code) == _version(tool, _sample):
            return False
        set_local_events(tool, code, 0)
    except ValueError:
        return False
    return True


def _version(tool: int, code: CodeType) -> int | None:
    assert _layout
    pointer, versions = _layout
    data = _words(id(code), _CODE_WORDS)[pointer]
    return _words(data, _DATA_WORDS)[versions + tool] if data else None


def _words(address: int, count: int) -> list[int]:
    return [ctypes.c_size_t.from_address(address + _WORD * number).value for number in range(count)]


def _find_layout() -> tuple[int, ...]:
    """Set `_layout`, with a tool that is registered temporarily; if all ids are in use, another call has to."""
    global _layout
    monitoring = sys.monitoring
    if _layout is None:
        for tool in (5, 4, 3, 2, 1, 0):
            try:
                monitoring.use_tool_id(tool, __name__)
            except ValueError:
                continue
            try:
                before = _words(id(_sample), _CODE_WORDS)
                set_local_events(tool, _sample, 0)
                pointers = _changed(before, after := _words(id(_sample), _CODE_WORDS))
                _layout = ()
                if len(pointers) == 1 and before[pointers[0]] == 0:
                    data = _words(after[pointers[0]], _DATA_WORDS)
                    monitoring.free_tool_id(tool)
                    monitoring.use_tool_id(tool, __name__)
                    set_local_events(tool, _sample, 0)
                    versions = _changed(data, _words(after[pointers[0]], _DATA_WORDS))
                    if len(versions) == 1 and versions[0] >= tool:
                        _layout = pointers[0], versions[0] - tool
            finally:
                monitoring.free_tool_id(tool)
            break
    return _layout or ()


def _changed(before: list[int], after: list[int]) -> list[int]:
    return [number for number, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]


hide_all(globals())
