"""The bytecode of a code-like: the driver, followed by a block of instructions for each site.

Instructions and their inline caches differ between versions; ``dis`` describes them. Sizes and offsets are in code
units (2 bytes) unless stated otherwise.

A site is a NOP, a return, a jump, or a conditional jump. Python's conditional jumps go forward on the right
and fall through on the left. A branch with other destinations gets *stubs*: jumps after it without a
position, which tools follow. Distances over 255 need EXTENDED_ARG; `lay_out` widens jumps until all
distances fit.

Source: CPython's ``Lib/dis.py``, ``Python/instrumentation.c`` (branch events and the iterator of branches).
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Sequence
from opcode import opmap
from types import CodeType, FunctionType

from tmplmon.monitoring.linetable import NOWHERE, Position, encode_linetable

__all__ = ["DRIVER", "DRIVER_UNITS", "RESUME", "TAIL", "Block", "lay_out", "suspending_like"]

type Unit = tuple[int, int]
"""A code unit: opcode and argument."""

_EXTENDED_ARG = opmap["EXTENDED_ARG"]
_NOP = opmap["NOP"]
_RETURN_VALUE = opmap["RETURN_VALUE"]
_BRANCH = opmap["POP_JUMP_IF_FALSE"]
_FORWARD = opmap["JUMP_FORWARD"]
_BACKWARD = opmap["JUMP_BACKWARD"]
_NOT_TAKEN = opmap.get("NOT_TAKEN")  # 3.14: the instruction on the left of a branch, which fires BRANCH_LEFT


def _caches_of(name: str) -> int:
    """Return the number of inline cache units after an instruction."""
    entries: dict[str, dict[str, int]] = dis._cache_format  # type: ignore[attr-defined]
    return sum(entries.get(name, {}).values())


_BRANCH_CACHES = _caches_of("POP_JUMP_IF_FALSE")
_BACKWARD_CACHES = _caches_of("JUMP_BACKWARD")
_RESUME_CACHES = _caches_of("RESUME")
RESUME: list[tuple[int, int]] = [(opmap["RESUME"], 0), *[(0, 0)] * _RESUME_CACHES]
"""A RESUME with its inline cache."""
TAIL: list[tuple[int, int]] = [*RESUME, (_NOP, 0)]
"""The units after the skeleton: the RESUME that 3.14 and later require, and one more unit. The VM moves a
frame that ended before its first RESUME to that unit (``take_ownership`` in ``Python/frame.c``), so it needs
a position."""


class Block:
    """The instructions of one site, and jumps without a line to destinations that it cannot reach itself."""

    __slots__ = ("is_branch", "is_jump", "left", "position", "prefix", "returns", "right", "stubs")

    def __init__(
        self, kind: str, position: Position, left: int | None = None, right: int | None = None
    ) -> None:
        """``kind`` is "place", "branch", "jump" or "return". Destinations are numbers of blocks; None: the next."""
        self.position = position
        self.is_branch = kind == "branch"
        self.is_jump = kind == "jump"
        self.returns = kind == "return"
        self.left = left
        self.right = right
        self.prefix = 0  # EXTENDED_ARG units before a jump at the start of the block
        self.stubs = [0, 0]  # EXTENDED_ARG units before the stubs, for the left and the right side

    # Every size and offset below is in code units.

    def head(self) -> int:
        """The size of the instructions before the stubs."""
        if self.is_branch:
            return self.prefix + 1 + _BRANCH_CACHES + (_NOT_TAKEN is not None)
        if self.is_jump:
            return self.prefix + 1 + _BACKWARD_CACHES  # enough for either kind of jump
        return 1

    def targets(self, number: int) -> list[tuple[int, int]]:
        """Return (side, target) for the stubs of a branch: 0 is left, 1 is right.

        The left side continues with the next block; any other destination needs a stub. A conditional jump
        only goes forward; a right side that goes back needs a stub.
        """
        if not self.is_branch or self.right is None:
            return []
        following = number + 1
        left = following if self.left is None else self.left
        if self.right <= number:
            return [(0, left), (1, self.right)]  # the left stub jumps over the right one
        return [] if left == following else [(0, left)]

    def stub(self, number: int, side: int) -> int | None:
        """Return the offset in the block of the stub of a side; None if it has none."""
        offset = self.head()
        for stub_side, _target in self.targets(number):
            if stub_side == side:
                return offset
            offset += self.stubs[stub_side] + 1 + _BACKWARD_CACHES
        return None

    def size(self, number: int) -> int:
        """The size of the whole block."""
        stubs = (self.stubs[side] + 1 + _BACKWARD_CACHES for side, _target in self.targets(number))
        return self.head() + sum(stubs)

    def leads_left(self, number: int, offsets: Sequence[int]) -> int:
        """The offset at which execution continues; for a branch, on its left side."""
        if self.is_branch:
            return offsets[number] + (self.stub(number, 0) or self.head())
        return offsets[number + 1 if self.left is None else self.left]

    def leads_right(self, number: int, offsets: Sequence[int]) -> int:
        """The offset at which execution continues on the right side of a branch."""
        assert self.right is not None
        stub = self.stub(number, 1)
        return offsets[self.right] if stub is None else offsets[number] + stub

    def widen(self, number: int, offsets: Sequence[int]) -> bool:
        """Add the EXTENDED_ARG units that the distances need. Returns whether anything changed."""
        before = (self.prefix, *self.stubs)
        here, size = offsets[number], self.size(number)
        if self.is_branch:
            self.prefix = max(self.prefix, _extended_args(self.leads_right(number, offsets) - here))
            for side, target in self.targets(number):
                self.stubs[side] = max(self.stubs[side], _extended_args(abs(offsets[target] - here) + size))
        elif self.is_jump and self.left is not None:
            self.prefix = max(self.prefix, _extended_args(abs(offsets[self.left] - here) + size))
        return before != (self.prefix, *self.stubs)

    def emit(self, number: int, offsets: Sequence[int]) -> list[tuple[int, int]]:
        """Return the instructions, as (opcode, argument) units."""
        here = offsets[number]
        if self.is_jump:
            assert self.left is not None
            return _jump(here, offsets[self.left], self.prefix)
        if not self.is_branch:
            return [(_RETURN_VALUE if self.returns else _NOP, 0)]
        after = here + self.prefix + 1 + _BRANCH_CACHES
        units = _instruction(_BRANCH, self.leads_right(number, offsets) - after, self.prefix)
        units += [(0, 0)] * _BRANCH_CACHES
        if _NOT_TAKEN is not None:
            units.append((_NOT_TAKEN, 0))
        for side, target in self.targets(number):
            units += _jump(here + len(units), offsets[target], self.stubs[side])
        return units


def lay_out(blocks: Sequence[Block], start: int) -> list[int]:
    """Return the offset of each block and of the end. Terminates because jumps only grow."""
    while True:
        offsets = [start]
        for number, block in enumerate(blocks):
            offsets.append(offsets[-1] + block.size(number))
        widened = [block.widen(number, offsets) for number, block in enumerate(blocks)]
        if True not in widened:
            return offsets


def _extended_args(argument: int) -> int:
    """Return the number of EXTENDED_ARG units that an argument needs."""
    return (argument.bit_length() - 1) // 8 if argument > 255 else 0


def _instruction(opcode: int, argument: int, extended: int) -> list[tuple[int, int]]:
    """An instruction with exactly ``extended`` EXTENDED_ARG units."""
    units = [(_EXTENDED_ARG, argument >> 8 * n & 0xFF) for n in range(extended, 0, -1)]
    return [*units, (opcode, argument & 0xFF)]


def _jump(here: int, destination: int, extended: int) -> list[tuple[int, int]]:
    """A jump from ``here`` to ``destination``, of the same size in both directions."""
    after = here + extended + 1
    if destination > here:
        # Forward jumps have no cache. A NOP after the jump, which is never reached, takes its room.
        return [*_instruction(_FORWARD, destination - after, extended), *[(_NOP, 0)] * _BACKWARD_CACHES]
    argument = after + _BACKWARD_CACHES - destination
    return [*_instruction(_BACKWARD, argument, extended), *[(0, 0)] * _BACKWARD_CACHES]


# -- the driver ----------------------------------------------------------------------------------------------

_DRIVER_SOURCE = """
def driver():
    while True:
        yield
        try:
            _call.answer = _call.function(*_call.arguments)
        except:
            _call.failed()
