"""Programs as text, for ``tmplmon show ir``, for messages about invalid IR, and for tests.

    {% for u in users %}          scope template 'main'  1:1
      <li>{{ u.name }}              context  users
    {% endfor %}                    For u loop=#1 autoescape=True  1:1-20 LINE BRANCH
                                      iter  Load users  1:13-17
                                      frame  u:bound
                                      body
                                        Emit
                                          EmitText '\\n  <li>'  2:3-6 LINE
                                          EmitValue escape=True  2:10-15 LINE
                                            value  Attr name='name'  2:10-15
                                              obj  Load u  2:10
                                          EmitText '\\n'

Rule: each op has a line with its class, its plain fields, its place, and LINE or BRANCH if its site fires them.
The ops inside it are below it, after the names of their fields. Places are ``line:column-end``, or
``line:column-line:column`` if the end is on another line; they are 1-based, and columns count UTF-8 bytes, as in
the IR. A slot is shown by its name. Several slots of one name have numbers, ``x`` and ``x'2``, the outer one
first. The text depends only on the program, so that it can be compared.
"""

from typing import Any

from tmplmon.ir import ops
from tmplmon.ir.walk import field_names, is_node, scope_nodes, scopes

INDENT = "  "
CONTEXT = ops.SlotKind.CONTEXT
# The number of characters of a text that are shown.
TEXT_SHOWN = 60

# (depth, label, content): the content is a str, an op, or a list of these, which are shown below the label.
type _Entry = tuple[int, str, Any]


def show_program(program: ops.Program) -> str:
    """A program: a heading, then each scope with its slots and ops. The text ends with a newline."""
    shown = [
        f"program {program.name!r}  autoescape={program.autoescape}  file {program.filename}",
        *(line for scope in scopes(program) for line in ("", *_Scope(scope).lines())),
    ]
    return "\n".join(shown) + "\n"


def show_scope(scope: ops.Scope) -> str:
    """One scope, without the scopes nested in it. The text ends with a newline."""
    return "\n".join(_Scope(scope).lines()) + "\n"


def show_place(position: ops.Position) -> str:
    """A position as ``line:column-end`` or ``line:column-line:column``, 1-based, with an inclusive end."""
    line, end_line, column, end_column = position
    start = f"{line}:{column + 1}"
    if end_line != line:
        return f"{start}-{end_line}:{end_column}"
    return start if end_column <= column + 1 else f"{start}-{end_column}"


class _Names:
    """The names of slots and the numbers of loops, for a scope and the scopes around it."""

    def __init__(self, scope: ops.Scope) -> None:
        self.slots: dict[ops.Slot, str] = {}
        self.loops: dict[int, int] = {}
        self.count: dict[str, int] = {}
        around = [scope]
        while around[-1].parent is not None:
            around.append(around[-1].parent)
        for each in reversed(around):
            self.scope(each)

    def scope(self, scope: ops.Scope) -> None:
        for slot in (*scope.context.values(), *scope.frame.slots.values()):
            self.slot(slot)
        for node in scope_nodes(scope):
            for name in field_names(type(node)):
                value = getattr(node, name)
                if type(value) is ops.Frame:
                    for slot in value.slots.values():
                        self.slot(slot)
                elif type(value) is ops.LoopUse and type(node) is ops.For:
                    self.loops.setdefault(id(value), len(self.loops) + 1)

    def slot(self, slot: ops.Slot) -> str:
        shown = self.slots.get(slot)
        if shown is None:
            number = self.count[slot.name] = self.count.get(slot.name, 0) + 1
            shown = self.slots[slot] = slot.name if number == 1 else f"{slot.name}'{number}"
        return shown


