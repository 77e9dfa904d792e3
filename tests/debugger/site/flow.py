"""Renders a template in pieces or asynchronously, in the debugger: flow.py HOW BACKEND [PDB_BACKEND | none]."""

import asyncio
import sys

from tmplmon import Environment, FileSystemLoader
from tmplmon.tools import debugger
from tmplmon.tools.debugger import post_mortem

how, backend, pdb_backend = [*sys.argv[1:], "settrace"][:3]
is_async = how not in ("generate", "stream")
environment = Environment(loader=FileSystemLoader("templates"), backend=backend, enable_async=is_async)
template = environment.get_template("rows.html")


def set_trace():
    if pdb_backend != "none":
        debugger.Pdb(backend=pdb_backend).set_trace(sys._getframe(1))


def generate():
    set_trace()
    for piece in template.generate(rows=[1, 2], value=str):
        print("piece", repr(piece))
    return "done"


def stream():
    set_trace()
    for piece in template.stream(rows=[1, 2], value=str):
        print("piece", repr(piece))
    return "done"


async def value(row):
    await asyncio.sleep(0)
    if row == how:
        raise ValueError("no such row")
    return f"value of {row}"


async def other():
    for turn in range(3):
        print("other", turn)
        await asyncio.sleep(0)


async def render():
    rendering = asyncio.ensure_future(template.render_async(rows=[1, 2], value=value))
    task = asyncio.ensure_future(other())
    set_trace()
    await task
    return await rendering


async def pieces():
    set_trace()
    async for piece in template.generate_async(rows=[1, 2], value=value):
        print("piece", repr(piece))
    return "done"


if how in ("generate", "stream"):
    print({"generate": generate, "stream": stream}[how]())
elif how == "post_mortem":
    try:
        asyncio.run(template.render_async(rows=[1, how], value=value))
    except ValueError as error:
        post_mortem(error)
else:
    print(repr(asyncio.run({"async": render, "pieces": pieces}[how]())))
