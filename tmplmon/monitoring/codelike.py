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
front of the skeleton stands the driver (:mod:`tmplmon.monitoring.skeleton`), a small generator compiled by
Python itself, which :mod:`tmplmon.monitoring.frames` runs; it has no lines. Its RESUME instructions are
replaced by NOP, and the one RESUME that 3.14 and later insist on stands behind the skeleton's end: the VM
instruments a code object from its first RESUME on, so it never instruments a code-like, and running the
driver fires nothing.

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
"""A destination: out of the scope."""


def is_codelike(code: CodeType) -> bool:
    """Whether a code object is a code-like: its events are fired by an engine, not by CPython."""
    return code.co_code.startswith(DRIVER.co_code)


@dataclass(frozen=True, slots=True)
class CodeLike:
    """A code object and where the sites are in it."""

    code: CodeType
    """The code object. Its identity is what tools know it by."""
    start: int
    """The offset of its first instruction with a line: that of PY_START and of everything without a site."""
    end: int
    """The offset of its last instruction, the return at its end, which has no line: where what leaves the scope
    leads."""
    offsets: tuple[int, ...]
    """The offset of each site."""
    left: tuple[int | None, ...]
    """The offset that each site leads to, for a branch when it goes left. None for a return."""
    right: tuple[int | None, ...]
    """The offset that a branch leads to when it goes right; None for other sites."""


@dataclass(eq=False, slots=True)
class Label:
    """A destination that is not there yet: the site that comes next when the label is bound, or EXIT at the
    end."""

    site: int | None = None
    """The number of the site in its code-like; None until it is bound."""


@dataclass(slots=True)
class _Site:
    kind: str  # "place", "branch", "jump" or "return"
    position: Position
    left: int | Label | None = None  # site number, EXIT, or None: the next site
    right: int | Label | None = None


class CodeLikeBuilder:
    """Collects the sites of one file of one scope, in the order of their code, and makes the code object.

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
        self._sites: list[_Site] = []

    def place(self, position: Position) -> int:
        """Add a site that leads to the next one: a line, a call."""
        return self._add("place", position)

    def branch(self, position: Position) -> int:
        """Add a site with two ways on: left to the next site, unless :meth:`connect` says otherwise, and
        right."""
        return self._add("branch", position)

    def jump(self, position: Position) -> int:
        """Add an unconditional jump: :meth:`connect` says where to, as ``left``."""
        return self._add("jump", position)

    def leave(self, position: Position) -> int:
        """Add a return."""
        return self._add("return", position)

    def connect(
        self, site: int, *, left: int | Label | None = None, right: int | Label | None = None
    ) -> None:
        """Set where a branch or jump leads: to a site's number, a label or EXIT. What is None stays as it
        is."""
        self._check(site)
        if left is not None:
            self._sites[site].left = left
        if right is not None:
            self._sites[site].right = right

    def label(self) -> Label:
        """Return a new label, to connect sites to before their destination has been added."""
        return Label()

    def bind(self, label: Label) -> None:
        """Let a label stand for the site that is added next, or for EXIT if none is."""
        label.site = len(self._sites)

    def build(self) -> CodeLike:
        """Make the code object.

        Raises ValueError for a branch without a right or a jump without a target, a destination that is no
        site, a right destination at a site that is no branch, a site without a line or before the first line,
        or a position that a line table cannot hold.
        """
        lines = [site.position[0] for site in self._sites]
        for site in self._sites:
            site.left, site.right = self._resolve(site.left), self._resolve(site.right)
        for number, site in enumerate(self._sites):
            self._check_site(number, site)
        firstlineno = self.firstlineno
        if firstlineno is None:
            firstlineno = min((line for line in lines if line is not None), default=1)
        # The blocks: the start, the sites, the return at the end.
        blocks = [Block("place", (firstlineno, firstlineno, None, None))]
        for site in self._sites:
            blocks.append(
                Block(site.kind, site.position, self._block_of(site.left), self._block_of(site.right))
            )
        # Without a place: whatever leads out of the scope would otherwise seem to lead to the last site's line.
        blocks.append(Block("return", NOWHERE))
        return self._assemble(blocks, firstlineno)

    # -- inside ----------------------------------------------------------------------------------------------

    def _add(self, kind: str, position: Position) -> int:
        self._sites.append(_Site(kind, position))
        return len(self._sites) - 1

    def _resolve(self, destination: int | Label | None) -> int | None:
        if not isinstance(destination, Label):
            return destination
        if destination.site is None:
            raise ValueError(f"{self.filename}: a label that a site leads to was never bound")
        return EXIT if destination.site == len(self._sites) else destination.site

    def _block_of(self, destination: int | Label | None) -> int | None:
        if not isinstance(destination, int):  # labels have been resolved
            return None
        return len(self._sites) + 1 if destination == EXIT else destination + 1

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
