"""The intermediate representation (IR) of a template: names are resolved, and event sites are numbered.

A `Program` is one template. A `Scope` runs as one function: the template body, a block, a macro or a call body.
In a scope, template variables are `Slot` objects. Ops are trees of plain data. They are never subclassed: a
variant of an op is a field. An op that can raise an exception, fire an event or appear in a traceback has a
`site`, an index into the `positions` of its scope. All locations in the later passes come from there.

    {% for u in users %}          For(target=u, iter=Load(users), body=[
      <li>{{ u.name }}</li>           Emit([EmitText('\\n  <li>'), EmitValue(Attr(Load(u), 'name'), escape=YES),
    {% endfor %}                            EmitText('</li>\\n')])])
"""

from enum import Enum
from typing import Any

from tmplmon.records import fresh, record

# --- programs ----------------------------------------------------------------------------------------------

# (line, end line, column, end column): 1-based lines, 0-based columns in UTF-8 bytes, the order of co_positions().
type Position = tuple[int, int, int, int]


class SlotKind(Enum):
    """The source of a slot's value when its frame is entered."""

    CONTEXT = (
        "context"  # looked up in the render context when the scope is entered; undefined if it is not there
    )
    OUTER = "outer"  # the value of the slot `origin` of the enclosing frame
    UNSET = "unset"  # undefined until the slot is assigned
    BOUND = (
        "bound"  # assigned by the op that opens the frame: a loop target, a parameter, a binding of ``with``
    )
    SELF = "self"  # the blocks of this template as callables
    SUPER = "super"  # the next block of the same name up the inheritance chain
    TEMP = "temp"  # an intermediate value without a name in the template


@record
class Slot:
    """A template variable (or a temporary) of one scope. Slots are compared by identity."""

    name: str
    kind: SlotKind
    scope: "Scope"
    origin: "Slot | None" = None  # for OUTER
    captured: bool = False  # whether a nested scope reads it
    initialised: bool = False  # for OUTER and UNSET: whether an op may read it before an op assigns it
    assigned: int = 0  # the number of ops that assign it after its frame was entered
    attributes: int = 0  # the number of ops that read an attribute of its value
    macro: "MakeMacro | None" = None  # the op that assigns it, if that binds a macro

    def __repr__(self) -> str:
        return f"{self.name}:{self.kind.value}"


@record
class Frame:
    """A set of slots with the same lifetime. A scope has one, and so has each loop body, ``with`` and so on in it.

    slots: template name → slot, for the slots of this frame. A name that is only read from the context is not among
        them: its slot belongs to the scope, which looks it up once.
    """

    slots: dict[str, Slot] = fresh(factory=dict)


@record
class Local:
    """A variable that is passed to code with names of its own: an include, a scoped block, a context function.

    maybe_unset: whether the variable may not have been assigned here. It is not passed in that case.
    """

    name: str
    slot: Slot
    maybe_unset: bool


class ScopeKind(Enum):
    """The kind of code that a scope is: the body of a template, block or macro, or of a call block."""

    TEMPLATE = "template"
    BLOCK = "block"
    MACRO = "macro"
    CALL = "call"


@record
class Scope:
    """Code that runs as one function.

    name: of the block or macro; for a template body, of the template.
    position: of the opening tag.
    parent: the scope around a macro or call body, else None.
    positions: site → position.
    lines: the sites that fire LINE, in source order.
    branches: the sites that fire BRANCH.
    parameters: (slot, default) of each parameter of a macro or call body.
    arguments: parameter → slot for its argument, which is undefined if none is passed. Defaults read that slot.
    """

    kind: ScopeKind
    name: str
    position: Position
    parent: "Scope | None" = None
    frame: Frame = fresh(factory=Frame)
    context: dict[str, Slot] = fresh(factory=dict)  # names that are looked up in the context on entry
    slots: list[Slot] = fresh(factory=list)  # the slots of all its frames, and its temporaries
    nested: "list[Scope]" = fresh(factory=list)  # the scopes of its macros and call bodies
    body: "list[Op]" = fresh(factory=list)
    positions: list[Position] = fresh(factory=list)
    lines: list[int] = fresh(factory=list)
    branches: list[int] = fresh(factory=list)
    parameters: "list[tuple[Slot, Op | None]]" = fresh(factory=list)
    arguments: "dict[Slot, Slot]" = fresh(factory=dict)
    varargs: Slot | None = None
    kwargs: Slot | None = None
    caller: Slot | None = None
    extends: bool = False  # whether it is a template body that contains an ``extends``
    required: bool = False  # whether it is a required block

    @property
    def label(self) -> str:
        """The name of the scope in frames, tracebacks and profiles."""
        if self.kind is ScopeKind.TEMPLATE:
            return "<template>"
        return "caller" if self.kind is ScopeKind.CALL else f"{self.kind.value} {self.name}"


