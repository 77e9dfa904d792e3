"""Loops: as cheap as what the body asks of ``loop``.

    nothing                    for x in xs:
    index, index0, first       for .n, x in enumerate(xs, 1):
    last                       for .n, .last, x in counted(xs):
    length, revindex           … over `sized(xs)`, its length taken before
    anything else              for x, loop in LoopContext(xs):
    recursive                  the last, in a function of its own that calls itself through `loop`

A condition is tested in the body; where the loop looks ahead, in a generator in front of it.
"""

import ast

from tmplmon.backends.bytecode import pyast
from tmplmon.backends.bytecode.function import OUTPUT, Function
from tmplmon.backends.bytecode.pyast import NOWHERE, Place
from tmplmon.backends.bytecode.statements import STATEMENTS, block_of, joined, note_types, target
from tmplmon.backends.bytecode.values import value
from tmplmon.ir import ops
from tmplmon.records import record

_LENGTHS = frozenset({"length", "revindex", "revindex0"})
_DEPTH = ".depth"
_NUMBERS = frozenset({"index", "index0", "first", "last"}) | _LENGTHS


@record
class Counts:
    """The variables that stand for attributes of a loop without a loop object."""

    number: str = ""
    last: str = ""
    length: str = ""

    def attribute(self, name: str, at: Place) -> ast.expr:
        number = pyast.name(self.number, at)

        def less(left: str, right: str, add: int) -> ast.expr:
            made = pyast.binary(pyast.name(left, at), ast.Sub(), pyast.name(right, at), at)
            return pyast.binary(made, ast.Add(), pyast.const(add, at), at) if add else made

        match name:
            case "index":
                return number
            case "index0":
                return pyast.binary(number, ast.Sub(), pyast.const(1, at), at)
            case "first":
                return pyast.compare(number, [ast.Eq()], [pyast.const(1, at)], at)
            case "last":
                return pyast.name(self.last, at)
            case "length":
                return pyast.name(self.length, at)
            case "revindex":
                return less(self.length, self.number, 1)
            case "revindex0":
                return less(self.length, self.number, 0)
            case "depth":
                return pyast.const(1, at)
            case _:
                return pyast.const(0, at)


def for_(f: Function, op: ops.For) -> None:
    if op.recursive:
        _recursive(f, op)
    else:
        _loop(f, op, value(f, op.iter), None)


def _loop(f: Function, op: ops.For, iterable: ast.expr, recurse: str | None) -> None:
    """The loop itself. `recurse` is the variable with the function of a recursive loop."""
    at = f.at(op.site)
    use = op.loop
    asynchronous = f.compiler.target.is_async
    counts = f.compiler.loops[use] = Counts()
    ahead = op.test is not None and use.looks_ahead
    if ahead:
        iterable = _passing(f, op, iterable, at)

    ran = None
    if op.orelse is not None:
        ran = f.keep("ran")
        f.set(ran, pyast.const(False, at), at)

    to: ast.expr
    if use.whole:
        assert use.slot is not None
        arguments = [iterable, f.constant("undefined_class", None, at)]
        if recurse is not None:
            arguments += [pyast.name(recurse, at), pyast.name(_DEPTH, at)]
        iterable = pyast.call(
            f.runtime("AsyncLoopContext" if asynchronous else "LoopContext", at), arguments, at
        )
        wrap = "loop"
    elif use.attributes & _LENGTHS:
        held = f.keep("items")
        counts.length = f.keep("length")
        if asynchronous:
            made = pyast.await_(pyast.call(f.runtime("auto_to_list", at), [iterable], at), at)
            f.set(held, made, at)
        else:
            f.set(held, pyast.call(f.runtime("sized", at), [iterable], at), at)
        f.set(counts.length, pyast.call(f.python("len", at), [pyast.name(held, at)], at), at)
        iterable = pyast.name(held, at)
        wrap = "counted"
    elif use.attributes & _NUMBERS:
        wrap = "counted" if "last" in use.attributes else "count" if asynchronous or op.test else "enumerate"
    else:
        wrap = ""

    if wrap == "count":
        counts.number = f.keep("n")
        f.set(counts.number, pyast.const(0, at), at)
    start = f.enter(op.frame)
    put_back = f.exits[-1]
    assert put_back is not None
    f.exits.append(None)
    body: list[ast.stmt] = []
    with f.into(body, at):
        to = target(f, op.target, at, [])
        if wrap == "loop":
            assert use.slot is not None
            to = pyast.tuple_target([to, pyast.target(f.name(use.slot), at)], at)
        elif wrap == "enumerate":
            counts.number = f.keep("n")
            iterable = pyast.call(f.python("enumerate", at), [iterable, pyast.const(1, at)], at)
            to = pyast.tuple_target([pyast.target(counts.number, at), to], at)
        elif wrap == "counted":
            counts.number, counts.last = f.keep("n"), f.keep("last")
            iterable = pyast.call(f.runtime("acounted" if asynchronous else "counted", at), [iterable], at)
            targets = [pyast.target(counts.number, at), pyast.target(counts.last, at), to]
            to = pyast.tuple_target(targets, at)
        elif asynchronous:
            iterable = pyast.call(f.runtime("auto_aiter", at), [iterable], at)
        note_types(f, op.target)
        if op.test is not None and not ahead:
            put_back(set(_names(f, op.target)))
            _skip_unless(f, op, at)
        if wrap == "count":
            more = pyast.binary(pyast.name(counts.number, at), ast.Add(), pyast.const(1, at), at)
            f.set(counts.number, more, at)
        start()
        f.body += block_of(f, op.body, f.quiet)
        if ran is not None:
            # Last, as a round that a break or continue ends does not count.
            quiet = f.quiet
            f.set(ran, pyast.const(True, quiet), quiet)
        if not body:
            body.append(pyast.pass_(NOWHERE))
    f.exits.pop()
    f.body.append(pyast.for_(to, iterable, body, at, asynchronous=asynchronous))
    f.leave()
    if ran is not None:
        with f.into([], at) as otherwise:
            begin = f.enter(op.else_frame)
            begin()
            f.body += block_of(f, op.orelse or [], at)
            f.leave()
        not_ran = pyast.unary(ast.Not(), pyast.name(ran, at), at)
        if otherwise:
            f.body.append(pyast.if_(not_ran, otherwise, [], at))


