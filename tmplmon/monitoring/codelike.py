"""Code-likes: real code objects that stand for code of another language, one per scope and file.

``set_local_events``, coverage.py's sysmon core, ``inspect`` and ``dis`` accept ``types.CodeType`` only, so a
code-like is one. It is a *skeleton*: one instruction per site, in the order of the sites, with the site's
position, and jumps where the scope branches or jumps. The offset of an event is the offset of the site's
instruction, so ``co_positions``, ``co_lines``, ``co_branches`` and ``dis`` all tell the truth about it. The
picture of ``if`` on line 2 with one line under it, on 3.14:

    line 2   NOP                          site 0, LINE
    line 2   POP_JUMP_IF_FALSE  to L1     site 1, branch: its right destination is L1
             NOT_TAKEN
    line 3   NOP                          site 2, LINE: the left destination of site 1
    L1: line 4  NOP                       site 3, LINE

A destination that is not where the instruction leads by itself is reached through a jump without a line,
which is what tools that follow the bytecode from a destination expect (coverage.py's ``BranchArcResolver``
does).

The skeleton is never run. But ``sys.settrace``, debuggers and tracebacks want a *frame* of this code, so in
front of the skeleton stands the :data:`driver <DRIVER>`, a small generator compiled by Python itself, which
:mod:`tmplmon.monitoring.frames` runs; it has no lines. Its RESUME instructions are replaced by NOP, and the
one RESUME that 3.14 and later insist on stands behind the skeleton's end: the VM instruments a code object
from its first RESUME on, so it never instruments a code-like, and running the driver fires nothing.

Source: CPython's ``InternalDocs``, ``Python/instrumentation.c`` (``_co_firsttraceable``, the branches
iterator), ``dis``.
"""

from __future__ import annotations

import dis
import linecache
from collections.abc import Sequence
from dataclasses import dataclass
from opcode import opmap
from types import CodeType, FunctionType

from tmplmon.monitoring.linetable import NOWHERE, Position, encode_linetable

__all__ = ["EXIT", "CodeLike", "CodeLikeBuilder", "remember_source"]

EXIT = -1
"""A destination: out of the scope."""


@dataclass(frozen=True, slots=True)
class CodeLike:
    """A code object and where the sites are in it."""

    code: CodeType
    """The code object. Its identity is what tools know it by."""
    start: int
    """The offset of its first instruction with a line: that of PY_START and of everything without a site."""
    end: int
    """The offset of its last instruction, the return at its end."""
    offsets: tuple[int, ...]
    """The offset of each site."""
    left: tuple[int | None, ...]
    """The offset that each site leads to, for a branch when it goes left. None for a return."""
    right: tuple[int | None, ...]
    """The offset that a branch leads to when it goes right; None for other sites."""


@dataclass(slots=True)
class _Site:
    kind: str  # "place", "branch", "jump" or "return"
    position: Position
    left: int | None = None  # site number, EXIT, or None: the next site
    right: int | None = None


