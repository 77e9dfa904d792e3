"""The code map of a template for reports: its executable lines, the arcs between them, and the bodies of its tags.

Rule: everything is read from the program that the back ends run. Its LINE sites are the executable lines, and the
plan of its sites says where branches lead. The tree only says which statements a tag encloses. So reports, back
ends and debuggers agree on lines.

    1  {% for user in users %}         lines        1, 2, 4
    2    <li>{{ user.name }}</li>      arcs         1→2 the loop starts, 1→4 the loop ends, 2→1, 4→-1 …
    3  {% endfor %}                    branches     1: 2 and 4
    4  </ul>
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tmplmon import pipeline
from tmplmon.ir import ops
from tmplmon.ir.lower import lower
from tmplmon.ir.plan import Plan
from tmplmon.ir.walk import children, scope_nodes, scopes, with_nested
from tmplmon.monitoring.flow import Arc, Flow, outcomes
from tmplmon.monitoring.lines import split_lines
from tmplmon.recursion import with_raised_recursion_limit
from tmplmon.syntax import nodes
from tmplmon.syntax.source import Source
from tmplmon.syntax.walk import walk

if TYPE_CHECKING:
    from tmplmon.environment import Environment

# In an arc, entering or leaving a scope: the template, a block, a macro.
END = -1

# Kind of branch → the reasons why its two arcs were not taken. The arc into its body is the first.
_REASONS = {
    "if": ("the condition on line {} was never true", "the condition on line {} was never false"),
    "for": ("the loop on line {} never started", "the loop on line {} never ended"),
    "for if": (
        "the condition of the loop on line {} was never true",
        "the condition of the loop on line {} was never false",
    ),
    "for else": (
        "the else of the loop on line {} never ran",
        "the loop on line {} never ended after a round",
    ),
    "inline if": (
        "the inline condition on line {} was never true",
        "the inline condition on line {} was never false",
    ),
    "and": (
        "the left side of 'and' on line {} was never true",
        "the left side of 'and' on line {} was never false",
    ),
    "or": (
        "the left side of 'or' on line {} was never false",
        "the left side of 'or' on line {} was never true",
    ),
    "include": (
        "the template included on line {} was never there",
        "the template included on line {} was never missing",
    ),
}


@dataclass(frozen=True, slots=True)
class Region:
    """A block or a macro.

    kind: "block" or "macro".
    start: the line of its tag.
    lines: the executable lines in it.
    """

    kind: str
    name: str
    start: int
    lines: frozenset[int]


@dataclass(frozen=True, slots=True)
class Suite:
    """The body of a tag.

    head: the lines that the tag is on.
    lines: the executable lines that are completely inside the body.
    """

    head: range
    lines: frozenset[int]


@dataclass(frozen=True, slots=True)
class CodeMap:
    """The lines of a template, all 1-based.

    lines: the executable lines.
    first: continuation line of a statement → the line where the statement begins. Events on a continuation line
        count for that line.
    further: `first`, and the same for the continuation lines of texts.
    arcs: (line, next line) for all pairs that are possible. (END, line) and (line, END) enter and leave a scope.
        From a line with a branch, the arcs lead to the lines in `branches`.
    branches: line → the lines that can follow it, for lines with a branch that leads to different lines.
    reasons: arc of a branch → the reason to report if the arc was not taken.
    ends: line → the name of the scope that is left there, for lines with an arc to END.
    suites: the bodies of all tags, including ``elif`` and ``else``.
    regions: the blocks and macros.
    """

    lines: frozenset[int]
    first: dict[int, int]
    further: dict[int, int]
    arcs: frozenset[Arc]
    branches: dict[int, frozenset[int]]
    reasons: dict[Arc, str]
    ends: dict[int, str]
    suites: tuple[Suite, ...]
    regions: tuple[Region, ...]


def code_map(
    environment: "Environment",
    source: str,
    name: str | None = None,
    filename: str | None = None,
    jinja2: bool = False,
) -> CodeMap:
    """The code map of a template.

    environment: its syntax is used; its filters and tests need not include those of the template.
    source: the text of the template.
    name, filename: of the template, for errors.
    jinja2: whether the template runs as code that Jinja2 generates; see `tmplmon.observe`.

    Raises TemplateSyntaxError.
    """
    text = environment.preprocess(source, name, filename)
    tree, parsed = pipeline.parse(environment, text, name, filename or "<template>")
    options = environment.lower_options(name)
    options.filters = options.tests = _AnyName()
    program = with_raised_recursion_limit(lambda: lower(tree, parsed, options), name, parsed.filename)
    return _MapBuilder(program, tree, parsed, jinja2).build()


class _AnyName:
    """A container that contains every name."""

    def __contains__(self, name: object) -> bool:
        return True


class _MapBuilder:
    def __init__(self, program: ops.Program, tree: nodes.Template, source: Source, jinja2: bool) -> None:
        self.jinja2 = jinja2
        self.program = program
        self.tree = tree
        self.source = source
        self.scopes = scopes(program)

    def build(self) -> CodeMap:
        first = self.first_lines()
        self.first = first
        lines = frozenset(self.line(scope, site) for scope in self.scopes for site in scope.lines)
        further = {**self.text_lines(), **first}
        flows = [_Flow(scope, first, self.jinja2) for scope in self.scopes]
        # Events cannot tell whether these arcs were taken by a branch.
        plain = {arc for flow in flows for arc in flow.plain}
        reasons: defaultdict[Arc, list[str]] = defaultdict(list)
        for flow in flows:
            for arc, words in flow.reasons():
                reasons[arc].append(words)
        branches = outcomes(reasons, plain)
        return CodeMap(
            lines,
            first,
            {line: start for line, start in further.items() if line not in lines},
            frozenset(
                (line, to)
                for flow in flows
                for line, to in flow.all_arcs
                if line not in branches or to in branches[line]
            ),
            branches,
            {
                arc: " or ".join(dict.fromkeys(why))
                for arc, why in reasons.items()
                if arc[1] in branches.get(arc[0], ())
            },
            {line: words for flow in reversed(flows) for line, words in flow.ends()},
            tuple(self.suites()),
            tuple(self.regions()),
        )

    def line(self, scope: ops.Scope, site: int) -> int:
        line = scope.positions[site][0]
        return self.first.get(line, line)

    # --- statements over several lines ---------------------------------------------------------------------

    def first_lines(self) -> dict[int, int]:
        """`CodeMap.first`."""
        first: dict[int, int] = {}
        for scope in self.scopes:
            worklist = [(op, scope.position[0]) for op in scope_nodes_outermost(scope)]
            while worklist:
                op, start = worklist.pop()
                if type(op) is ops.If:
                    for test, body, site in op.branches:
                        at = scope.positions[site][0]
                        worklist.append((test, at))
                        worklist += [(inner, at) for inner in body]
                    worklist += [(inner, start) for inner in op.orelse]
                    continue
                site = getattr(op, "site", -1)
                if site >= 0:
                    line = scope.positions[site][0]
                    if type(op) in _STATEMENTS:
                        start = line
                    elif line > start:
                        first[line] = min(start, first.get(line, start))
                worklist += [(inner, start) for inner in children(op)]
        for line in sorted(first):
            # A statement that begins on a continuation line of another statement belongs to that one, too.
            first[line] = first.get(first[line], first[line])
        return first

    def text_lines(self) -> dict[int, int]:
        """Continuation line of a text → its first line."""
        lines: dict[int, int] = {}
        for scope in self.scopes:
            for op in scope_nodes(scope):
                if type(op) is ops.EmitText and op.site >= 0:
                    start = scope.positions[op.site][0]
                    text = op.text.strip()
                    for line in range(start + 1, start + 1 + len(split_lines(text)) - 1):
                        lines[line] = self.first.get(start, start)
        return lines

    # --- bodies of tags ------------------------------------------------------------------------------------

    def suites(self) -> Iterator[Suite]:
        places = [
            (scope.positions[site][0], scope.positions[site][2], self.line(scope, site))
            for scope in self.scopes
            for site in scope.lines
        ]
        for node in walk(self.tree):
            for start, end, body in _bodies(node):
                yield Suite(self.rows(start, end), self.inside(places, body))

    def rows(self, start: int, end: int) -> range:
        return range(self.source.line(start), self.source.line(max(start, end - 1)) + 1)

    def inside(self, places: list[tuple[int, int, int]], body: list[nodes.Stmt]) -> frozenset[int]:
        """The lines that are completely inside a body."""
        if not body:
            return frozenset()
        begin = self.source.line_utf8_column(body[0].start)
        end = self.source.line_utf8_column(max(node.end for part in body for node in walk(part)))
        lines = {line for row, column, line in places if begin <= (row, column) < end}
        return frozenset(lines - {line for row, column, line in places if not begin <= (row, column) < end})

    def regions(self) -> Iterator[Region]:
        for scope in self.scopes:
            if scope.kind in (ops.ScopeKind.BLOCK, ops.ScopeKind.MACRO):
                lines = frozenset(
                    self.line(inner, site) for inner in with_nested(scope) for site in inner.lines
                )
                yield Region(scope.kind.value, scope.name, scope.position[0], lines)


def _bodies(node: nodes.Node) -> list[tuple[int, int, list[nodes.Stmt]]]:
    """(start of a tag, its end, what it encloses) for a statement's own tag, and its ``elif`` and ``else``."""
    bodies: list[tuple[int, int, list[nodes.Stmt]]] = []
    if isinstance(node, nodes.If):
        bodies += [(start, end, body) for start, end, _, body in node.branches]
    elif isinstance(body := getattr(node, "body", None), list) and not isinstance(node, nodes.Template):
        bodies.append((node.start, node.end, body))
    if isinstance(node, (nodes.If, nodes.For)) and node.orelse and node.else_tag is not None:
        bodies.append((*node.else_tag, node.orelse))
    return bodies