def _names(f: Function, to: ops.Target) -> list[str]:
    """The variables that a loop's target binds."""
    if isinstance(to, tuple):
        return [name for part in to for name in _names(f, part)]
    return [f.name(to)] if isinstance(to, ops.Slot) else []


def _alias(f: Function, to: ops.Target, of: ops.Target) -> None:
    """Gives the variables of the target `to` the names of those of `of`, which hold the same values."""
    if isinstance(to, ops.Slot) and isinstance(of, ops.Slot):
        f.compiler.names[to] = f.name(of)
    elif isinstance(to, tuple) and isinstance(of, tuple):
        for inner, outer in zip(to, of, strict=True):
            _alias(f, inner, outer)


def _skip_unless(f: Function, op: ops.For, at: Place) -> None:
    """The condition at the start of the body, for an item that the loop's variables hold. It sees the enclosing
    frame's variables, not what the round before has made of the body's."""
    assert op.test is not None and op.test_target is not None
    _alias(f, op.test_target, op.target)
    note_types(f, op.test_target)
    f.begin()
    fails = pyast.unary(ast.Not(), value(f, op.test), at)
    f.body.append(pyast.if_(fails, [pyast.continue_(at)], [], at))


def _passing(f: Function, op: ops.For, iterable: ast.expr, at: Place) -> ast.expr:
    """An iterator over the items that pass the condition: a generator, so that none is taken before it is asked
    for."""
    asynchronous = f.compiler.target.is_async
    assert op.test is not None and op.test_frame is not None and op.test_target is not None
    inner = f.nested()
    item, items = ".item", ".items"
    start = inner.enter(op.test_frame)
    with inner.into([]) as body:
        start()
        inner.body.append(pyast.assign(target(inner, op.test_target, at, []), pyast.name(item, at), at))
        note_types(inner, op.test_target)
        passes = value(inner, op.test)
        give: list[ast.stmt] = [pyast.evaluate(pyast.yield_(pyast.name(item, at), at), at)]
        inner.body.append(pyast.if_(passes, give, [], at))
    given: ast.expr = pyast.name(items, at)
    if asynchronous:
        given = pyast.call(f.runtime("auto_aiter", at), [given], at)
    inner.body.append(pyast.for_(pyast.target(item, at), given, body, at, asynchronous=asynchronous))
    name = f.keep("passing")
    f.compiler.labels[name] = "loop condition", at["lineno"]
    f.body.append(pyast.function(name, [items], inner.whole(), asynchronous=asynchronous))
    return pyast.call(pyast.name(name, at), [iterable], at)


def _recursive(f: Function, op: ops.For) -> None:
    """A recursive loop is a function of an iterable and a depth that gives the text of the loop."""
    at = f.at(op.site)
    iterable = value(f, op.iter)
    asynchronous = f.compiler.target.is_async
    name = f.keep("recurse")
    inner = f.nested()
    items = ".items"
    inner.set(OUTPUT, pyast.sequence(ast.List, [], NOWHERE), NOWHERE)
    _loop(inner, op, pyast.name(items, at), name)
    end = inner.quiet
    inner.body.append(pyast.return_(joined(inner, pyast.name(OUTPUT, end), op.autoescape, end), end))
    f.compiler.labels[name] = "loop", at["lineno"]
    f.body.append(pyast.function(name, [items, _DEPTH], inner.whole(), asynchronous=asynchronous))
    call = pyast.call(pyast.name(name, at), [iterable, pyast.const(0, at)], at)
    f.write(f.awaited(call, at), at)


STATEMENTS[ops.For] = for_
