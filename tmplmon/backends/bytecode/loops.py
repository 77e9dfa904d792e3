"""Loops, in the cheapest form that has what the body reads of ``loop``.

    nothing                    for x in xs:
    index, index0, first       for .n, x in enumerate(xs, 1):
    last                       for .n, .last, x in counted(xs):
    length, revindex           … over `sized(xs)`, whose length is taken before
    anything else              for x, loop in LoopContext(xs):
    recursive                  the last form, in a function of its own, which `loop` calls

A condition is tested in the body. If the loop looks ahead, it is tested in a generator that the loop iterates over.
"""

import ast
from collections.abc import Callable
from typing import Any

from tmplmon.backends.bytecode import pyast
from tmplmon.backends.bytecode.body import block_of
from tmplmon.backends.bytecode.counts import Counts
from tmplmon.backends.bytecode.function import OUTPUT, Function
from tmplmon.backends.bytecode.operands import note_types, value
from tmplmon.backends.bytecode.pyast import NOWHERE, Place
from tmplmon.backends.bytecode.statements import joined, target
from tmplmon.ir import ops
from tmplmon.ir.facts import COUNTED_ATTRIBUTES, LENGTH_ATTRIBUTES

_DEPTH = ".depth"


def for_(f: Function, op: ops.For) -> None:
    if op.recursive:
        _recursive(f, op)
    else:
        _loop(f, op, value(f, op.iter), None)


def _loop(f: Function, op: ops.For, iterable: ast.expr, recurse: str | None) -> None:
    """Append a loop and its ``else``. `recurse` is the variable with the function of a recursive loop."""
    at = f.at(op.site)
    use = op.loop
    asynchronous = f.unit.target.is_async
    counts = f.unit.loops[use] = Counts()
    filtered_ahead = op.test is not None and use.looks_ahead
    passing = None
    if filtered_ahead:
        iterable = _filtered(f, op, iterable, at)
        if asynchronous:
            passing = f.keep("passing items")
            f.set(passing, iterable, at)
            iterable = pyast.name(passing, at)

    ran = None
    if op.orelse is not None:
        ran = f.keep("ran")
        f.set(ran, pyast.const(False, at), at)

    if use.whole:
        form = "loop object"
        arguments = [iterable, f.constant("undefined_class", None, at)]
        if recurse is not None:
            arguments += [pyast.name(recurse, at), pyast.name(_DEPTH, at)]
        context_class = "AsyncLoopContext" if asynchronous else "LoopContext"
        iterable = pyast.call(f.runtime(context_class, at), arguments, at)
    elif use.attributes & LENGTH_ATTRIBUTES:
        form = "counted"
        iterable = _sized(f, counts, iterable, at)
    elif use.attributes & COUNTED_ATTRIBUTES:
        if "last" in use.attributes:
            form = "counted"
        else:
            form = "count in body" if asynchronous or op.test else "enumerate"
    else:
        form = "plain"

    if form == "count in body":
        counts.number = f.keep("n")
        f.set(counts.number, pyast.const(0, at), at)
    start = f.enter(op.frame)
    restore = f.exits[-1]
    assert restore is not None
    f.exits.append(None)
    body: list[ast.stmt] = []
    with f.into(body, at):
        to = target(f, op.target, at, [])
        if form == "loop object":
            assert use.slot is not None
            to = pyast.tuple_target([to, pyast.target(f.name(use.slot), at)], at)
        elif form == "enumerate":
            counts.number = f.keep("n")
            iterable = pyast.call(f.python("enumerate", at), [iterable, pyast.const(1, at)], at)
            to = pyast.tuple_target([pyast.target(counts.number, at), to], at)
        elif form == "counted":
            counts.number, counts.last = f.keep("n"), f.keep("last")
            iterable = pyast.call(f.runtime("acounted" if asynchronous else "counted", at), [iterable], at)
            targets = [pyast.target(counts.number, at), pyast.target(counts.last, at), to]
            to = pyast.tuple_target(targets, at)
        elif asynchronous:
            iterable = pyast.call(f.runtime("auto_aiter", at), [iterable], at)
        note_types(f, op.target)
        if op.test is not None and not filtered_ahead:
            restore(set(_names(f, op.target)))
            _skip_unless(f, op, at)
        if form == "count in body":
            more = pyast.binary(pyast.name(counts.number, at), ast.Add(), pyast.const(1, at), at)
            f.set(counts.number, more, at)
        start()
        f.body += block_of(f, op.body, f.quiet)
        if ran is not None:
            # At the end of the body, as a round that ends with a break or continue does not count.
            quiet = f.quiet
            f.set(ran, pyast.const(True, quiet), quiet)
        if not body:
            body.append(pyast.pass_(NOWHERE))
    f.exits.pop()
    loop = pyast.for_(to, iterable, body, at, asynchronous=asynchronous)
    if passing is not None:
        loop = pyast.closing(passing, [loop], at)
    f.body.append(loop)
    f.leave()
    if ran is not None:
        with f.into([], at) as orelse:
            begin = f.enter(op.else_frame)
            begin()
            f.body += block_of(f, op.orelse or [], at)
            f.leave()
        not_ran = pyast.unary(ast.Not(), pyast.name(ran, at), at)
        if orelse:
            f.body.append(pyast.if_(not_ran, orelse, [], at))


