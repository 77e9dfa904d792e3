"""The intermediate representation: what a template does, with every name resolved and every event site numbered.

A `Program` is one template. A `Scope` is what runs as one function: the template body, a block, a macro or a call
body. Inside a scope, template variables are `Slot`s. Ops are a tree of plain data, never subclassed: a variant of
an op is a field. Each op that can raise, fire an event or show in a traceback has a `site`: an index into its
scope's `positions`, and nothing else in the project says where something is.

    {% for u in users %}          For(target=u, iter=Load(users), body=[
      <li>{{ u.name }}</li>           Emit([EmitText('\\n  <li>'), EmitValue(Attr(Load(u), 'name'), escape=YES),
    {% endfor %}                            EmitText('</li>\\n')])])
"""

from enum import Enum
from typing import Any

from tmplmon.records import fresh, record

# --- what a program is made of -----------------------------------------------------------------------------

# (line, end line, column, end column): 1-based lines, 0-based columns in UTF-8 bytes, the order of co_positions().
type Position = tuple[int, int, int, int]


class SlotKind(Enum):
    """Where the value of a slot comes from when its frame is entered."""

    CONTEXT = "context"  # looked up in the render context when the scope is entered; undefined when not there
    OUTER = "outer"  # starts as the value of the slot `origin` of the enclosing frame
    UNSET = "unset"  # undefined until assigned
    BOUND = "bound"  # assigned by the op that opens the frame: a loop target, a parameter, a with binding
    SELF = "self"  # the blocks of this template as callables
    SUPER = "super"  # the next block of the same name up the inheritance chain
    TEMP = "temp"  # an intermediate value that the template has no name for


@record
class Slot:
    """A template variable (or a temporary) of one scope. Slots are compared by identity."""

    name: str
    kind: SlotKind
    scope: "Scope"
    origin: "Slot | None" = None  # for OUTER
    captured: bool = False  # a nested scope reads it
    initialised: bool = False  # OUTER, UNSET: some op may read it before one assigned it
    assigned: int = 0  # how many ops store to it after its frame was entered
    attributes: int = 0  # how many ops read an attribute of it
    macro: "MakeMacro | None" = None  # the op that assigns it, when that binds a macro

    def __repr__(self) -> str:
        return f"{self.name}:{self.kind.value}"


@record
class Frame:
    """The slots that come to life together: a scope has one, and every loop body, ``with`` and the like inside.

    `slots` are those of the frame itself, by template name. A name that the frame only reads from the context is
    not its own: such slots belong to the scope, which looks each of them up once.
    """

    slots: dict[str, Slot] = fresh(factory=dict)


@record
class Local:
    """A variable handed to code that has its own names (an include, a scoped block, a context function).
    `maybe_unset`: it may be undefined here because nothing was assigned, and is left out then."""

    name: str
    slot: Slot
    maybe_unset: bool


class ScopeKind(Enum):
    TEMPLATE = "template"
    BLOCK = "block"
    MACRO = "macro"
    CALL = "call"


@record
class Scope:
    """What runs as one function.

    `positions[site]` is where a site is. `lines` are the sites that fire LINE, in source order; `branches` the
    sites that fire BRANCH. `position` is the opening tag's.
    """

    kind: ScopeKind
    name: str  # the block's or macro's name; the template's name for a template body
    position: Position
    parent: "Scope | None" = None
    frame: Frame = fresh(factory=Frame)
    context: dict[str, Slot] = fresh(factory=dict)  # names looked up in the context on entry
    slots: list[Slot] = fresh(factory=list)  # all of its frames, and its temporaries
    nested: "list[Scope]" = fresh(factory=list)  # its macros and call bodies
    body: "list[Op]" = fresh(factory=list)
    positions: list[Position] = fresh(factory=list)
    lines: list[int] = fresh(factory=list)
    branches: list[int] = fresh(factory=list)
    parameters: "list[tuple[Slot, Op | None]]" = fresh(factory=list)  # macros and call bodies
    arguments: "dict[Slot, Slot]" = fresh(
        factory=dict
    )  # parameter → its argument, undefined where none is passed
    varargs: Slot | None = None
    kwargs: Slot | None = None
    caller: Slot | None = None
    extends: bool = False  # a template body with an ``extends`` somewhere
    required: bool = False  # a required block

    @property
    def label(self) -> str:
        """What frames, tracebacks and profiles call it."""
        if self.kind is ScopeKind.TEMPLATE:
            return "<template>"
        return "caller" if self.kind is ScopeKind.CALL else f"{self.kind.value} {self.name}"


