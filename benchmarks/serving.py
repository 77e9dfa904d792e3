"""``python -m benchmarks.serving``: the catalogue page of the demonstration library under load, on loopback.

Servers are separate processes: gunicorn with 8 threads for Flask, uvicorn for Starlette. The client is one process
with several connections. Each sends its next request as soon as it has received a response, and checks the
response: the status, and that the page equals the server's first one. A few requests precede the measurement.

Turns are short. Each turn measures every server, in the opposite order of the last turn. The speed of a server
relative to another is the median of the ratios over the turns: other work on the machine then affects both,
or only a few turns. The table also shows each server's best turn, and its memory after the first and the last
turn.

    --requests N   for each server and turn (default 400)     --turns N   (default 20)
    --cpu          no servers: the processor time per request of Flask in a separate process, the minimum of many
                   batches, which other work on the machine affects less
    --instructions the processor instructions per request, counted by valgrind, which nothing affects; takes minutes
    --only NAMES   of flask-jinja2, flask-tmplmon, flask-tmplmon-coverage, starlette-tmplmon
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter

ROOT = Path(__file__).parents[1]
PATH = "/?page=2"
WARM_UP_REQUESTS = 200


@dataclass
class ServerKind:
    """A kind of server, and its measurements.

    against: the name of the kind that it is compared with. speeds: requests per second, of each turn. memory: MB
    after each turn.
    """

    name: str
    command: tuple[str, ...]
    connections: int
    environment: dict[str, str]
    against: str = ""
    speeds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    errors: int = 0


GUNICORN = ("gunicorn", "--bind", "127.0.0.1:0", "--threads", "8", "--keep-alive", "30")
UVICORN = ("uvicorn", "--host", "127.0.0.1", "--port", "0", "--no-access-log")
KINDS = (
    ServerKind("flask-jinja2", GUNICORN, 8, {"ENGINE": "jinja2"}),
    ServerKind("flask-tmplmon", GUNICORN, 8, {}, "flask-jinja2"),
    ServerKind("flask-tmplmon-coverage", GUNICORN, 8, {"COVERAGE": "1"}, "flask-tmplmon"),
    ServerKind("starlette-tmplmon", UVICORN, 200, {"FRAMEWORK": "starlette"}),
)


class Server:
    """A running server. page: its first response."""

    def __init__(self, kind: ServerKind) -> None:
        self.page: bytes | None = None
        command = [sys.executable, "-m", *kind.command, "benchmarks.serving_app:application"]
        environment = {**os.environ, **kind.environment}
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self.process.stdout is not None
        output = []
        for line in self.process.stdout:
            output.append(line)
            if (url := re.search(r"http://127\.0\.0\.1:(\d+)", line)) is not None:
                self.port = int(url[1])
                return
        raise SystemExit("".join(output))

    def memory(self) -> float:
        """Return the memory of the server and its workers, in MB."""
        total = 0
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for number in (self.process.pid, *children):
            status = Path(f"/proc/{number}/status").read_text()
            total += int(re.search(r"VmRSS:\s+(\d+)", status)[1])  # type: ignore[index]
        return total / 1024

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process.wait(30)


async def load(server: Server, connections: int, requests: int) -> tuple[float, int]:
    """Return the requests per second, and the number of responses that differ from the first one or failed."""
    request = f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()
    left = requests
    errors = 0

    async def connection() -> None:
        nonlocal left, errors
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        while left > 0:
            left -= 1
            writer.write(request)
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(re.search(rb"content-length: (\d+)", head)[1])  # type: ignore[index]
                body = await reader.readexactly(length)
            except (OSError, EOFError, TypeError):
                errors += 1
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                continue
            server.page = server.page or body
            errors += not (b" 200 " in head[:20] and body == server.page)
            if b"connection: close" in head:
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.close()

    start = perf_counter()
    await asyncio.gather(*(connection() for _ in range(connections)))
    return requests / (perf_counter() - start), errors


_ASK = """
import io, sys, time
from benchmarks.serving_app import application
def ask():
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "QUERY_STRING": "page=2", "SERVER_NAME": "x",
               "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(),
               "wsgi.errors": sys.stderr, "SERVER_PROTOCOL": "HTTP/1.1"}
    body = application(environ, lambda *_: None)
    b"".join(body)
    body.close()
