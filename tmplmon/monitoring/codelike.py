"""Code-likes: real code objects that represent code of another language, one per scope and file.

``set_local_events``, coverage.py's sysmon core, ``inspect`` and ``dis`` accept only ``types.CodeType``, so a
code-like is one. It is a *skeleton*: one instruction per site, in the order of the sites, with the position of the
site, and jumps where the scope branches or jumps. The offset of an event is the offset of the site's
instruction, so ``co_positions``, ``co_lines``, ``co_branches`` and ``dis`` give correct information about it.
For an ``if`` on line 2 with one line in its body, on 3.14:

    line 2   NOP                          site 0, LINE
    line 2   POP_JUMP_IF_FALSE  to L1     site 1, branch: its right destination is L1
             NOT_TAKEN
    line 3   NOP                          site 2, LINE: the left destination of site 1
    L1: line 4  NOP                       site 3, LINE

A destination other than the following instruction is reached through a jump without a line. Tools that follow the
bytecode from a destination expect that (such as coverage.py's ``BranchArcResolver``).

The skeleton never runs. ``sys.settrace``, debuggers and tracebacks need a *frame* of this code, however, so the
skeleton is preceded by the driver (`tmplmon.monitoring.skeleton`): a small generator compiled by Python, which
`tmplmon.monitoring.frames` runs. It has no lines. Its RESUME instructions are replaced by NOP, and the one
RESUME that 3.14 and later require follows the end of the skeleton. The VM instruments a code object from its first
RESUME on, so it never instruments a code-like, and running the driver fires no events.

Source: CPython's ``InternalDocs``, ``Python/instrumentation.c`` (``_co_firsttraceable``, the branches
iterator), ``dis``.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import CodeType

from tmplmon.monitoring.linetable import NOWHERE, Position, encode_linetable
from tmplmon.monitoring.skeleton import DRIVER, DRIVER_UNITS, TAIL, Block, lay_out

__all__ = ["EXIT", "CodeLike", "CodeLikeBuilder", "Label", "is_codelike"]

EXIT = -1
"""A destination outside the scope."""


def is_codelike(code: CodeType) -> bool:
    """Whether a code object is a code-like: its events are fired by an engine, not by CPython."""
    return code.co_code.startswith(DRIVER.co_code)


@dataclass(frozen=True, slots=True)
class CodeLike:
    """A code object and the offsets of its sites."""

    code: CodeType
    """The code object. Tools identify it by identity."""
    start: int
    """The offset of its first instruction with a line: that of PY_START and of events without a site."""
    end: int
    """The offset of its last instruction, the final return, which has no line: the destination of exits."""
    offsets: tuple[int, ...]
    """The offset of each site."""
    left: tuple[int | None, ...]
    """The destination of each site; for a branch, of its left side. None for a return."""
    right: tuple[int | None, ...]
    """The destination of a branch on its right side; None for other sites."""
    landings: dict[int, int]
    """Destination → the offset of the instruction that it leads to, where these differ: a destination may be a jump
    without a line, or the prefix of an instruction."""


@dataclass(eq=False, slots=True)
class Label:
    """A destination that is added later: the next site after the label is bound, or EXIT at the end."""

    site: int | None = None
    """The number of the site in its code-like; None until it is bound."""
    builder: CodeLikeBuilder | None = None
    """The builder that has bound it."""


@dataclass(slots=True)
class _SkeletonSite:
    kind: str  # "place", "branch", "jump", "return" or "end"
    position: Position
    left: int | Label | None = None  # site number, EXIT, or None: the next site
    right: int | Label | None = None


class CodeLikeBuilder:
    """Collects the sites of one file of one scope, in the order of their code, and creates the code object.

        builder = CodeLikeBuilder("/srv/page.html", "page")
        builder.place((2, 2, 0, 9))
        test = builder.branch((2, 2, 3, 8))
        otherwise = builder.label()
        builder.connect(test, right=otherwise)
        builder.place((3, 3, 0, 5))
        builder.bind(otherwise)
        builder.place((4, 4, 0, 5))
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
        self._sites: list[_SkeletonSite] = []

    def place(self, position: Position) -> int:
        """Add a site that leads to the next one, such as a line or a call. Returns its number."""
        return self._add("place", position)

    def branch(self, position: Position) -> int:
        """Add a branch: left to the next site, unless `connect` says otherwise, and right. Returns its
        number."""
        return self._add("branch", position)

    def jump(self, position: Position) -> int:
        """Add an unconditional jump; `connect` sets its destination as ``left``. Returns its number."""
        return self._add("jump", position)

    def leave(self, position: Position) -> int:
        """Add a return. Returns its number."""
        return self._add("return", position)

    def end(self) -> None:
        """Add a return without a position, between two pieces of code that do not follow each other."""
        self._add("end", NOWHERE)

    def connect(
        self, site: int, *, left: int | Label | None = None, right: int | Label | None = None
    ) -> None:
        """Set the destinations of a branch or jump: the number of a site, a label or EXIT. None: not changed.

        Raises ValueError for a site that does not exist.
        """
        self._check(site)
        if left is not None:
            self._sites[site].left = left
        if right is not None:
            self._sites[site].right = right

    def label(self) -> Label:
        """Return a new label, for a destination that has not been added yet."""
        return Label()

    def bind(self, label: Label) -> None:
        """Bind a label to the next site that is added, or to EXIT if none is."""
        label.site, label.builder = len(self._sites), self

    def build(self) -> CodeLike:
        """Create the code object.

        Raises ValueError for a branch without a right side, a jump without a destination, a label that is not
        bound or was bound in another file, a destination that is not a site, a right side of a site that is not a
        branch, a site without a line or before the first line, and a position that a line table cannot represent.
        """
        lines = [site.position[0] for site in self._sites]
        for site in self._sites:
            site.left, site.right = self._resolve(site.left), self._resolve(site.right)
        for number, site in enumerate(self._sites):
            self._check_site(number, site)
        firstlineno = self.firstlineno
        if firstlineno is None:
            firstlineno = min((line for line in lines if line is not None), default=1)
        # The blocks: the start, the sites, the final return.
        blocks = [Block("place", (firstlineno, firstlineno, None, None))]
        for site in self._sites:
            kind = "return" if site.kind == "end" else site.kind
            blocks.append(Block(kind, site.position, self._block_of(site.left), self._block_of(site.right)))
        # Without a line: otherwise exits of the scope would appear to lead to the line of the last site.
        blocks.append(Block("return", NOWHERE))
        return self._assemble(blocks, firstlineno)

    # -- implementation --------------------------------------------------------------------------------------

    def _add(self, kind: str, position: Position) -> int:
        self._sites.append(_SkeletonSite(kind, position))
        return len(self._sites) - 1

    def _resolve(self, destination: int | Label | None) -> int | None:
        if not isinstance(destination, Label):
            return destination
        if destination.site is None:
            raise ValueError(f"{self.filename}: a label that a site leads to was never bound")
        if destination.builder is not self:
            assert destination.builder is not None
            raise ValueError(
                f"{self.filename}: a label that a site leads to was bound in {destination.builder.filename};"
                " branches and jumps stay in their file, as in a code object"
            )
        return EXIT if destination.site == len(self._sites) else destination.site

    def _block_of(self, destination: int | Label | None) -> int | None:
        if not isinstance(destination, int):  # labels have been resolved
            return None
        return len(self._sites) + 1 if destination == EXIT else destination + 1

    def _check(self, destination: int) -> None:
        if destination != EXIT and not 0 <= destination < len(self._sites):
            raise ValueError(f"{self.filename}: there is no site {destination}")

    def _check_site(self, number: int, site: _SkeletonSite) -> None:
        if site.kind == "end":
            return
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
            if isinstance(destination, int):
                self._check(destination)

    def _assemble(self, blocks: list[Block], firstlineno: int) -> CodeLike:
        offsets = lay_out(blocks, DRIVER_UNITS)
        units: list[tuple[int, int]] = []
        positions: list[Position] = [NOWHERE] * DRIVER_UNITS
        for number, block in enumerate(blocks):
            emitted = block.emit(number, offsets)
            units += emitted
            positions += [block.position] * block.head() + [NOWHERE] * (len(emitted) - block.head())
        units += TAIL
        positions += [NOWHERE] * len(TAIL)
        code = DRIVER.replace(
            co_filename=self.filename,
            co_name=self.name,
            co_qualname=self.qualname,
            co_firstlineno=firstlineno,
            co_code=DRIVER.co_code + bytes(byte for unit in units for byte in unit),
            co_linetable=encode_linetable(positions, firstlineno),
        )
        sites = blocks[1:-1]
        instructions = [2 * (offsets[n] + block.prefix) for n, block in enumerate(blocks)]
        landings = {2 * offsets[n]: instructions[n] for n, block in enumerate(blocks) if block.prefix}
        for n, block in enumerate(blocks):
            for side, target in block.targets(n):
                stub = block.stub(n, side)
                assert stub is not None
                landings[2 * (offsets[n] + stub)] = instructions[target]
        return CodeLike(
            code,
            start=2 * offsets[0],
            end=2 * (offsets[-1] - 1),
            offsets=tuple(instructions[1:-1]),
            left=tuple(
                None if block.returns else 2 * block.leads_left(n, offsets)
                for n, block in enumerate(sites, 1)
            ),
            right=tuple(
                None if block.right is None else 2 * block.leads_right(n, offsets)
                for n, block in enumerate(sites, 1)
            ),
            landings=landings,
        )