@record
class Program:
    """One template.

    name: the loader's name of the template, or None. filename: an absolute path, or a name in angle brackets.
    root: the scope of the template body.
    blocks: name → scope, in source order.
    autoescape: whether output is escaped by default; None if that is decided at run time.
    finalize: whether values pass through a function of the environment before they are output.
    """

    name: str | None
    filename: str
    root: Scope
    blocks: dict[str, Scope]
    autoescape: bool | None
    finalize: bool = False


# --- values ------------------------------------------------------------------------------------------------


@record
class Const:
    """A constant."""

    value: Any
    site: int


@record
class Load:
    """The value of a slot."""

    slot: Slot
    site: int


@record
class Attr:
    """``obj.name``: the attribute, else the item, else undefined."""

    obj: "Op"
    name: str
    site: int


@record
class Item:
    """``obj[key]``: the item, else (for a str key) the attribute, else undefined."""

    obj: "Op"
    key: "Op"
    site: int


@record
class Slice:
    """``obj[lower:upper:step]``."""

    obj: "Op"
    lower: "Op | None"
    upper: "Op | None"
    step: "Op | None"
    site: int


@record
class Arguments:
    """The arguments of a call: positional ones, (name, value) of keywords, and the operands of ``*`` and ``**``."""

    args: "list[Op]"
    kwargs: "list[tuple[str, Op]]"
    star: "Op | None" = None
    star_star: "Op | None" = None

    @property
    def simple(self) -> bool:
        """Whether there is neither ``*`` nor ``**``."""
        return self.star is None and self.star_star is None

    def values(self) -> "list[Op]":
        """All operands, in evaluation order."""
        operands = [*self.args]
        if self.star is not None:
            operands.append(self.star)
        operands += [value for _, value in self.kwargs]
        if self.star_star is not None:
            operands.append(self.star_star)
        return operands


@record
class Call:
    """``func(arguments)``.

    caller: the slot with the macro of a call body, which is passed as the keyword ``caller``, or None.
    locals: the variables that a function which takes the context sees in addition to those of the context.
    """

    func: "Op"
    arguments: Arguments
    caller: Slot | None
    locals: list[Local]
    site: int


@record
class Filter:
    """``value | name(arguments)``; `autoescape` as in `Program`."""

    value: "Op"
    name: str
    arguments: Arguments
    autoescape: bool | None
    site: int


@record
class Test:
    """``value is name(arguments)``, or ``is not`` if `negated`; `autoescape` as in `Program`."""

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
    """`op`: ``+ - * / // % **``.

    message: whether it formats the message of a ``trans`` block.
    """

    op: str
    left: "Op"
    right: "Op"
    site: int
    message: bool = False


@record
class Compare:
    """A comparison, possibly chained; `rest` has (operator, operand)."""

    left: "Op"
    rest: "list[tuple[str, Op]]"
    site: int


@record
class Logical:
    """``and`` or ``or``, which is a branch."""

    op: str
    left: "Op"
    right: "Op"
    site: int


@record
class Conditional:
    """``body if test else orelse``, which is a branch. Without `orelse`, the value can be undefined."""

    test: "Op"
    body: "Op"
    orelse: "Op | None"
    site: int


@record
class Concat:
    """``a ~ b``: the joined texts of `items`, as Markup if `autoescape`."""

    items: "list[Op]"
    autoescape: bool | None
    site: int


@record
class Build:
    """A literal container; `kind` is ``tuple``, ``list`` or ``dict``, whose items are its keys and values in
    turn."""

    kind: str
    items: "list[Op]"
    site: int


@record
class DebugInfo:
    """The text of ``{% debug %}``: the context with `locals`, the filters and the tests."""

    locals: list[Local]
    site: int


@record
class TagCall:
    """A tag of an extension: a call of its function. `caller` is as in `Call`, for a tag with a body.

    name: the name of the tag; for a `Special` of the tree, its function with its details.
    """

    name: str | tuple[Any, ...]
    arguments: Arguments
    caller: Slot | None
    locals: list[Local]
    site: int


# --- output ------------------------------------------------------------------------------------------------


