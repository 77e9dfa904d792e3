"""The bytecode of a code-like: a block of instructions per site, laid out, behind the driver.

Instructions and their inline caches differ between versions; ``dis`` knows them. Sizes and offsets are in code
units (2 bytes) unless stated otherwise.

A site is a NOP, a return, a jump, or a conditional jump. Python's conditional jumps go forward on their right
and fall through on their left, so a branch that leads elsewhere gets *stubs*: jumps behind it without a
position, which tools follow. Distances over 255 need EXTENDED_ARG; :func:`lay_out` widens until everything
fits.

Source: CPython's ``Lib/dis.py``, ``Python/instrumentation.c`` (branch events and the iterator of branches).
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Sequence
from opcode import opmap
from types import CodeType, FunctionType

from tmplmon.monitoring.linetable import NOWHERE, Position, encode_linetable

__all__ = ["DRIVER", "DRIVER_UNITS", "RESUME", "TAIL", "Block", "lay_out", "pausing_like"]

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
    """The number of inline cache units after an instruction."""
    entries: dict[str, dict[str, int]] = dis._cache_format  # type: ignore[attr-defined]
    return sum(entries.get(name, {}).values())


_BRANCH_CACHES = _caches_of("POP_JUMP_IF_FALSE")
_BACKWARD_CACHES = _caches_of("JUMP_BACKWARD")
_RESUME_CACHES = _caches_of("RESUME")
RESUME: list[tuple[int, int]] = [(opmap["RESUME"], 0), *[(0, 0)] * _RESUME_CACHES]
"""A RESUME with its cache."""
TAIL: list[tuple[int, int]] = [*RESUME, (_NOP, 0)]
"""What is behind the skeleton: the RESUME that 3.14 and later insist on, and the unit after it. There the VM puts a
frame that has ended before its first RESUME (``take_ownership`` in ``Python/frame.c``), and who looks for the
position of its ``f_lasti`` has to find one."""


class Block:
    """The instructions of one site: itself, and jumps without a line for what it does not lead to by
    itself."""

    __slots__ = ("is_branch", "is_jump", "left", "position", "prefix", "returns", "right", "stubs")

    def __init__(
        self, kind: str, position: Position, left: int | None = None, right: int | None = None
    ) -> None:
        """``kind`` is "place", "branch", "jump" or "return"; destinations are numbers of blocks, None: the
        next."""
        self.position = position
        self.is_branch = kind == "branch"
        self.is_jump = kind == "jump"
        self.returns = kind == "return"
        self.left = left
        self.right = right
        self.prefix = 0  # EXTENDED_ARG units before a jump at the head of the block
        self.stubs = [0, 0]  # EXTENDED_ARG units before the jumps behind it, to the left and to the right

    # Every size and offset below is in code units.

    def head(self) -> int:
        """The size of what stands before the stubs."""
        if self.is_branch:
            return self.prefix + 1 + _BRANCH_CACHES + (_NOT_TAKEN is not None)
        if self.is_jump:
            return self.prefix + 1 + _BACKWARD_CACHES  # room for either kind of jump
        return 1

    def targets(self, number: int) -> list[tuple[int, int]]:
        """Return (side, target) for the stubs of a branch: 0 is left, 1 is right.

        Left is what follows by itself, so it needs a stub unless that is the next block; a conditional jump
        only goes forward, so its right needs one to go back.
        """
        if not self.is_branch or self.right is None:
            return []
        following = number + 1
        left = following if self.left is None else self.left
        if self.right <= number:
            return [(0, left), (1, self.right)]  # the left's stub leads around the right's
        return [] if left == following else [(0, left)]

    def stub(self, number: int, side: int) -> int | None:
        """Where, in the block, the stub of a side begins; None if it has none."""
        at = self.head()
        for which, _target in self.targets(number):
            if which == side:
                return at
            at += self.stubs[which] + 1 + _BACKWARD_CACHES
        return None

    def size(self, number: int) -> int:
        """The size of the whole block."""
        stubs = (self.stubs[side] + 1 + _BACKWARD_CACHES for side, _target in self.targets(number))
        return self.head() + sum(stubs)

    def leads_left(self, number: int, offsets: Sequence[int]) -> int:
        """The offset execution goes on at; for a branch, on its left."""
        if self.is_branch:
            return offsets[number] + (self.stub(number, 0) or self.head())
        return offsets[number + 1 if self.left is None else self.left]

    def leads_right(self, number: int, offsets: Sequence[int]) -> int:
        """The offset execution goes on at when a branch goes to its right."""
        assert self.right is not None
        stub = self.stub(number, 1)
        return offsets[self.right] if stub is None else offsets[number] + stub

    def widen(self, number: int, offsets: Sequence[int]) -> bool:
        """Make room for the EXTENDED_ARGs the distances need; say whether that changed anything."""
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
    """Return the offset of each block and of the end. Jumps only ever grow, so this comes to rest."""
    while True:
        offsets = [start]
        for number, block in enumerate(blocks):
            offsets.append(offsets[-1] + block.size(number))
        widened = [block.widen(number, offsets) for number, block in enumerate(blocks)]
        if True not in widened:
            return offsets


def _extended_args(argument: int) -> int:
    """The number of EXTENDED_ARG units that an argument needs."""
    return (argument.bit_length() - 1) // 8 if argument > 255 else 0


def _instruction(opcode: int, argument: int, extended: int) -> list[tuple[int, int]]:
    """An instruction with exactly ``extended`` EXTENDED_ARGs."""
    units = [(_EXTENDED_ARG, argument >> 8 * n & 0xFF) for n in range(extended, 0, -1)]
    return [*units, (opcode, argument & 0xFF)]


def _jump(here: int, destination: int, extended: int) -> list[tuple[int, int]]:
    """A jump from ``here`` to ``destination``, which takes the same room whichever way it goes."""
    after = here + extended + 1
    if destination > here:
        # Forward jumps have no cache, so what would be one is a NOP behind the jump, never reached.
        return [*_instruction(_FORWARD, destination - after, extended), *[(_NOP, 0)] * _BACKWARD_CACHES]
    argument = after + _BACKWARD_CACHES - destination
    return [*_instruction(_BACKWARD, argument, extended), *[(0, 0)] * _BACKWARD_CACHES]


# -- the driver ----------------------------------------------------------------------------------------------

_DRIVER_SOURCE = """
def driver():
    while True:
        yield
        try:
            _frame._answer = _frame._function(*_frame._arguments)
        except:
            _frame._failed()
