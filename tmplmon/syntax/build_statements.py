"""The methods that build statement nodes, one for each alternative of the grammar that makes a statement or a head.

Rule: a *head* is the opening tag of a block, up to its ``%}``. The nesting of blocks is counted there, so that it
is limited before the body is read. Rules that the grammar cannot express are checked here, each with a message of
its own.
"""

from tmplmon.errors import TemplateAssertionError
from tmplmon.syntax import nodes
from tmplmon.syntax.build_expressions import CONSTANTS, Argument, ExpressionBuilder
from tmplmon.syntax.lexer import Token
from tmplmon.syntax.nodes import Arguments, Expr, Parameter, Span, Stmt

# Blocks that are nested deeper are refused, as the passes after the parser recurse, a few calls for each block.
# CPython nests at most 21 loops in one function (measured on 3.13); the back ends have to work around that.
MAX_BLOCKS = 100

CALL_EXPECTED = "'call' needs the call of a macro, such as {% call name() %}"

type Body = list[Stmt]
type Branch = tuple[int, int, Expr, Body]


class StatementBuilder(ExpressionBuilder):
    __slots__ = ()

    # --- the template, its text and its output

    def template(self, body: Body) -> nodes.Template:
        return nodes.Template(0, len(self.source.text), body)

    def body_empty(self) -> Body:
        return []

    def body_add(self, body: Body, statement: Stmt | list[Stmt]) -> Body:
        if type(statement) is list:
            body += statement
        else:
            body.append(statement)  # type: ignore[arg-type]
        return body

    def text(self, token: Token) -> Stmt:
        return nodes.Text(token[2], token[3], token[1])

    def output(self, _begin: Token, value: Expr, _end: Token) -> Stmt:
        return nodes.Output(value.start, value.end, value)

    def print_empty(self, _tag: Token, _end: Token) -> Body:
        return []

    def print_statement(self, _tag: Token, values: list[Expr], _end: Token) -> Body:
        return [nodes.Output(value.start, value.end, value) for value in values]

    def do_statement(self, tag: Token, value: Expr, end: Token) -> Stmt:
        return nodes.Do(tag[2], end[3], value)

    # --- heads and ends of blocks

    def colon_end(self, _colon: Token, end: Token) -> Token:
        return end

    def open(self, tag: Token) -> None:
        self.open_tags += 1
        if self.open_tags > MAX_BLOCKS:
            self.fail(f"more than {MAX_BLOCKS} blocks inside one another", tag[2], tag[3])

    def else_head(self, tag: Token, end: Token) -> Span:
        return tag[2], end[3]

    # --- if and for

    def if_head(self, tag: Token, test: Expr, end: Token) -> tuple[int, int, Expr]:
        if tag[0] == "TAG_IF":
            self.open(tag)
        return tag[2], end[3], test

    def branches_first(self, head: tuple[int, int, Expr], body: Body) -> list[Branch]:
        return [(*head, body)]

    def branches_add(self, branches: list[Branch], head: tuple[int, int, Expr], body: Body) -> list[Branch]:
        branches.append((*head, body))
        return branches

    def if_end(self, branches: list[Branch], _tag: Token, _end: Token) -> Stmt:
        self.open_tags -= 1
        return nodes.If(branches[0][0], branches[0][1], branches, None, None)

    def if_else(self, branches: list[Branch], else_tag: Span, orelse: Body, _tag: Token, _end: Token) -> Stmt:
        self.open_tags -= 1
        return nodes.If(branches[0][0], branches[0][1], branches, orelse, else_tag)

    def for_head(self, tag: Token, target: Expr, _in: Token, iterable: Expr, end: Token) -> nodes.For:
        return self._for(tag, target, iterable, None, False, end)

    def for_head_recursive(
        self, tag: Token, target: Expr, _in: Token, iterable: Expr, _recursive: Token, end: Token
    ) -> nodes.For:
        return self._for(tag, target, iterable, None, True, end)

    def for_head_if(
        self, tag: Token, target: Expr, _in: Token, iterable: Expr, _if: Token, test: Expr, end: Token
    ) -> nodes.For:
        return self._for(tag, target, iterable, test, False, end)

    def for_head_if_recursive(
        self,
        tag: Token,
        target: Expr,
        _in: Token,
        iterable: Expr,
        _if: Token,
        test: Expr,
        _recursive: Token,
        end: Token,
    ) -> nodes.For:
        return self._for(tag, target, iterable, test, True, end)

    def _for(
        self, tag: Token, target: Expr, iterable: Expr, test: Expr | None, recursive: bool, end: Token
    ) -> nodes.For:
        self.open(tag)
        return nodes.For(tag[2], end[3], target, iterable, test, recursive, [], None, None)

    def for_end(self, head: nodes.For, body: Body, _tag: Token, _end: Token) -> Stmt:
        self.open_tags -= 1
        head.body = body
        return head

    def for_else(
        self, head: nodes.For, body: Body, else_tag: Span, orelse: Body, _tag: Token, _end: Token
    ) -> Stmt:
        self.open_tags -= 1
        head.body = body
        head.orelse = orelse
        head.else_tag = else_tag
        return head

    def break_statement(self, tag: Token, end: Token) -> Stmt:
        return nodes.Break(tag[2], end[3])

    def continue_statement(self, tag: Token, end: Token) -> Stmt:
        return nodes.Continue(tag[2], end[3])

    # --- assignment

    def assignable(self, token: Token) -> str:
        """The name in `token`. Raises TemplateSyntaxError if it is a constant, which cannot be assigned."""
        name: str = token[1]
        if name in CONSTANTS:
            self.fail(f"cannot assign to '{name}', which is a constant", token[2], token[3])
        return name

    def bound_name(self, token: Token) -> Token:
        self.assignable(token)
        return token

    def target_name(self, token: Token) -> Expr:
        return nodes.Name(token[2], token[3], self.assignable(token))

    def target_namespace(self, name: Token, _dot: Token, attribute: Token) -> Expr:
        return nodes.NamespaceRef(name[2], attribute[3], self.assignable(name), attribute[1])

    def set_statement(self, tag: Token, target: Expr, _assign: Token, value: Expr, end: Token) -> Stmt:
        return nodes.Set(tag[2], end[3], target, value)

    def set_head(self, tag: Token, target: Expr, end: Token) -> nodes.SetBlock:
        self.open(tag)
        return nodes.SetBlock(tag[2], end[3], target, None, [])

    def set_head_filter(self, tag: Token, target: Expr, chain: nodes.Filter, end: Token) -> nodes.SetBlock:
        self.open(tag)
        return nodes.SetBlock(tag[2], end[3], target, chain, [])

    def set_block(self, head: nodes.SetBlock, body: Body, _tag: Token, _end: Token) -> Stmt:
        self.open_tags -= 1
        head.body = body
        return head

    def binding(self, target: Expr, _assign: Token, value: Expr) -> tuple[Expr, Expr]:
        return target, value

    def with_empty(self, tag: Token, end: Token) -> nodes.With:
        return self.with_head(tag, [], end)

    def with_head(self, tag: Token, bindings: list[tuple[Expr, Expr]], end: Token) -> nodes.With:
        self.open(tag)
        return nodes.With(tag[2], end[3], bindings, [])

    def with_statement(self, head: nodes.With, body: Body, _tag: Token, _end: Token) -> Stmt:
        self.open_tags -= 1
        head.body = body
        return head

    # --- macros and calls

    def parameter(self, name: Token) -> Parameter:
        return Parameter(name[2], name[3], name[1], None)

    def parameter_default(self, name: Token, _assign: Token, default: Expr) -> Parameter:
        return Parameter(name[2], default.end, name[1], default)

    def macro_head_empty(
        self, tag: Token, name: Token, _open: Token, _close: Token, end: Token
    ) -> nodes.Macro:
        return self.macro_head(tag, name, _open, [], _close, end)

    def macro_head(
        self, tag: Token, name: Token, _open: Token, parameters: list[Parameter], _close: Token, end: Token
    ) -> nodes.Macro:
        self.open(tag)
        self._check_parameters(parameters)
        return nodes.Macro(tag[2], end[3], name[1], parameters, [])

    def macro(self, head: nodes.Macro, body: Body, _tag: Token, _end: Token) -> Stmt:
        self.open_tags -= 1
        head.body = body
        return head

    def _check_parameters(self, parameters: list[Parameter]) -> None:
        names: set[str] = set()
        defaults = False
        for parameter in parameters:
            if parameter.default is not None:
                defaults = True
            elif defaults:
                self.fail(
                    f"the parameter '{parameter.name}' needs a default, because one before it has one",
                    parameter.start,
                    parameter.end,
                )
            if parameter.name in names:
                self.fail(f"there are two parameters '{parameter.name}'", parameter.start, parameter.end)
            names.add(parameter.name)

    def call_head(self, tag: Token, call: Expr, end: Token) -> nodes.CallBlock:
        return self._call(tag, [], call, end)

    def call_head_empty(
        self, tag: Token, _open: Token, _close: Token, call: Expr, end: Token
    ) -> nodes.CallBlock:
        return self._call(tag, [], call, end)

    def call_head_parameters(
        self, tag: Token, _open: Token, parameters: list[Parameter], _close: Token, call: Expr, end: Token
    ) -> nodes.CallBlock:
        return self._call(tag, parameters, call, end)

    def _call(self, tag: Token, parameters: list[Parameter], call: Expr, end: Token) -> nodes.CallBlock:
        self.open(tag)
        self._check_parameters(parameters)
        if not isinstance(call, nodes.Call):
            self.fail(CALL_EXPECTED, tag[3] - len(tag[1]), tag[3])
        return nodes.CallBlock(tag[2], end[3], parameters, call, [])

    def call_block(self, head: nodes.CallBlock, body: Body, _tag: Token, _end: Token) -> Stmt:
        self.open_tags -= 1
        head.body = body
        return head

    # --- filter blocks: the innermost filter of the chain has no value

    def filter_plain(self, name: Token) -> nodes.Filter:
        return nodes.Filter(name[2], name[3], None, name[1], Arguments())

    def filter_arguments(self, name: Token, arguments: tuple[Arguments, int]) -> nodes.Filter:
        return nodes.Filter(name[2], arguments[1], None, name[1], arguments[0])

    def filters_first(self, _pipe: Token, filter: nodes.Filter) -> nodes.Filter:
        return filter

    def filter_add(self, chain: nodes.Filter, _pipe: Token, filter: nodes.Filter) -> nodes.Filter:
        filter.value = chain
        filter.start = chain.start
        return filter

    def filter_head(self, tag: Token, chain: nodes.Filter, end: Token) -> nodes.FilterBlock:
        self.open(tag)
        return nodes.FilterBlock(tag[2], end[3], chain, [])

    def filter_block(self, head: nodes.FilterBlock, body: Body, _tag: Token, _end: Token) -> Stmt:
        self.open_tags -= 1
        head.body = body
        return head

    def autoescape_head(self, tag: Token, value: Expr, end: Token) -> nodes.Autoescape:
        self.open(tag)
        return nodes.Autoescape(tag[2], end[3], value, [])

    def autoescape(self, head: nodes.Autoescape, body: Body, _tag: Token, _end: Token) -> Stmt:
        self.open_tags -= 1
        head.body = body
        return head

    # --- inheritance and inclusion

    def block_head(self, tag: Token, name: Token, *words: Token) -> nodes.Block:
        self.open(tag)
        modifiers = {word[0] for word in words[:-1]}
        return nodes.Block(tag[2], words[-1][3], name[1], "SCOPED" in modifiers, "REQUIRED" in modifiers, [])

    def block(self, head: nodes.Block, body: Body, _tag: Token, *after: Token) -> Stmt:
        self.open_tags -= 1
        head.body = body
        if head.required:
            for node in body:
                if not isinstance(node, nodes.Text) or not node.value.isspace():
                    message = f"the required block '{head.name}' can only contain whitespace and comments"
                    self.fail(message, after[0][2], after[0][3])
        if len(after) == 2 and after[0][1] != head.name:
            message = f"'endblock {after[0][1]}' cannot close the block '{head.name}'"
            self.fail(message, after[0][2], after[0][3], hint=f"write 'endblock' or 'endblock {head.name}'")
        return head

    def extends(self, tag: Token, template: Expr, end: Token) -> Stmt:
        return nodes.Extends(tag[2], end[3], template)

    def with_context(self, word: Token, _context: Token) -> bool:
        return word[0] == "WITH"

    def include(self, tag: Token, template: Expr, end: Token) -> Stmt:
        return nodes.Include(tag[2], end[3], template, False, True)

    def include_context(self, tag: Token, template: Expr, context: bool, end: Token) -> Stmt:
        return nodes.Include(tag[2], end[3], template, False, context)

    def include_missing(
        self, tag: Token, template: Expr, _ignore: Token, _missing: Token, end: Token
    ) -> Stmt:
        return nodes.Include(tag[2], end[3], template, True, True)

    def include_missing_context(
        self, tag: Token, template: Expr, _ignore: Token, _missing: Token, context: bool, end: Token
    ) -> Stmt:
        return nodes.Include(tag[2], end[3], template, True, context)

    def import_statement(self, tag: Token, template: Expr, _as: Token, name: Token, end: Token) -> Stmt:
        return nodes.Import(tag[2], end[3], template, name[1], False)

    def import_context(
        self, tag: Token, template: Expr, _as: Token, name: Token, context: bool, end: Token
    ) -> Stmt:
        return nodes.Import(tag[2], end[3], template, name[1], context)

    def imported(self, name: Token) -> tuple[str, str]:
        return self.imported_as(name, name, name)

    def imported_as(self, name: Token, _as: Token, alias: Token) -> tuple[str, str]:
        if name[1].startswith("_"):
            message = f"'{name[1]}' cannot be imported: names that begin with an underscore are private"
            self.fail(message, name[2], name[3], cls=TemplateAssertionError)
        return self.assignable(name), alias[1]

    def from_import(
        self, tag: Token, template: Expr, _import: Token, names: list[tuple[str, str]], end: Token
    ) -> Stmt:
        return nodes.FromImport(tag[2], end[3], template, names, False)

    def from_import_context(
        self,
        tag: Token,
        template: Expr,
        _import: Token,
        names: list[tuple[str, str]],
        context: bool,
        end: Token,
    ) -> Stmt:
        return nodes.FromImport(tag[2], end[3], template, names, context)

    def from_import_comma(
        self,
        tag: Token,
        template: Expr,
        _import: Token,
        names: list[tuple[str, str]],
        _comma: Token,
        context: bool,
        end: Token,
    ) -> Stmt:
        return nodes.FromImport(tag[2], end[3], template, names, context)

    def from_import_nothing(
        self, tag: Token, template: Expr, _import: Token, context: bool, end: Token
    ) -> Stmt:
        return nodes.FromImport(tag[2], end[3], template, [], context)

    # --- tags of extensions

    def debug_statement(self, tag: Token, end: Token) -> Stmt:
        return nodes.Debug(tag[2], end[3])

    def custom_tag(self, tag: Token, end: Token) -> Stmt:
        return nodes.CustomTag(tag[2], end[3], tag[1], Arguments(), None)

    def custom_tag_arguments(self, tag: Token, items: list[Argument], end: Token) -> Stmt:
        arguments = self.collect(items, tag[2], tag[3])
        return nodes.CustomTag(tag[2], end[3], tag[1], arguments, None)

    def custom_head(self, tag: Token, end: Token) -> nodes.CustomTag:
        return self.custom_head_arguments(tag, [], end)

    def custom_head_arguments(self, tag: Token, items: list[Argument], end: Token) -> nodes.CustomTag:
        self.open(tag)
        return nodes.CustomTag(tag[2], end[3], tag[1], self.collect(items, tag[2], tag[3]), [])

    def custom_block(self, head: nodes.CustomTag, body: Body, tag: Token, _end: Token) -> Stmt:
        self.open_tags -= 1
        if tag[1] != f"end{head.name}":
            opened = self.source.line(head.start)
            message = (
                f"'{tag[1]}' cannot close '{head.name}', opened on line {opened}; expected 'end{head.name}'"
            )
            self.fail(message, tag[3] - len(tag[1]), tag[3])
        head.body = body
        return head
