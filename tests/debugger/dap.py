"""A small client of the Debug Adapter Protocol, which does the same as an editor in a debugging session.

It starts debugpy's adapter, launches a program through it, and exchanges messages over the adapter's standard input
and output. It waits only for messages, with a time limit for sessions that hang.

Source: https://microsoft.github.io/debug-adapter-protocol/specification
"""

import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PATIENCE = 30

type Message = dict[str, Any]


class Editor:
    """A debugging session. A ``with`` block ends it."""

    def __init__(self) -> None:
        self.adapter = subprocess.Popen(
            [sys.executable, "-m", "debugpy.adapter"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.sent = 0
        self.messages: queue.Queue[Message | None] = queue.Queue()
        self.events: list[Message] = []  # the events that have not been waited for yet
        self.output = ""
        self.verified: list[bool] = []  # for each breakpoint, whether the debugger has verified it
        threading.Thread(target=self._receive, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self.adapter.poll() is None:
                number = self.send("disconnect", terminateDebuggee=True)
                if error is None:
                    self.answer(number)
        finally:
            self.adapter.kill()
            self.adapter.wait()

    # --- messages ------------------------------------------------------------------------------------------

    def _receive(self) -> None:
        stream = self.adapter.stdout
        assert stream is not None
        while header := stream.readline():
            length = int(header.partition(b":")[2])
            while stream.readline().strip():
                pass
            self.messages.put(json.loads(stream.read(length)))
        self.messages.put(None)

    def _next(self) -> Message:
        message = self.messages.get(timeout=PATIENCE)
        assert message is not None, f"the adapter ended; output: {self.output}"
        if message["type"] == "event" and message["event"] == "output":
            self.output += message["body"]["output"]
        return message

    def send(self, command: str, **arguments: Any) -> int:
        self.sent += 1
        message = {"seq": self.sent, "type": "request", "command": command, "arguments": arguments}
        data = json.dumps(message).encode()
        assert self.adapter.stdin is not None
        self.adapter.stdin.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        self.adapter.stdin.flush()
        return self.sent

    def answer(self, number: int) -> Message:
        """Send a request. Returns the body of the response."""
        while True:
            message = self._next()
            if message["type"] == "response" and message["request_seq"] == number:
                assert message["success"], message
                body: Message = message.get("body") or {}
                return body
            if message["type"] == "event":
                self.events.append(message)

    def request(self, command: str, **arguments: Any) -> Message:
        return self.answer(self.send(command, **arguments))

    def event(self, *names: str) -> Message:
        """Wait for the next event with one of these names."""
        while True:
            message = self.events.pop(0) if self.events else self._next()
            if message["type"] == "event" and message["event"] in names:
                return message

    # --- what an editor does -------------------------------------------------------------------------------

    def launch(
        self,
        here: Path,
        argv: list[str],
        breakpoints: dict[str, list[Message]],
        exceptions: list[str] | None = None,
        **options: Any,
    ) -> None:
        """Start a program. The options are those of a launch configuration.

        breakpoints: file relative to `here` → breakpoints as in the protocol.  exceptions: the filter of
        exceptions to stop for, "raised" or "uncaught".
        """
        self.request(
            "initialize", adapterID="python", pathFormat="path", linesStartAt1=True, columnsStartAt1=True
        )
        program, *args = argv
        started = self.send(
            "launch",
            program=str(here / program),
            args=args,
            cwd=str(here),
            python=[sys.executable],
            console="internalConsole",
            env={"PYTHONPATH": os.pathsep.join(sys.path), "PYDEVD_DISABLE_FILE_VALIDATION": "1"},
            **options,
        )
        self.event("initialized")
        for file, wanted in breakpoints.items():
            body = self.request("setBreakpoints", source={"path": str(here / file)}, breakpoints=wanted)
            self.verified += [each["verified"] for each in body["breakpoints"]]
        self.request("setExceptionBreakpoints", filters=exceptions or [])
        self.request("configurationDone")
        self.answer(started)

    def stopped(self) -> list[str]:
        """Wait until the program stops. Returns its stack, innermost frame first, as ``file:line name``, or an
        empty list if the program has ended."""
        event = self.event("stopped", "terminated")
        if event["event"] == "terminated":
            return []
        self.thread: int = event["body"]["threadId"]
        frames = self.request("stackTrace", threadId=self.thread)["stackFrames"]
        self.frames = [frame["id"] for frame in frames]
        return [f"{Path(each['source']['path']).name}:{each['line']} {each['name']}" for each in frames]

    def go(self, command: str) -> list[str]:
        """Run `continue`, `next`, `stepIn` or `stepOut`. Returns the stack at the next stop."""
        self.request(command, threadId=self.thread)
        return self.stopped()

    def _locals(self, frame: int) -> int:
        scopes = self.request("scopes", frameId=self.frames[frame])["scopes"]
        (scope,) = (each for each in scopes if each["name"] == "Locals")
        reference: int = scope["variablesReference"]
        return reference

    def variables(self, frame: int = 0) -> dict[str, str]:
        """Name → displayed value, for the local variables of a frame. Frames are numbered from the innermost."""
        variables_of_frame = self.request("variables", variablesReference=self._locals(frame))["variables"]
        return {each["name"]: each["value"] for each in variables_of_frame}

    def evaluate(self, expression: str, frame: int = 0) -> str:
        body = self.request("evaluate", expression=expression, frameId=self.frames[frame], context="watch")
        return str(body["result"])

    def set(self, name: str, value: str, frame: int = 0) -> str:
        """Assign the value of an expression to a local variable."""
        body = self.request("setVariable", variablesReference=self._locals(frame), name=name, value=value)
        return str(body["value"])
