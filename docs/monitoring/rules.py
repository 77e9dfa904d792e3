"""A rules language in one file. It shows how an engine uses ``tmplmon.monitoring`` to be visible to Python's tools.

    if price * quantity > 100
        include extra.rules
    end
    while discount > limit
        discount = lower(discount)
    end

``run(load("discount.rules"), {"price": 30, ...})`` interprets the tree, and returns the variables with the results.
The lines marked ``signal`` make the rules visible to tools. Without them the rules would run in the same way.
"""

from __future__ import annotations

import ast
import operator
import re
import sys
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from tmplmon.monitoring import Activation, Scope, ScopeBuilder

OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Gt: operator.gt}


@dataclass
class Statement:
    kind: str  # "set", "if", "while" or "include"
    line: int  # the site of LINE
    call: int  # the site of calls in the expression
    branch: int = -1  # the site of the branch
    jump: int = -1  # the site of the jump after the body
    expression: ast.expr | None = None
    target: str = ""  # the variable that a "set" assigns
    body: list[Statement] = field(default_factory=list)
    otherwise: list[Statement] = field(default_factory=list)
    inclusion: int = 0


class Parser:
    """Parses a file and the files it includes. Creates the statements and the sites of their events."""

    def __init__(self, path: Path) -> None:
        self.builder = ScopeBuilder(str(path), path.stem)  # signal
        self.paths = [path]  # the file of each inclusion

    def read(self, inclusion: int) -> list[Statement]:
        lines = enumerate(self.paths[inclusion].read_text(encoding="utf-8").split("\n"), 1)
        return self.block(lines, inclusion)[0]

    def block(self, lines: enumerate[str], inclusion: int) -> tuple[list[Statement], str]:
        statements = []
        for number, text in lines:
            words = text.strip()
            if words in ("end", "else"):
                return statements, words
            if words:
                statements.append(self.statement(number, text, words, lines, inclusion))
        return statements, ""

    def statement(
        self, number: int, text: str, words: str, lines: enumerate[str], inclusion: int
    ) -> Statement:
        column = text.index(words)
        place = (number, number, column, column + len(words.encode()))
        line = self.builder.line(*place, inclusion=inclusion)  # signal
        call = self.builder.call(*place, inclusion=inclusion)  # signal
        if match := re.fullmatch(r"include (\S+)", words):
            self.paths.append(self.paths[inclusion].parent / match[1])
            inner = self.builder.include(str(self.paths[-1]), number, column, parent=inclusion)  # signal
            return Statement("include", line, call, body=self.read(inner), inclusion=inner)
        if match := re.fullmatch(r"(\w+) = (.+)", words):
            tree = ast.parse(match[2], mode="eval").body
            return Statement("set", line, call, expression=tree, target=match[1])
        if not (match := re.fullmatch(r"(if|while) (.+)", words)):
            raise SyntaxError("unknown statement", (str(self.paths[inclusion]), number, column + 1, text))
        branch = self.builder.branch(*place, inclusion=inclusion)  # signal
        otherwise, done = self.builder.label(), self.builder.label()  # signal
        self.builder.connect(branch, right=otherwise)  # signal
        body, word = self.block(lines, inclusion)
        jump = self.builder.jump(inclusion=inclusion)  # signal
        self.builder.connect(jump, left=line if match[1] == "while" else done)  # signal
        self.builder.bind(otherwise, inclusion=inclusion)  # signal
        node = Statement(match[1], line, call, branch, jump, ast.parse(match[2], mode="eval").body, body=body)
        if word == "else":
            node.otherwise, _ = self.block(lines, inclusion)
        self.builder.bind(done, inclusion=inclusion)  # signal
        return node


def load(path: str | Path) -> tuple[Scope, list[Statement]]:
    parser = Parser(Path(path).absolute())
    statements = parser.read(0)
    return parser.builder.build(), statements  # signal


def run(program: tuple[Scope, list[Statement]], variables: dict) -> dict:
    scope, statements = program
    with scope.enter(variables) or nullcontext() as activation:  # signal
        execute(statements, variables, activation)
    return variables


def execute(statements: list[Statement], variables: dict, signal: Activation | None) -> None:
    for node in statements:
        while True:
            if signal:
                signal.line(node.line)  # signal
            if node.kind == "include":
                if signal:
                    signal.py_start(node.inclusion)  # signal
                execute(node.body, variables, signal)
                if signal:
                    signal.py_return()  # signal
                break
            value = evaluate(node.expression, variables, node, signal)
            if node.kind == "set":
                variables[node.target] = value
                break
            if signal:
                signal.branch(node.branch, value)  # signal
            execute(node.body if value else node.otherwise, variables, signal)
            if signal and value:
                signal.jump(node.jump)  # signal
            if not value or node.kind == "if":
                break


def evaluate(expr: ast.expr | None, variables: dict, node: Statement, signal: Activation | None) -> object:
    match expr:
        case ast.Constant(value):
            return value
        case ast.Name(name):
            return variables[name]
        case ast.BinOp(left, op, right) | ast.Compare(left, [op], [right]):
            values = [evaluate(side, variables, node, signal) for side in (left, right)]
            return OPERATORS[type(op)](*values)
        case ast.Call(function, arguments):
            callee, *values = [evaluate(e, variables, node, signal) for e in (function, *arguments)]
            return signal.invoke(node.call, callee, *values) if signal else callee(*values)  # signal
    raise TypeError(f"unknown expression: {expr and ast.unparse(expr)}")


if __name__ == "__main__":
    print(
        run(load(sys.argv[1]), {name: float(value) for name, value in (x.split("=") for x in sys.argv[2:])})
    )