@record
class Program:
    """One template. `blocks` are in source order. `autoescape` is what its code was made for (None: decided at
    run time)."""

    name: str | None
    filename: str
    root: Scope
    blocks: dict[str, Scope]
    autoescape: bool | None


# --- values ------------------------------------------------------------------------------------------------


@record
class Const:
    value: Any
    site: int


@record
class Load:
    """The value of a slot."""

    slot: Slot
    site: int


@record
class Attr:
    """Attribute, then item, then undefined."""

    obj: "Op"
    name: str
    site: int


@record
class Item:
    """Item, then (for a str key) attribute, then undefined."""

    obj: "Op"
    key: "Op"
    site: int


@record
class Slice:
    """obj[lower:upper:step]"""

    obj: "Op"
    lower: "Op | None"
    upper: "Op | None"
    step: "Op | None"
    site: int


@record
class Arguments:
    args: "list[Op]"
    kwargs: "list[tuple[str, Op]]"
    star: "Op | None" = None
    star_star: "Op | None" = None

    @property
    def simple(self) -> bool:
        return self.star is None and self.star_star is None

    def values(self) -> "list[Op]":
        """All operands in evaluation order."""
        found = [*self.args]
        if self.star is not None:
            found.append(self.star)
        found += [value for _, value in self.kwargs]
        if self.star_star is not None:
            found.append(self.star_star)
        return found


@record
class Call:
    """``func(arguments)``. `caller` is the slot of a call body's macro, passed as keyword ``caller``. `locals` are
    the variables that a context-taking function must see beside the context's: (name, slot)."""

    func: "Op"
    arguments: Arguments
    caller: Slot | None
    locals: list[Local]
    site: int


@record
class Filter:
    value: "Op"
    name: str
    arguments: Arguments
    autoescape: bool | None
    site: int


@record
class Test:
    value: "Op"
    name: str
    arguments: Arguments
    negated: bool
    autoescape: bool | None
    site: int


@record
class Unary:
    """`op`: ``-``, ``+`` or ``not``."""

    op: str
    operand: "Op"
    site: int


@record
class Binary:
    """`op`: ``+ - * / // % **``."""

    op: str
    left: "Op"
    right: "Op"
    site: int


@record
class Compare:
    left: "Op"
    rest: "list[tuple[str, Op]]"
    site: int


@record
class Logical:
    """Short-circuiting ``and``/``or``: a branch."""

    op: str
    left: "Op"
    right: "Op"
    site: int


@record
class Conditional:
    """Inline ``if``: a branch. Without `orelse` the value is undefined."""

    test: "Op"
    body: "Op"
    orelse: "Op | None"
    site: int


@record
class Concat:
    """``a ~ b``: text of each, joined; Markup if `autoescape`."""

    items: "list[Op]"
    autoescape: bool | None
    site: int


@record
class Build:
    """A literal container; `kind` is ``tuple``, ``list`` or ``dict`` (items: keys and values in turn)."""

    kind: str
    items: "list[Op]"
    site: int


@record
class DebugInfo:
    """The text of ``{% debug %}``: context, filters and tests."""

    locals: list[Local]
    site: int


@record
class TagCall:
    """A tag that an extension added: its function called with the arguments, and `caller` when it has a body."""

    name: str
    arguments: Arguments
    caller: Slot | None
    locals: list[Local]
    site: int


# --- output ------------------------------------------------------------------------------------------------


@record
class EmitText:
    """Text as it is. `site` is a LINE site when the text has a character that is not blank, else -1."""

    text: str
    site: int


@record
class EmitValue:
    """The text of a value. `escape`: True escapes, False does not, None asks the context when it runs. What is
    `finished` does not pass through the application's finalize."""

    value: "Op"
    escape: bool | None
    site: int
    finished: bool = False


@record
class Emit:
    """A run of output, pieces in source order. With `unless_extended` it is dropped when a parent is set."""

    pieces: "list[EmitText | EmitValue]"
    unless_extended: bool