def _sized(f: Function, counts: Counts, iterable: ast.expr, at: Place) -> ast.expr:
    """An iterable whose length has been taken."""
    items = f.keep("items")
    counts.length = f.keep("length")
    if f.unit.target.is_async:
        sized = pyast.await_(pyast.call(f.runtime("auto_to_list", at), [iterable], at), at)
        f.set(items, sized, at)
    else:
        f.set(items, pyast.call(f.runtime("sized", at), [iterable], at), at)
    f.set(counts.length, pyast.call(f.python("len", at), [pyast.name(items, at)], at), at)
    return pyast.name(items, at)


def _names(f: Function, to: ops.Target) -> list[str]:
    """The Python variables that a loop's target binds."""
    if isinstance(to, tuple):
        return [name for part in to for name in _names(f, part)]
    return [f.name(to)] if isinstance(to, ops.Slot) else []


def _share_variables(f: Function, to: ops.Target, source: ops.Target) -> None:
    """Use the variables of one target for another of the same shape, which has the same values."""
    if isinstance(to, ops.Slot) and isinstance(source, ops.Slot):
        f.unit.names[to] = f.name(source)
    elif isinstance(to, tuple) and isinstance(source, tuple):
        for inner, outer in zip(to, source, strict=True):
            _share_variables(f, inner, outer)


def _skip_unless(f: Function, op: ops.For, at: Place) -> None:
    """Append the test of the loop's condition, for an item that is in the loop's variables. The condition sees the
    variables of the enclosing frame, not the values that the previous round has set in the body."""
    assert op.test is not None and op.test_target is not None
    _share_variables(f, op.test_target, op.target)
    note_types(f, op.test_target)
    f.begin()
    fails = pyast.unary(ast.Not(), value(f, op.test), at)
    f.body.append(pyast.if_(fails, [pyast.continue_(at)], [], at))


def _filtered(f: Function, op: ops.For, iterable: ast.expr, at: Place) -> ast.expr:
    """An iterator over the items that meet the loop's condition: a generator, so that an item is taken only when it
    is asked for."""
    asynchronous = f.unit.target.is_async
    assert op.test is not None and op.test_frame is not None and op.test_target is not None
    inner = f.nested()
    item, items = ".item", ".items"
    start = inner.enter(op.test_frame)
    with inner.into([]) as body:
        start()
        inner.body.append(pyast.assign(target(inner, op.test_target, at, []), pyast.name(item, at), at))
        note_types(inner, op.test_target)
        passes = value(inner, op.test)
        yield_item: list[ast.stmt] = [pyast.evaluate(pyast.yield_(pyast.name(item, at), at), at)]
        inner.body.append(pyast.if_(passes, yield_item, [], at))
    unfiltered: ast.expr = pyast.name(items, at)
    if asynchronous:
        unfiltered = pyast.call(f.runtime("auto_aiter", at), [unfiltered], at)
    inner.body.append(pyast.for_(pyast.target(item, at), unfiltered, body, at, asynchronous=asynchronous))
    name = f.keep("passing")
    f.unit.labels[name] = "loop condition", at["lineno"]
    f.define(pyast.function(name, [items], inner.whole(), asynchronous=asynchronous))
    return pyast.call(pyast.name(name, at), [iterable], at)


def _recursive(f: Function, op: ops.For) -> None:
    """A recursive loop is a function of an iterable and a depth that returns the text of the loop."""
    at = f.at(op.site)
    iterable = value(f, op.iter)
    asynchronous = f.unit.target.is_async
    name = f.keep("recurse")
    inner = f.nested()
    items = ".items"
    inner.set(OUTPUT, pyast.sequence(ast.List, [], NOWHERE), NOWHERE)
    _loop(inner, op, pyast.name(items, at), name)
    end = inner.quiet
    inner.body.append(pyast.return_(joined(inner, pyast.name(OUTPUT, end), op.autoescape, end), end))
    f.unit.labels[name] = "loop", at["lineno"]
    f.define(pyast.function(name, [items, _DEPTH], inner.whole(), asynchronous=asynchronous))
    call = pyast.call(pyast.name(name, at), [iterable, pyast.const(0, at)], at)
    f.write(f.awaited(call, at), at)


STATEMENTS: dict[type[Any], Callable[[Function, Any], None]] = {ops.For: for_}