"""


def _compile_driver() -> CodeType:
    """Compile the driver: a generator that runs, each time it is resumed, the function in the global ``_call``.

    It has no local variables, and its flags say that its locals are a mapping, as a module's are, so that
    ``f_locals`` is the scope's own mapping. It contains no conditional jump: ``co_branches`` only lists those
    of the skeleton.
    """
    namespace: dict[str, FunctionType] = {}
    exec(compile(_DRIVER_SOURCE, "<driver>", "exec"), namespace)
    code = namespace["driver"].__code__
    units = bytearray(code.co_code)
    for unit in range(0, len(units), 2):
        if units[unit] == opmap["RESUME"]:
            units[unit : unit + 2 * len(RESUME)] = bytes((_NOP, 0)) * len(RESUME)
    optimized, new_locals = 0x1, 0x2  # CO_OPTIMIZED, CO_NEWLOCALS
    return code.replace(
        co_code=bytes(units),
        co_flags=code.co_flags & ~(optimized | new_locals),
        co_linetable=encode_linetable([NOWHERE] * (len(units) // 2), code.co_firstlineno),
    )


DRIVER = _compile_driver()
DRIVER_UNITS = len(DRIVER.co_code) // 2


# -- a suspended frame ---------------------------------------------------------------------------------------


def _compile_suspending() -> CodeType:
    """Compile a generator whose suspended frame looks to tracers as in the events for a suspension and a
    resumption.

    Tracers distinguish a suspension from an end by whether a RESUME follows, and a resumption from a start by the
    argument of the instruction at ``f_lasti``, which is nonzero. ``f_lasti`` differs between versions: on
    3.13 it is at RESUME in both cases; later it is at YIELD_VALUE for a suspension and at RESUME for a
    resumption. The frame of a suspended generator is at the instruction after YIELD_VALUE; from 3.14 on an
    instruction that passes both tests is therefore inserted.
    """
    code = (lambda: (yield)).__code__  # pyright: ignore
    units = bytearray(code.co_code)
    resume = units.rindex(bytes([opmap["YIELD_VALUE"]])) + 2
    resume_unit = units[resume : resume + 2]
    if sys.version_info >= (3, 14):
        # The overwritten units are never reached.
        units[resume : resume + 2 + 2 * len(RESUME)] = bytes([_NOP, 1, *resume_unit]) + bytes(
            2 * _RESUME_CACHES
        )
    return code.replace(co_code=bytes(units))


_SUSPENDING = _compile_suspending()


def suspending_like(code: CodeType) -> CodeType:
    """Return the code of a generator that is suspended at once, with the name, file and first line of ``code``."""
    return _SUSPENDING.replace(
        co_filename=code.co_filename,
        co_name=code.co_name,
        co_qualname=code.co_qualname,
        co_firstlineno=code.co_firstlineno,
    )