@record
class EmitText:
    """A piece of text. `site` is a LINE site if the text has a character that is not whitespace, else -1."""

    text: str
    site: int


@record
class EmitValue:
    """The text of a value.

    escape: whether it is escaped; None if the context decides at run time.
    finished: whether the value does not pass through the environment's `finalize`.
    """

    value: "Op"
    escape: bool | None
    site: int
    finished: bool = False


@record
class Emit:
    """A run of output, with its pieces in source order.

    unless_extended: whether the run is dropped if a parent template is set.
    """

    pieces: "list[EmitText | EmitValue]"
    unless_extended: bool


# --- statements --------------------------------------------------------------------------------------------


@record
class NamespaceTarget:
    """``slot.attr`` as the target of an assignment; the slot holds a namespace."""

    slot: Slot
    attr: str
    site: int


type Target = Slot | NamespaceTarget | tuple["Target", ...]


@record
class Assign:
    """``target = value``.

    export: the slots that are also set in the context, for an assignment at the top level of the template body.
        Names without a leading underscore can be imported by other templates.
    """

    target: Target
    value: "Op"
    export: list[Slot]
    site: int


@record
class Evaluate:
    """``{% do value %}``: a value that is computed and dropped."""

    value: "Op"
    site: int


@record
class If:
    """``{% if %}``; `branches` has (test, body, site) of the ``if`` and each ``elif``."""

    branches: "list[tuple[Op, list[Op], int]]"
    orelse: "list[Op]"


@record
class LoopUse:
    """How a loop body uses its ``loop``.

    slot: the slot of ``loop``, if the body names it.
    whole: whether the body needs the loop object; if not, it only reads the `attributes`.
    """

    slot: Slot | None = None
    whole: bool = False
    attributes: set[str] = fresh(factory=set)

    @property
    def looks_ahead(self) -> bool:
        """Whether it reads an attribute that depends on the items after the current one."""
        return self.whole or not self.attributes.isdisjoint(("last", "length", "revindex", "revindex0"))


@record
class LoopAttr:
    """``loop.name``, for a loop without a loop object."""

    loop: LoopUse
    name: str
    site: int


@record
class For:
    """A loop.

    test, test_frame, test_target: the condition on items, its frame, and the target that has the item in it; all
        None without a condition.
    frame: the frame of the body, which is entered on each round.
    orelse, else_frame: the body that runs if no round reached the end of `body`, or None, and its frame.
    autoescape: whether the text of a recursive loop is Markup; None if that is decided at run time.
    """

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
    """``{% break %}`` or ``{% continue %}``; `kind` is the name of the tag."""

    kind: str
    site: int


@record
class Enter:
    """A body with a frame of its own: ``with`` and ``autoescape``.

    bindings: (target, value). All values are evaluated in the enclosing frame before the first target is assigned.
    autoescape: for ``autoescape``, the value that decides whether the body is escaped, else None.
    """

    frame: Frame
    bindings: "list[tuple[Target, Op]]"
    autoescape: "Op | None"
    body: "list[Op]"
    site: int


@record
class Capture:
    """Runs `body` and assigns its output to the slot, as Markup if `autoescape`."""

    slot: Slot
    frame: Frame
    body: "list[Op]"
    autoescape: bool | None
    site: int


@record
class MakeMacro:
    """Makes the macro of `scope` and assigns it to the slot. `export` is as in `Assign`."""

    slot: Slot
    scope: Scope
    export: list[Slot]
    site: int


@record
class CallBlock:
    """The place of a ``{% block %}``: runs the block that the inheritance chain has for `name`.

    unless_extended: whether nothing is run if a parent template is set.
    """

    name: str
    scoped: bool
    required: bool
    locals: list[Local]
    unless_extended: bool
    site: int


@record
class Include:
    """``{% include %}``; the value of `template` is a name, a template, or a list of these."""

    template: "Op"
    ignore_missing: bool
    with_context: bool
    locals: list[Local]
    site: int


@record
class Import:
    """``{% import … as target %}`` or ``{% from … import names %}``; the other field is None.

    target: the slot for the module.
    names: (name in the module, slot).
    export: as in `Assign`; other templates cannot import these names.
    """

    template: "Op"
    target: Slot | None
    names: list[tuple[str, Slot]] | None
    with_context: bool
    locals: list[Local]
    export: list[Slot]
    site: int


@record
class Extends:
    """Sets the parent template. Output at the top level after it is dropped.

    again: whether another ``extends`` may have run before.
    """

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