# --- statements --------------------------------------------------------------------------------------------


@record
class NamespaceTarget:
    """``ns.attr`` as the target of an assignment."""

    slot: Slot
    attr: str
    site: int


type Target = Slot | NamespaceTarget | tuple["Target", ...]


@record
class Assign:
    """`export`: the slots whose values go to the context (a set at the top level of the template body), as
    (name, slot); names without a leading underscore are also exported by the module."""

    target: Target
    value: "Op"
    export: list[Slot]
    site: int


@record
class Evaluate:
    """``{% do %}``"""

    value: "Op"
    site: int


@record
class If:
    """`branches`: (test, body, site) of the ``if`` and each ``elif``."""

    branches: "list[tuple[Op, list[Op], int]]"
    orelse: "list[Op]"


@record
class LoopUse:
    """What a loop body reads of its ``loop``. With `whole` it needs the object, else the `attributes` will do."""

    slot: Slot | None = None
    whole: bool = False
    attributes: set[str] = fresh(factory=set)

    @property
    def looks_ahead(self) -> bool:
        """Whether it asks for what is known only from the items that follow."""
        return self.whole or not self.attributes.isdisjoint(("last", "length", "revindex", "revindex0"))


@record
class LoopAttr:
    """``loop.name`` of a loop that needs no loop object."""

    loop: LoopUse
    name: str
    site: int


@record
class For:
    """`test` filters the items, in a frame of its own. `frame` is the body's, entered on each round. `orelse` runs
    if no round went to the end of the body. A recursive loop, when called, gives Markup if `autoescape`."""

    target: Target
    iter: "Op"
    test: "Op | None"
    test_frame: Frame | None
    test_target: Target | None
    recursive: bool
    loop: LoopUse
    frame: Frame
    body: "list[Op]"
    else_frame: Frame
    orelse: "list[Op] | None"
    autoescape: bool | None
    site: int


@record
class Jump:
    """``{% break %}`` or ``{% continue %}``: `kind` is its name."""

    kind: str
    site: int


@record
class Enter:
    """A frame of its own for `body`: with and autoescape. `bindings` are evaluated in the enclosing frame, all of
    them before the first is assigned. `autoescape`: the value that decides on escaping in the body."""

    frame: Frame
    bindings: "list[tuple[Target, Op]]"
    autoescape: "Op | None"
    body: "list[Op]"
    site: int


@record
class Capture:
    """Runs `body` with its output going to the slot, as Markup if `autoescape`."""

    slot: Slot
    frame: Frame
    body: "list[Op]"
    autoescape: bool | None
    site: int


@record
class MakeMacro:
    """Binds the macro of `scope` to the slot. `export` as in Assign."""

    slot: Slot
    scope: Scope
    export: list[Slot]
    site: int


@record
class CallBlock:
    """The place of a ``{% block %}``: runs the block that the inheritance chain has for `name`."""

    name: str
    scoped: bool
    required: bool
    locals: list[Local]
    unless_extended: bool
    site: int


@record
class Include:
    """`template`: a name, a template or a list of them."""

    template: "Op"
    ignore_missing: bool
    with_context: bool
    locals: list[Local]
    site: int


@record
class Import:
    """`names` is None for ``import … as``, and then `target` is the module's slot; else (name in the module,
    slot)."""

    template: "Op"
    target: Slot | None
    names: list[tuple[str, Slot]] | None
    with_context: bool
    locals: list[Local]
    export: list[Slot]
    site: int


@record
class Extends:
    """Sets the parent template; what is output at the top level from here on is dropped. `again`: another
    ``extends`` may have run before."""

    template: "Op"
    again: bool
    site: int


type Op = (
    Const
    | Load
    | Attr
    | Item
    | Slice
    | Call
    | Filter
    | Test
    | Unary
    | Binary
    | Compare
    | Logical
    | Conditional
    | Concat
    | Build
    | DebugInfo
    | TagCall
    | LoopAttr
    | Emit
    | Assign
    | Evaluate
    | If
    | For
    | Jump
    | Enter
    | Capture
    | MakeMacro
    | CallBlock
    | Include
    | Import
    | Extends
)