"""
_TIMED = """
for _ in range(50):
    ask()
best = 1e9
for _ in range(30):
    start = time.process_time()
    for _ in range(20):
        ask()
    best = min(best, (time.process_time() - start) / 20)
print(best * 1000)
"""


def cpu(kinds: list[ServerKind], turns: int) -> None:
    """Print the processor time per request, for the servers with Flask."""
    best = {kind.name: 1e9 for kind in kinds if kind.command is GUNICORN}
    for _ in range(turns):
        for kind in kinds:
            if kind.name in best:
                environment = {**os.environ, **kind.environment}
                command = [sys.executable, "-c", _ASK + _TIMED]
                best[kind.name] = min(best[kind.name], float(run(command, environment).stdout))
    for name, time in best.items():
        print(f"{name:24} {time:8.3f} ms")


def instructions(kinds: list[ServerKind]) -> None:
    """Print the processor instructions per request, for the servers with Flask: the difference of two runs."""
    fewer, more = 100, 300
    for kind in kinds:
        if kind.command is GUNICORN:
            environment = {**os.environ, **kind.environment, "PYTHONHASHSEED": "0"}
            counted = []
            for requests in (fewer, more):
                program = f"{_ASK}\nfor _ in range({requests}):\n    ask()\n"
                command = [
                    "valgrind",
                    "--tool=cachegrind",
                    "--cache-sim=no",
                    "--cachegrind-out-file=/dev/null",
                ]
                done = run([*command, sys.executable, "-c", program], environment)
                counted.append(int(re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)[1].replace(",", "")))  # type: ignore[index]
            print(
                f"{kind.name:24} {(counted[1] - counted[0]) / (more - fewer) / 1e6:8.3f} million", flush=True
            )


def run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.serving")
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--only", nargs="+", choices=[kind.name for kind in KINDS])
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--instructions", action="store_true")
    options = parser.parse_args()
    kinds = [kind for kind in KINDS if options.only is None or kind.name in options.only]
    if options.cpu:
        cpu(kinds, options.turns)
        return
    if options.instructions:
        instructions(kinds)
        return
    servers = {kind.name: Server(kind) for kind in kinds}
    try:
        for kind in kinds:
            asyncio.run(load(servers[kind.name], kind.connections, WARM_UP_REQUESTS))
        for turn in range(options.turns):
            for kind in kinds if turn % 2 else reversed(kinds):
                server = servers[kind.name]
                speed, errors = asyncio.run(load(server, kind.connections, options.requests))
                kind.speeds.append(speed)
                kind.errors += errors
                kind.memory.append(server.memory())
    finally:
        for server in servers.values():
            server.stop()
    show(kinds, options.requests * options.turns)


def show(kinds: list[ServerKind], requests: int) -> None:
    print(
        f"\n{'':24} {'best req/s':>10} {'errors':>7} of {'':8} {'MB first':>9} {'MB last':>8}  median of ratios"
    )
    speeds = {kind.name: kind.speeds for kind in kinds}
    for kind in kinds:
        compared = ""
        if kind.against in speeds:
            ratio = median(a / b for a, b in zip(kind.speeds, speeds[kind.against], strict=True))
            compared = f"  {ratio:.3f} of {kind.against}"
        print(
            f"{kind.name:24} {max(kind.speeds):10.0f} {kind.errors:7} of {requests:8,}"
            f" {kind.memory[0]:9.1f} {kind.memory[-1]:8.1f}{compared}"
        )


if __name__ == "__main__":
    main()