class CodeLikeBuilder:
    """Collects the sites of one file of one scope, in the order of their code, and makes the code object.

        builder = CodeLikeBuilder("/srv/page.html", "page")
        builder.place((2, 2, 0, 9))
        test = builder.branch((2, 2, 3, 8))
        builder.place((3, 3, 0, 5))
        builder.connect(test, right=builder.place((4, 4, 0, 5)))
        codelike = builder.build()

    A position is ``(line, end_line, column, end_column)`` as in ``code.co_positions()``. Sites are numbered
    from 0.
    """

    def __init__(
        self, filename: str, name: str, *, qualname: str | None = None, firstlineno: int | None = None
    ) -> None:
        """``firstlineno`` is by default the smallest line of a site, or 1."""
        self.filename = filename
        self.name = name
        self.qualname = name if qualname is None else qualname
        self.firstlineno = firstlineno
        self._sites: list[_Site] = []

    def place(self, position: Position) -> int:
        """Add a site that leads to the next one: a line, a call."""
        return self._add("place", position)

    def branch(self, position: Position, left: int | None = None, right: int | None = None) -> int:
        """Add a site with two ways on. ``left`` None: to the next site. ``right`` can be set by
        :meth:`connect`."""
        return self._add("branch", position, left, right)

    def jump(self, position: Position, target: int | None = None) -> int:
        """Add an unconditional jump. The target can be set by :meth:`connect`, as ``left``."""
        return self._add("jump", position, target)

    def leave(self, position: Position) -> int:
        """Add a return."""
        return self._add("return", position)

    def connect(self, site: int, *, left: int | None = None, right: int | None = None) -> None:
        """Set where a branch or jump leads: to a site's number or EXIT. What is None stays as it is."""
        self._check(site)
        if left is not None:
            self._sites[site].left = left
        if right is not None:
            self._sites[site].right = right

    def build(self) -> CodeLike:
        """Make the code object.

        Raises ValueError for a branch without a right or a jump without a target, a destination that is no
        site, a right destination at a site that is no branch, a site without a line or before the first line,
        or a position that a line table cannot hold.
        """
        lines = [site.position[0] for site in self._sites]
        for number, site in enumerate(self._sites):
            self._check_site(number, site)
        firstlineno = self.firstlineno
        if firstlineno is None:
            firstlineno = min((line for line in lines if line is not None), default=1)
        blocks = [_Block(firstlineno_position(firstlineno))]
        blocks += [_Block(site.position) for site in self._sites]
        blocks.append(_Block(self._end_position(firstlineno), returns=True))
        for site, block in zip(self._sites, blocks[1:-1], strict=True):
            block.set(site, len(self._sites))
        return self._assemble(blocks, firstlineno)

    # -- inside ----------------------------------------------------------------------------------------------

    def _add(self, kind: str, position: Position, left: int | None = None, right: int | None = None) -> int:
        self._sites.append(_Site(kind, position, left, right))
        return len(self._sites) - 1

    def _check(self, destination: int) -> None:
        if destination != EXIT and not 0 <= destination < len(self._sites):
            raise ValueError(f"{self.filename}: there is no site {destination}")

    def _check_site(self, number: int, site: _Site) -> None:
        where = f"{self.filename}: site {number} at {site.position}"
        line = site.position[0]
        if line is None or line < 1:
            raise ValueError(f"{where} has no line")
        if self.firstlineno is not None and line < self.firstlineno:
            raise ValueError(f"{where} is before the first line, {self.firstlineno}")
        if site.kind == "branch" and site.right is None:
            raise ValueError(f"{where} is a branch that leads nowhere on its right")
        if site.kind == "jump" and site.left is None:
            raise ValueError(f"{where} is a jump that leads nowhere")
        if site.kind != "branch" and site.right is not None:
            raise ValueError(f"{where} is no branch, but has a right destination")
        if site.kind in ("place", "return") and site.left is not None:
            raise ValueError(f"{where} can only lead to the next site")
        for destination in (site.left, site.right):
            if destination is not None:
                self._check(destination)

    def _end_position(self, firstlineno: int) -> Position:
        """The return at the end sits on the last site's line, where the VM puts a function's implicit
        return."""
        line = self._sites[-1].position[0] if self._sites else firstlineno
        return (line, line, None, None)

    def _assemble(self, blocks: list[_Block], firstlineno: int) -> CodeLike:
        offsets = _lay_out(blocks, _driver_units())
        units: list[tuple[int, int]] = []
        positions: list[Position] = [NOWHERE] * _driver_units()
        for number, block in enumerate(blocks):
            emitted = block.emit(number, offsets)
            units += emitted
            positions += [block.position] * block.head() + [NOWHERE] * (len(emitted) - block.head())
        units += [(opmap["RESUME"], 0), *[(0, 0)] * _RESUME_CACHES]
        positions += [NOWHERE] * (1 + _RESUME_CACHES)
        code = DRIVER.replace(
            co_filename=self.filename,
            co_name=self.name,
            co_qualname=self.qualname,
            co_firstlineno=firstlineno,
            co_code=DRIVER.co_code + bytes(byte for unit in units for byte in unit),
            co_linetable=encode_linetable(positions, firstlineno),
        )
        sites = blocks[1:-1]
        return CodeLike(
            code,
            start=2 * offsets[0],
            end=2 * (offsets[-1] - 1),
            offsets=tuple(2 * (offsets[n] + block.prefix) for n, block in enumerate(sites, 1)),
            left=tuple(
                None if block.returns else 2 * block.leads_left(n, offsets)
                for n, block in enumerate(sites, 1)
            ),
            right=tuple(
                None if block.right is None else 2 * block.leads_right(n, offsets)
                for n, block in enumerate(sites, 1)
            ),
        )


def firstlineno_position(firstlineno: int) -> Position:
    """The position of the instruction a code-like starts with: the first line, no columns."""
    return (firstlineno, firstlineno, None, None)


def remember_source(filename: str, text: str) -> None:
    """Let ``linecache``, and with it tracebacks, pdb and ``inspect``, show a source that is not on disk."""
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    # No modification time: linecache.checkcache then leaves the entry alone.
    linecache.cache[filename] = (len(text), None, lines, filename)


# -- laying out ----------------------------------------------------------------------------------------------

_NOP = opmap["NOP"]
_EXTENDED_ARG = opmap["EXTENDED_ARG"]
_RETURN_VALUE = opmap["RETURN_VALUE"]
_BRANCH = opmap["POP_JUMP_IF_FALSE"]
_FORWARD = opmap["JUMP_FORWARD"]
_BACKWARD = opmap["JUMP_BACKWARD"]
_NOT_TAKEN = opmap.get("NOT_TAKEN")  # 3.14: the instruction on the left of a branch, which fires BRANCH_LEFT


