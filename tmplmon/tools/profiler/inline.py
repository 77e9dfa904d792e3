"""What a thread does for a line (`thread.followed`), as instructions of the template's own code.

Rule: a probe and a callback do the same to the same cells, so it makes no difference to the profile which of them a
line has. Probes are for functions that run more than once, and for one recorder at a time; the rest has callbacks:
generators and coroutines, macros that were made before, and what runs as closures.

Making a copy with probes takes about a millisecond for a page; it is kept as long as the code is.
"""

import weakref
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

from tmplmon.monitoring.direct import TICK, Account, Cell, unread
from tmplmon.monitoring.probes import Probe, can_have_probes, with_probes

type Begin = Callable[[tuple[int, ...]], tuple[Any, ...]]

# What the one recorder that has the probes wants to be called: `begin` when a scope has begun, with the numbers of
# its lines, and `made` with a function that was made of code with probes, and its own code.
_begin: Begin | None = None
_made: Callable[[FunctionType, CodeType], None] | None = None

# By ids: comparing code objects compares all their constants, and hashing them takes microseconds.
_copies: dict[int, tuple["weakref.ref[CodeType]", CodeType]] = {}  # code → itself, and its copy
_originals: dict[int, "weakref.ref[CodeType]"] = {}  # copy → code


def take(begin: Begin, made: Callable[[FunctionType, CodeType], None]) -> bool:
    """Have the probes; False if a recorder has them already."""
    global _begin, _made
    if _begin is not None:
        return False
    _begin, _made = begin, made
    return True


def give_back() -> None:
    """End what `take` began."""
    global _begin, _made
    _begin = _made = None


def copy_of(code: CodeType) -> CodeType | None:
    """The copy of a code object that has probes, if there is one already."""
    found = _copies.get(id(code))
    return None if found is None else found[1]


def original_of(code: CodeType) -> CodeType | None:
    """What a code object is the copy of; None if it is no copy, or that is gone."""
    found = _originals.get(id(code))
    return None if found is None else found()


def made_copy_of(code: CodeType) -> CodeType | None:
    """The copy of a code object that has probes, made if there is none. None if it cannot have any."""
    if not can_have_probes(code):
        return None
    found = copy_of(code)
    if found is None:
        nested = {
            id(const): made_copy_of(const)
            for const in code.co_consts
            if isinstance(const, CodeType) and const.co_name != "<lambda>" and can_have_probes(const)
        }
        found = with_probes(
            code,
            _PROBE,
            begin=_joined,
            made=_noted,
            nested=nested,  # type: ignore[arg-type]
        )
        key = id(code)

        def forget(_: object, key: int = key, copy: int = id(found)) -> None:
            _copies.pop(key, None)
            _originals.pop(copy, None)

        reference = weakref.ref(code, forget)
        _copies[key] = reference, found
        _originals[id(found)] = reference
    return found


def lines_of(code: CodeType) -> int:
    """How long a list has to be that is used by the numbers of a code object's lines."""
    return max((line for _, _, line in code.co_lines() if line), default=0) + 1


def _joined(lines: tuple[int, ...]) -> tuple[Any, ...]:
    """What a scope's probes work on."""
    begin = _begin
    return nobodys(lines) if begin is None else begin(lines)


def nobodys(lines: tuple[int, ...]) -> tuple[Any, ...]:
    """Something to work on for a scope that is not recorded."""
    account, cells = unread(lines)
    return account, *(cells[number] for number in lines)


def _noted(function: FunctionType) -> None:
    """A function was made of code with probes. It has its own code again when recording ends."""
    original = original_of(function.__code__)
    made = _made
    if original is not None and made is not None:
        made(function, original)
    elif original is not None:
        function.__code__ = original


def _line(account: Account, cell: Cell) -> None:
    now = account.clock(TICK)
    account.cell.time += now - account.since
    account.since = now
    account.cell = cell
    cell.hits += 1.0


_PROBE = Probe(_line, own="cell")