def scope_nodes_outermost(scope: ops.Scope) -> list[Any]:
    return [*(default for _, default in scope.parameters if default is not None), *scope.body]


_STATEMENTS = frozenset(
    (
        *(ops.EmitText, ops.EmitValue, ops.Assign, ops.Evaluate, ops.For, ops.Jump, ops.Enter, ops.Capture),
        *(ops.MakeMacro, ops.CallBlock, ops.Include, ops.Import, ops.Extends),
    )
)


def _truth(test: ops.Op) -> bool | None:
    """The truth of a constant condition, or None. Python's compiler removes the branch of a constant condition."""
    match test:
        case ops.Const():
            return bool(test.value)
        case ops.Unary(op="not"):
            inside = _truth(test.operand)
            return None if inside is None else not inside
        case ops.Logical():
            left = _truth(test.left)
            if left is None:
                return None
            return _truth(test.right) if left == (test.op == "and") else left
    return None


def _ending(scope: ops.Scope) -> str:
    if scope.kind is ops.ScopeKind.TEMPLATE:
        return "the template"
    if scope.kind is ops.ScopeKind.CALL:
        return f"the body of the call on line {scope.position[0]}"
    return f"{scope.kind.value} '{scope.name}'"


class _Flow(Flow):
    """The arcs between the lines of one scope."""

    def __init__(self, scope: ops.Scope, first: dict[int, int], jinja2: bool) -> None:
        self.jinja2 = jinja2
        self.scope = scope
        self.plan = plan = Plan(scope)
        self.first = first
        super().__init__([(kind, self.line(site)) for kind, site in plan.entries], plan.ways, END)
        self.kinds: dict[int, str] = {}  # entry of a branch → its row in _REASONS
        for op in scope_nodes(scope):
            match op:
                case ops.If():
                    for test, _, site in op.branches:
                        if _truth(test) is None:
                            self.kinds[plan.branch[site]] = "if"
                case ops.For():
                    self.kinds[plan.branch[op.site]] = "for"
                    if op.site in plan.condition_branch:
                        self.kinds[plan.condition_branch[op.site]] = "for if"
                    if op.site in plan.else_branch:
                        self.kinds[plan.else_branch[op.site]] = "for else"
                    self.note_functions(op)
                case ops.Logical() if op.site in plan.branch:
                    self.kinds[plan.branch[op.site]] = op.op
                case ops.Conditional() if op.site in plan.branch:
                    self.kinds[plan.branch[op.site]] = "inline if"
                case ops.Include(ignore_missing=True):
                    self.kinds[plan.branch[op.site]] = "include"
        self.all_arcs = self.arcs()

    def line(self, site: int) -> int:
        line = self.scope.positions[site][0]
        return self.first.get(line, line)

    def note_functions(self, op: ops.For) -> None:
        """Note the arcs of a recursive loop, and of the condition of a loop that looks ahead (Jinja2: of any
        loop): they run as functions."""
        line = self.line(op.site)
        if op.recursive:
            branch = self.plan.branch[op.site]
            self.called.add(branch)
            after = self.follow(self.plan.ways(branch)[1], line)[0]
            if after is not None:
                self.plain.add((line, after))
        elif op.test is not None and (op.loop.looks_ahead or self.jinja2):
            self.plain.add((line, END))

    def ends(self) -> Iterator[tuple[int, str]]:
        """(line, name of the scope) for the lines from which the scope is left."""
        functions = {self.entries[branch][1] for branch in self.called}
        for line, to in self.all_arcs:
            if to == END:
                yield line, f"the loop on line {line}" if line in functions else _ending(self.scope)

    def reasons(self) -> Iterator[tuple[Arc, str]]:
        """(arc, reason to report if it was never taken) of each branch."""
        for number, kind in self.kinds.items():
            line = self.entries[number][1]
            for (to, _), words in zip(self.ways(number), _REASONS[kind], strict=True):
                if to is not None:
                    yield (line, to), words.format(line)