class _Scope:
    """One scope's lines."""

    def __init__(self, scope: ops.Scope) -> None:
        self.scope = scope
        self.names = _Names(scope)
        self.line_sites = set(scope.lines)
        self.branch_sites = set(scope.branches)

    def lines(self) -> list[str]:
        scope = self.scope
        lines = [self.heading()]
        if scope.context:
            lines.append(f"{INDENT}context  {', '.join(map(self.slot_of_context, scope.context.values()))}")
        if frame := self.frame(scope.frame):
            lines.append(f"{INDENT}frame  {frame}")
        for part in ("varargs", "kwargs", "caller"):
            if (slot := getattr(scope, part)) is not None:
                lines.append(f"{INDENT}{part}  {self.names.slot(slot)}")
        for slot, argument in scope.arguments.items():
            lines.append(f"{INDENT}argument  {self.names.slot(argument)} of {self.names.slot(slot)}")
        entries: list[_Entry] = []
        for slot, default in scope.parameters:
            entries.append((1, f"parameter {self.names.slot(slot)}", default))
        entries += [(1, "", op) for op in scope.body]
        return lines + self.tree(entries)

    def heading(self) -> str:
        scope = self.scope
        words = [f"scope {scope.kind.value} {scope.name!r}"]
        if scope.parent is not None:
            words.append(f"in {scope.parent.kind.value} {scope.parent.name!r}")
        words += [name for name in ("extends", "required") if getattr(scope, name)]
        return "  ".join([*words, show_place(scope.position)])

    def tree(self, entries: list[_Entry]) -> list[str]:
        """A line for each entry and for each op in it. With a worklist, as an expression may be nested deeply."""
        lines: list[str] = []
        worklist = entries[::-1]
        while worklist:
            depth, label, value = worklist.pop()
            start = INDENT * depth + (f"{label}  " if label else "")
            if value is None or isinstance(value, list):
                lines.append(start.rstrip())
                worklist += reversed([(depth + 1, "", item) for item in value or ()])
            elif isinstance(value, str):
                lines.append(start + value)
            else:
                head, inside = self.op(value)
                lines.append(start + head)
                worklist += reversed([(depth + 1, name, item) for name, item in inside])
        return lines

    def op(self, op: Any) -> tuple[str, list[tuple[str, Any]]]:
        """(the line of an op, the entries below it); an entry is (label, content)."""
        if type(op) is ops.If:
            return self.if_(op)
        words: list[str] = []
        inside: list[tuple[str, Any]] = []
        for name in field_names(type(op)):
            value = getattr(op, name)
            if name == "site":
                continue
            if is_node(value) and type(value) is not ops.NamespaceTarget:
                inside.append((name, value))
            elif isinstance(value, ops.Arguments):
                inside += self.arguments(value)
            elif isinstance(value, ops.Frame):
                if frame := self.frame(value):
                    inside.append((name, frame))
            elif isinstance(value, list) and self.holds_ops(value):
                inside += self.items(name, value)
            elif (word := self.word(op, name, value)) is not None:
                words.append(word)
        site = getattr(op, "site", None)
        head = " ".join([type(op).__name__, *words])
        if site is None or (site == -1 and type(op) is ops.EmitText):
            return head, inside
        return f"{head}  {self.place(site)}", inside

    def if_(self, op: ops.If) -> tuple[str, list[tuple[str, Any]]]:
        inside: list[tuple[str, Any]] = []
        for test, body, site in op.branches:
            inside += [("test", test), (f"then  {self.place(site)}", body)]
        if op.orelse:
            inside.append(("else", op.orelse))
        return "If", inside

    @staticmethod
    def holds_ops(value: list[Any]) -> bool:
        return any(is_node(part) for item in value for part in (item if isinstance(item, tuple) else (item,)))

    def items(self, name: str, value: list[Any]) -> list[tuple[str, Any]]:
        """The entries of a field with a list of ops, or of (operator or target, op)."""
        if not isinstance(value[0], tuple):
            # The items of these fields need no label.
            return [("", item) for item in value] if name in ("pieces", "items") else [(name, value)]
        return [
            (name, f"{self.target(what)}") if op is None else (self.target(what), op) for what, op in value
        ]

    def arguments(self, arguments: ops.Arguments) -> list[tuple[str, Any]]:
        entries: list[tuple[str, Any]] = [("arg", arg) for arg in arguments.args]
        if arguments.star is not None:
            entries.append(("*", arguments.star))
        entries += [(f"{name}=", value) for name, value in arguments.kwargs]
        if arguments.star_star is not None:
            entries.append(("**", arguments.star_star))
        return entries

    def word(self, op: Any, name: str, value: Any) -> str | None:
        """The text of a plain field for the op's line, or None if it has its default value."""
        if type(op) is ops.EmitText:
            return _cut(value)
        if type(op) is ops.Const:
            return _cut(value)
        if isinstance(value, ops.LoopUse):
            return self.loop(op, value)
        if isinstance(value, ops.Scope):
            return f"scope={value.kind.value} {value.name!r}"
        if isinstance(value, (ops.Slot, ops.NamespaceTarget, tuple)):
            shown = self.target(value)
            return shown if name in ("slot", "target") else f"{name}={shown}"
        if value is None and name not in ("escape", "autoescape"):
            return None
        if value is False and name not in ("escape", "autoescape"):
            return None
        if isinstance(value, list):
            return f"{name}={', '.join(map(self.entry, value))}" if value else None
        return name if value is True and name not in ("escape", "autoescape") else f"{name}={value!r}"

    def loop(self, op: Any, use: ops.LoopUse) -> str | None:
        number = self.names.loops.get(id(use), 0)
        if type(op) is not ops.For:
            return f"loop=#{number}"
        read = ["whole"] if use.whole else sorted(use.attributes)
        return f"loop=#{number}{':' if read else ''}{','.join(read)}"

    def entry(self, value: Any) -> str:
        """The text of an item of a list of slots, of locals, or of (name in a module, slot)."""
        if isinstance(value, ops.Local):
            return self.names.slot(value.slot) + ("?" if value.maybe_unset else "")
        if isinstance(value, tuple):
            name, slot = value
            return name if slot.name == name else f"{name} as {self.names.slot(slot)}"
        return self.names.slot(value)

    def target(self, value: Any) -> str:
        """The text of a target. An operator is returned as it is."""
        if isinstance(value, str):
            return value
        if isinstance(value, tuple):
            return f"({', '.join(map(self.target, value))})"
        if isinstance(value, ops.NamespaceTarget):
            return f"{self.names.slot(value.slot)}.{value.attr}"
        return self.names.slot(value)

    def frame(self, frame: ops.Frame) -> str:
        """The slots of a frame, without those of the context, which belong to the scope."""
        return ", ".join(self.slot(slot) for slot in frame.slots.values() if slot.kind is not CONTEXT)

    def slot(self, slot: ops.Slot) -> str:
        """A slot of a frame, with its name, its kind and its flags."""
        shown = f"{self.names.slot(slot)}:{slot.kind.value}"
        if slot.origin is not None:
            shown += f"({self.names.slot(slot.origin)})"
        return shown + "".join(f" {mark}" for mark in ("captured", "initialised") if getattr(slot, mark))

    def slot_of_context(self, slot: ops.Slot) -> str:
        return self.names.slot(slot) + (" captured" if slot.captured else "")

    def place(self, site: int) -> str:
        if not 0 <= site < len(self.scope.positions):
            return f"site {site}, which the scope does not have"
        shown = show_place(self.scope.positions[site])
        if site in self.line_sites:
            shown += " LINE"
        return shown + " BRANCH" if site in self.branch_sites else shown


def _cut(value: object) -> str:
    """The repr of a constant, shortened if it is a long text."""
    if isinstance(value, str) and len(value) > TEXT_SHOWN:
        return f"{value[:TEXT_SHOWN]!r}… {len(value)} characters"
    return repr(value)
