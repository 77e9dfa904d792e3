"""A small client of pydevd, the debugger of PyCharm, which does the same as PyCharm in a debugging session.

It listens on a socket and starts the program under `pydevd`, which connects to the socket and receives commands. A
message is a line with the number of the command, a sequence number and a text, separated by tabs. Responses are
quoted as in URLs, and most of them are XML. It waits only for messages, with a time limit for sessions that hang.

Source: `_pydevd_bundle/pydevd_comm.py` in the package pydevd-pycharm
"""

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote
from xml.etree import ElementTree

import pydevd_pycharm

PATIENCE = 30
DEBUGGER = Path(pydevd_pycharm.__file__).with_name("pydevd.py")

RUN, SUSPENDED, GO_ON, BREAKPOINT, EVALUATE, FRAME, VERSION, ERROR = 101, 105, 106, 111, 113, 114, 501, 901
STEPS = {"continue": GO_ON, "stepIn": 107, "next": 108, "stepOut": 109, "stepInMyCode": 144}


class PyCharm:
    """A debugging session. A ``with`` block ends it.

    watching: the interface that the debugger uses, "settrace" or "monitoring"; the editor chooses it.
    output: the output of the program, including standard error, after it has ended.
    """

    def __init__(self, watching: str) -> None:
        self.watching = watching
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE)
        self.printed = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.program: subprocess.Popen[str] | None = None
        self.sent = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.listener.close()
        if self.program is not None:
            self.program.kill()
            self.program.wait()
        self.printed.close()

    # --- messages ------------------------------------------------------------------------------------------

    def send(self, command: int, *fields: object) -> int:
        self.sent += 2  # the numbers of the debugger are even
        text = "\t".join(map(str, (command, self.sent, *fields)))
        self.stream.write(text + "\n")
        self.stream.flush()
        return self.sent

    def _next(self) -> tuple[int, int, str] | None:
        """The next message, as (command, number, text), or None if the program has ended."""
        line = self.stream.readline()
        if not line:
            return None
        command, number, text = line.rstrip("\n").split("\t", 2)
        return int(command), int(number), unquote(text)

    def request(self, command: int, *fields: object) -> ElementTree.Element:
        number = self.send(command, *fields)
        while True:
            message = self._next()
            assert message is not None, "the program has ended"
            if message[1] == number:
                assert message[0] != ERROR, message
                return ElementTree.fromstring(message[2])

    # --- what the editor does ------------------------------------------------------------------------------

    def launch(self, here: Path, argv: list[str], breakpoints: dict[str, dict[int, str]]) -> None:
        """Start a program. breakpoints: file relative to `here` → line → condition, or "None"."""
        self.here = here
        port = self.listener.getsockname()[1]
        self.program = subprocess.Popen(
            [sys.executable, DEBUGGER, "--client", "127.0.0.1", "--port", str(port), "--file", *argv],
            cwd=here,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sys.path),
                # The setting "Do not step into library scripts".
                "IDE_PROJECT_ROOTS": str(here),
                "PYDEVD_FILTER_LIBRARIES": "True",
                "USE_LOW_IMPACT_MONITORING": "True" if self.watching == "monitoring" else "",
            },
            stdout=self.printed,
            stderr=subprocess.STDOUT,
            text=True,
        )
        connection, _ = self.listener.accept()
        connection.settimeout(PATIENCE)
        self.stream = connection.makefile("rw", encoding="utf-8", newline="\n")
        connection.close()  # the stream keeps it open
        self.send(VERSION, "1", "UNIX")
        for file, lines in breakpoints.items():
            for line, condition in lines.items():
                self.send(BREAKPOINT, "python-line", here / file, line, "None", "NONE", condition, "None")
        self.send(RUN, "")

    def stopped(self) -> list[str]:
        """Wait until the program stops. Returns its stack, innermost frame first, as ``file:line name``, or an
        empty list if the program has ended. Frames of libraries are left out, as the editor can hide them."""
        while (message := self._next()) is not None:
            if message[0] == SUSPENDED:
                (thread,) = ElementTree.fromstring(message[2])
                self.thread = thread.attrib["id"]
                frames = [(Path(unquote(each.attrib["file"])), each.attrib) for each in thread]
                frames = [(file, each) for file, each in frames if self.here in file.parents]
                self.frames = [each["id"] for _, each in frames]
                return [f"{file.name}:{each['line']} {unquote(each['name'])}" for file, each in frames]
        assert self.program is not None
        self.program.wait(PATIENCE)
        self.printed.seek(0)
        self.output = self.printed.read()
        return []

    def go(self, command: str) -> list[str]:
        """Run one of STEPS. Returns the stack at the next stop."""
        self.send(STEPS[command], self.thread)
        return self.stopped()

    def _values(self, answer: ElementTree.Element) -> dict[str, str]:
        """Name → displayed value."""
        shown: dict[str, Any] = {
            unquote(each.attrib["name"]): each.attrib.get("value", "") for each in answer
        }
        return {name: unquote(value) for name, value in shown.items()}

    def variables(self, frame: int = 0) -> dict[str, str]:
        """The local variables of a frame. Frames are numbered from the innermost."""
        return self._values(self.request(FRAME, self.thread, self.frames[frame], "FRAME", 0))

    def evaluate(self, expression: str, frame: int = 0) -> str:
        answer = self.request(EVALUATE, self.thread, self.frames[frame], "FRAME", expression, 1)
        (value,) = self._values(answer).values()
        return value
