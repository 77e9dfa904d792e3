"""Environments for the worker processes of the tests: a worker imports the module of its environment."""

import os
import signal
import socket
from datetime import datetime
from typing import Any

from tmplmon import Environment
from tmplmon.sandbox import SandboxedEnvironment


def _open_file(name: str) -> str:
    with open(name, encoding="utf-8") as file:
        return file.read()


def _connect(_: Any) -> str:
    with socket.socket() as connection:
        return str(connection.family)


def _kill(number: int) -> None:
    os.kill(os.getpid(), number)


def _swallow(_: Any) -> None:
    """Run for ever, whatever `Exception` is raised."""
    while True:
        try:
            while True:
                pass
        except Exception:
            pass


def _block_signals(_: Any) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM, signal.SIGPROF})
    while True:
        pass


def _fail(kind: str) -> None:
    class Strange(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    class Own(ValueError):
        pass

    raise {"own": Own("of its own"), "strange": Strange(), "exit": SystemExit(3)}[kind]


def environment(**options: Any) -> Environment:
    result = SandboxedEnvironment(**options)
    result.filters.update(
        open_file=_open_file,
        connect=_connect,
        kill=_kill,
        exit=lambda status: os._exit(status),
        swallow=_swallow,
        block_signals=_block_signals,
        fail=_fail,
        type_name=lambda value: type(value).__name__,
        year=lambda moment: moment.year if isinstance(moment, datetime) else None,
    )
    result.globals["process"] = os.getpid
    return result


def asynchronous() -> Environment:
    async def later(text: str) -> str:
        return text.upper()

    result = environment(enable_async=True)
    result.filters["later"] = later
    return result


def failing() -> Environment:
    raise LookupError("no settings")


def unsafe() -> Environment:
    return Environment()