def _caches(name: str) -> int:
    """The inline cache units after an instruction, from ``dis``: they differ between versions."""
    entries: dict[str, dict[str, int]] = dis._cache_format  # type: ignore[attr-defined]
    return sum(entries.get(name, {}).values())


_BRANCH_CACHES = _caches("POP_JUMP_IF_FALSE")
_BACKWARD_CACHES = _caches("JUMP_BACKWARD")
_RESUME_CACHES = _caches("RESUME")


class _Block:
    """The instructions of one site: itself, and jumps without a line for what it does not lead to by itself.

    Numbers of blocks are those of sites plus 1, block 0 being the start, the last one the end.
    """

    __slots__ = ("is_branch", "is_jump", "left", "position", "prefix", "returns", "right", "stubs")

    def __init__(self, position: Position, *, returns: bool = False) -> None:
        self.position = position
        self.returns = returns
        self.is_branch = self.is_jump = False
        self.left: int | None = None  # number of a block, None: the next
        self.right: int | None = None
        self.prefix = 0  # EXTENDED_ARG units before a jump at the head of the block
        self.stubs = [0, 0]  # EXTENDED_ARG units before the jumps behind it, to the left and to the right

    def set(self, site: _Site, sites: int) -> None:
        def block(destination: int | None) -> int | None:
            return (
                destination if destination is None else sites + 1 if destination == EXIT else destination + 1
            )

        self.returns = site.kind == "return"
        self.is_branch = site.kind == "branch"
        self.is_jump = site.kind == "jump"
        self.left, self.right = block(site.left), block(site.right)

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
        found = []
        if self.left is not None and self.left != number + 1:
            found.append((0, self.left))
        if self.right <= number:
            found.append((1, self.right))
        return found

    def stub(self, number: int, side: int) -> int | None:
        """Where, in the block, the stub of a side begins; None if it has none."""
        at = self.head()
        for which, _target in self.targets(number):
            if which == side:
                return at
            at += self.stubs[which] + 1 + _BACKWARD_CACHES
        return None

    def size(self, number: int) -> int:
        stubs = (self.stubs[side] + 1 + _BACKWARD_CACHES for side, _target in self.targets(number))
        return self.head() + sum(stubs)

    def leads_left(self, number: int, offsets: Sequence[int]) -> int:
        """The offset execution goes on at; for a branch, on its left."""
        if self.is_branch:
            return offsets[number] + (self.stub(number, 0) or self.head())
        return offsets[number + 1 if self.left is None else self.left]

    def leads_right(self, number: int, offsets: Sequence[int]) -> int:
        assert self.right is not None
        stub = self.stub(number, 1)
        return offsets[self.right] if stub is None else offsets[number] + stub

    def widen(self, number: int, offsets: Sequence[int]) -> bool:
        """Make room for the EXTENDED_ARGs the distances need; say whether that changed anything."""
        before = (self.prefix, *self.stubs)
        here, size = offsets[number], self.size(number)
        if self.is_branch:
            self.prefix = max(self.prefix, _extended(self.leads_right(number, offsets) - here))
            for side, target in self.targets(number):
                self.stubs[side] = max(self.stubs[side], _extended(abs(offsets[target] - here) + size))
        elif self.is_jump and self.left is not None:
            self.prefix = max(self.prefix, _extended(abs(offsets[self.left] - here) + size))
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


def _lay_out(blocks: Sequence[_Block], start: int) -> list[int]:
    """Return the offset of each block and of the end. Jumps only ever grow, so this comes to rest."""
    while True:
        offsets = [start]
        for number, block in enumerate(blocks):
            offsets.append(offsets[-1] + block.size(number))
        widened = [block.widen(number, offsets) for number, block in enumerate(blocks)]
        if True not in widened:
            return offsets


def _extended(argument: int) -> int:
    """How many EXTENDED_ARGs an argument may need."""
    return max(0, (argument.bit_length() - 1) // 8)


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
            _frame.answer = _frame.function(*_frame.arguments)
        except:
            _frame.failed()
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
            units[unit : unit + 2 * (1 + _RESUME_CACHES)] = bytes((_NOP, 0)) * (1 + _RESUME_CACHES)
    optimized, new_locals = 0x1, 0x2  # CO_OPTIMIZED, CO_NEWLOCALS
    return code.replace(
        co_code=bytes(units),
        co_flags=code.co_flags & ~(optimized | new_locals),
        co_linetable=encode_linetable([NOWHERE] * (len(units) // 2), code.co_firstlineno),
    )


DRIVER = _compile_driver()


def _driver_units() -> int:
    return len(DRIVER.co_code) // 2