"""


def _compile_driver() -> CodeType:
    """Compile the driver: a generator that runs what ``_frame``, a global, tells it to, each time it is
    resumed.

    It has no local variables and is compiled as code that has a mapping for its locals, as a module has, so
    that ``f_locals`` is the scope's own. There is no conditional jump in it: ``co_branches`` lists the
    skeleton's only.
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


# -- a pause -------------------------------------------------------------------------------------------------


def _compile_pausing() -> CodeType:
    """Compile a generator that pauses, and then looks to a tracer as it does when it is told of that.

    Tracers tell a pause from an end by whether what follows is RESUME, and going on from a beginning by the
    argument of the instruction at ``f_lasti``, which is not 0. Where that is differs: at RESUME in both cases on
    3.13; later at the YIELD_VALUE for a pause, and at RESUME for going on. A suspended generator's is what follows
    the YIELD_VALUE; so later there is an instruction in between, which looks right for both.
    """
    code = (lambda: (yield)).__code__
    units = bytearray(code.co_code)
    resume = units.rindex(bytes([opmap["YIELD_VALUE"]])) + 2
    again = units[resume : resume + 2]
    if sys.version_info >= (3, 14):
        # What they overwrite is never reached.
        units[resume : resume + 2 + 2 * len(RESUME)] = bytes([_NOP, 1, *again]) + bytes(2 * _RESUME_CACHES)
    return code.replace(co_code=bytes(units))


_PAUSING = _compile_pausing()


def pausing_like(code: CodeType) -> CodeType:
    """Return the code of a generator that pauses at once, with the name, file and first line of ``code``."""
    return _PAUSING.replace(
        co_filename=code.co_filename,
        co_name=code.co_name,
        co_qualname=code.co_qualname,
        co_firstlineno=code.co_firstlineno,
    )
