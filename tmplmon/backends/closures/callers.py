"""The template's line for functions that a quiet tree calls.

A function of the application can ask who called it: `warnings` and `logging` do, to name the line that a warning is
about. In a tree without events there is no frame of the template. So a closure that calls a function gets code of
its own, with the file and line of the call, and the engine's functions between the two are passed over (see
`tmplmon.runtime.calls.pass_over`). Its frame is removed from tracebacks, which get the scope's own.

A tool that has disabled all events of a scope may still see this code start. It learns that the line of the call
was reached, which is so. The return has no line, so that it does not look like the end of the template.
"""

from opcode import opname
from types import CodeType, FunctionType
from typing import TYPE_CHECKING

from tmplmon.monitoring.linetable import NOWHERE, encode_linetable

if TYPE_CHECKING:
    from tmplmon.backends.closures.core import Builder, Closure


def placed(b: "Builder", site: int, closure: "Closure") -> "Closure":
    """Give a closure that calls functions of the application the place of its op.

    A tree that signals calls them from a real frame where that matters. In asynchronous environments, closures stay
    as they are.
    """
    if b.signals is None and not b.constants.is_async and isinstance(closure, FunctionType):
        line = b.scope.ir.positions[site][0]
        closure.__code__ = _at_line(closure.__code__, b.constants.program.filename, b.scope.name, line)
    return closure


def _at_line(code: CodeType, filename: str, name: str, line: int) -> CodeType:
    here = line, line, None, None
    opcodes = code.co_code[::2]
    return code.replace(
        co_filename=filename,
        co_name=name,
        co_qualname=name,
        co_firstlineno=line,
        co_linetable=encode_linetable(
            [NOWHERE if opname[opcode].startswith("RETURN") else here for opcode in opcodes], line
        ),
    )
