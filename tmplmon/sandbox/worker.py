"""A worker process of a pool: renders templates one after the other, under limits of the operating system.

Rule: two limits guard processor and wall time. At the first, a signal handler raises `_LimitReached` in the
template, so that the error has the template's line. Code that does not return to the interpreter does not see
it; a second later the system (processor time) or the pool (wall time) kills the process. A worker that has
reached a limit reports it and ends: memory and half-finished operations are given back with the process.
"""

import codecs
import gc
import json
import os
import pickle
import signal
import traceback
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from math import ceil
from time import localtime
from typing import TYPE_CHECKING, Any

from tmplmon.environment import Environment
from tmplmon.errors import TemplateError, TemplateNotFound, TemplatesNotFound, TemplateSyntaxError
from tmplmon.loaders import BaseLoader
from tmplmon.sandbox.wire import CHUNK, END, ERROR, LOAD, PLAIN, READY, Channel, Closed
from tmplmon.template import Template
from tmplmon.tools.failures import innermost_template_frame

if TYPE_CHECKING:
    import asyncio
    from socket import socket

    from tmplmon.sandbox.pool import WorkerLimits

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

_CAN_SIGNAL = hasattr(signal, "setitimer")
# A limit is signalled again after this time, in case code of the application has caught the exception.
_REPEAT_SECONDS = 0.05
# The most templates that are kept of those that came as texts.
_TEXTS = 200
# The time between a limit and the end of a worker that has not reported it.
_GRACE_SECONDS = 1.0
# Exit statuses: a worker's memory did not suffice to report an error; its wall time was over while it talked
# to the pool.
NO_MEMORY, TIME_IS_OVER = 71, 72


# What the engine and the standard library import when they are first asked for something.
_MODULES = (
    "_strptime",
    "difflib",
    "html",
    "inspect",
    "json",
    "locale",
    "numbers",
    "pprint",
    "random",
    "textwrap",
    "tmplmon.runtime.filters.explain",
)
_ENCODINGS = "ascii", "cp1252", "idna", "latin-1", "unicode-escape", "utf-16", "utf-32", "utf-8-sig"


class _LimitReached(BaseException):
    """Raised in a template by a signal handler. It is no Exception, so that templates' functions do not catch
    it."""

    def __init__(self, limit: str) -> None:
        self.limit = limit


class _LoaderFailed(Exception):
    """The pool's loader has raised an exception, which the pool will raise."""


class _Clock:
    """Counts the time of a rendering, and stops the template at a limit.

    While the worker talks to the pool it is paused: an exception in the middle of a message would leave half
    of it.
    """

    def __init__(self, limits: "WorkerLimits") -> None:
        self.limits = limits
        self.is_paused = True
        self.reached: str | None = None
        self.repetitions = 0
        if _CAN_SIGNAL:
            signal.signal(signal.SIGALRM, lambda *_: self.reach("seconds"))
            signal.signal(signal.SIGPROF, lambda *_: self.reach("processor_seconds"))

    def reach(self, limit: str) -> None:
        """Handle the signal of a limit."""
        if not self.is_paused:
            raise _LimitReached(limit)
        self.reached = self.reached or limit
        self.repetitions += 1
        if self.repetitions * _REPEAT_SECONDS > _GRACE_SECONDS:
            # The pool neither reads nor answers: its process is busy or stopped, or a stream has no reader.
            os._exit(TIME_IS_OVER)

    def start(self) -> None:
        """Start to count, for a new rendering."""
        self.reached, self.repetitions = None, 0
        if not _CAN_SIGNAL:
            return
        seconds, processor_seconds = self.limits.seconds, self.limits.processor_seconds
        if processor_seconds is not None:
            usage = resource.getrusage(resource.RUSAGE_SELF)  # pyright: ignore[reportOptionalMemberAccess]
            # The resolution of this limit is one second.
            _set_limit(
                resource.RLIMIT_CPU,  # pyright: ignore[reportOptionalMemberAccess]
                ceil(usage.ru_utime + usage.ru_stime + processor_seconds) + 1,
                last=False,  # pyright: ignore[reportOptionalMemberAccess]
            )
        self.is_paused = False
        if processor_seconds is not None:
            signal.setitimer(signal.ITIMER_PROF, processor_seconds, _REPEAT_SECONDS)
        signal.setitimer(signal.ITIMER_REAL, seconds, _REPEAT_SECONDS)

    def stop(self) -> None:
        """Stop to count."""
        self.is_paused = True
        if _CAN_SIGNAL:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.setitimer(signal.ITIMER_PROF, 0)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """A context in which no exception is raised. A limit that is reached in it is raised at its end."""
        was_paused, self.is_paused = self.is_paused, True
        try:
            yield
        finally:
            self.is_paused = was_paused
        if self.reached is not None and not was_paused:
            raise _LimitReached(self.reached)


class _PoolLoader(BaseLoader):
    """Loads templates with the loader of the pool, as a worker cannot open files."""

    def __init__(self, channel: Channel, clock: _Clock) -> None:
        self.channel = channel
        self.clock = clock
        self.stale: set[str] = set()

    def get_source(self, environment: Any, template: str) -> tuple[str, str | None, Callable[[], bool]]:
        """Ask the pool. Raises TemplateNotFound."""
        with self.clock.paused():
            self.channel.send(LOAD, json.dumps(template).encode())
            _, body = self.channel.receive()
        answer = json.loads(body)
        if answer is None:
            raise TemplateNotFound(template)
        if answer is False:
            raise _LoaderFailed
        self.stale.discard(template)
        source, filename = answer
        return source, filename, lambda: template not in self.stale


class _Worker:
    def __init__(self, channel: Channel, environment: Environment, clock: _Clock) -> None:
        self.channel = channel
        self.environment = environment
        self.clock = clock
        self.limits = clock.limits
        self.loader = environment.loader if isinstance(environment.loader, _PoolLoader) else None
        self.output = 0
        self.texts: OrderedDict[str, Template] = OrderedDict()
        # A loop opens files, so it is made before the limits.
        self.runner = _runner() if environment.is_async else None

    def restrict(self, files: bool) -> None:
        """Set the limits of the process. They last, as only a privileged process may raise them."""
        if resource is None:
            return
        if self.limits.memory is not None:
            _set_limit(resource.RLIMIT_AS, _address_space() + self.limits.memory)
        _set_limit(resource.RLIMIT_CORE, 0)
        if not files:
            # What is open stays open, among it the connection. No file, socket or pipe can be opened. Whether a
            # process can be started is a question of the user: the limit does not apply to root.
            for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC):
                _set_limit(kind, 0)

    def serve(self) -> None:
        """Render what the pool asks for until it closes the connection, or until a limit is reached."""
        self.channel.send(READY, b"")
        while True:
            _, body = self.channel.receive()
            try:
                try:
                    self.clock.start()
                    encoded = self.answer(*pickle.loads(body))
                finally:
                    self.clock.stop()
            except BaseException as error:
                self.clock.stop()  # a second signal may have prevented it above
                if not self.report(error):
                    return
            else:
                self.channel.send(END, encoded)

    def answer(
        self,
        name: str | None,
        text: str,
        is_stream: bool,
        buffer: int,
        stale: list[str],
        variables: dict[str, Any],
    ) -> bytes:
        """Render a template. Returns the end of its output, and sends what precedes it."""
        self.output = 0
        if self.loader is not None:
            self.loader.stale.update(stale)
        template = self.environment.get_template(name) if name is not None else self.of_text(text)
        if not is_stream:
            return self.counted(self.rendered(template, variables))
        for chunk in self.chunks(template, variables, buffer):
            encoded = self.counted(chunk)
            with self.clock.paused():
                self.channel.send(CHUNK, encoded)
        return b""

    def of_text(self, text: str) -> Template:
        """Return the template of a text, compiled once."""
        template = self.texts.get(text)
        if template is None:
            template = self.texts[text] = self.environment.from_string(text)
            if len(self.texts) > _TEXTS:
                self.texts.popitem(last=False)
        else:
            self.texts.move_to_end(text)
        return template

    def rendered(self, template: Template, variables: dict[str, Any]) -> str:
        """Return the output of a template."""
        if self.runner is None:
            return template.render(variables)
        return self.runner.run(template.render_async(variables))

    def chunks(self, template: Template, variables: dict[str, Any], buffer: int) -> Iterator[str]:
        """Yield the output of a template in chunks of at least `buffer` characters."""
        pieces: list[str] = []
        size = 0
        for piece in self.pieces(template, variables):
            pieces.append(piece)
            size += len(piece)
            if size >= buffer:
                yield "".join(pieces)
                pieces.clear()
                size = 0
        if pieces:
            yield "".join(pieces)

    def pieces(self, template: Template, variables: dict[str, Any]) -> Iterator[str]:
        """Yield the output of a template as its environment produces it."""
        if self.runner is None:
            yield from template.generate(variables)
            return
        pieces = template.generate_async(variables)
        while (piece := self.runner.run(_next(pieces))) is not None:
            yield piece

    def counted(self, text: str) -> bytes:
        """Encode a part of the output. Raises _LimitReached if there is too much of it."""
        encoded = text.encode("utf-8", "surrogatepass")
        self.output += len(encoded)
        if self.limits.output is not None and self.output > self.limits.output:
            raise _LimitReached("output")
        return encoded

    def report(self, error: BaseException) -> bool:
        """Send an error to the pool. Returns whether the worker may continue."""
        if isinstance(error, Closed):
            return False
        try:
            description = describe(error)
            self.channel.send(ERROR, json.dumps(description).encode())
        except MemoryError:
            os._exit(NO_MEMORY)
        return bool(description["is_idle"])


def _runner() -> "asyncio.Runner":
    import asyncio

    runner = asyncio.Runner()
    runner.get_loop()
    return runner


async def _next(pieces: AsyncIterator[str]) -> str | None:
    return await anext(pieces, None)


def describe(error: BaseException) -> dict[str, Any]:
    """Return what the pool needs to raise a copy of an error, as JSON data."""
    limit = error.limit if isinstance(error, _LimitReached) else None
    if isinstance(error, MemoryError):
        limit = "memory"
    description: dict[str, Any] = {
        "limit": limit,
        # Whether the worker continues.
        "is_idle": limit is None and isinstance(error, Exception),
        "loader": isinstance(error, _LoaderFailed),
        "type": type(error).__qualname__,
        # The class of this package that is nearest to the error's.
        "kind": next(
            (cls.__name__ for cls in type(error).__mro__ if cls.__module__ == "tmplmon.errors"), None
        ),
        "message": _text(error),
        "notes": [str(note) for note in getattr(error, "__notes__", ())],
    }
    if isinstance(error, TemplateSyntaxError):
        names = ("lineno", "name", "filename", "column", "end_column", "source_line", "hint", "source")
        description["syntax"] = {name: getattr(error, name) for name in names}
    elif isinstance(error, TemplatesNotFound):
        description["names"] = [str(name) for name in error.templates]
    elif isinstance(error, TemplateNotFound):
        description["names"] = [str(error.name)]
    description["place"] = _place(error)
    return description


def _text(error: BaseException) -> str:
    try:
        if isinstance(error, TemplateError):
            return str(error.message)
        return str(error)
    except Exception as failure:
        return f"<{type(failure).__name__} in str() of the error>"


def _place(error: BaseException) -> dict[str, Any] | None:
    """Return the innermost place in a template."""
    frame = innermost_template_frame(error)
    if frame is None:
        return None
    return {"name": frame.name, "filename": frame.file, "lineno": frame.line, "column": frame.column}


def _set_limit(kind: int, value: int, last: bool = True) -> None:
    """Set a limit of this process: for good, or until it is set again. A lower one that exists stays."""
    hard = resource.getrlimit(kind)[1]  # pyright: ignore[reportOptionalMemberAccess]
    if hard != resource.RLIM_INFINITY:  # pyright: ignore[reportOptionalMemberAccess]
        value = min(value, hard)
    # Some systems do not support all of them.
    with suppress(OSError, ValueError):
        resource.setrlimit(kind, (value, value if last else hard))  # pyright: ignore[reportOptionalMemberAccess]


def _address_space() -> int:
    """Return the size of the process's address space in bytes."""
    try:
        with open("/proc/self/statm", "rb") as file:
            pages = int(file.read().split()[0])
    except OSError:
        return 1 << 30
    return pages * os.sysconf("SC_PAGE_SIZE")


def _load_modules(environment: Environment) -> None:
    """Import what variables, compiling, rendering and failing need: a worker cannot open the files of modules
    later."""
    for module in (*PLAIN, *_MODULES):
        import_module(module)
    for encoding in _ENCODINGS:
        codecs.lookup(encoding)
    localtime()  # reads the time zone's file
    sources = "{% for n in [1, 2] %}{{ n|upper }}{% endfor %}", "{{ 1/0 }}", "{% if %}", "{{ a|b }}"
    for source in sources:
        try:
            environment.from_string(source).render()
        except Exception as error:
            describe(error)


def main(
    connection: "socket",
    make_environment: Callable[[], Environment],
    has_loader: bool,
    preload: tuple[str, ...],
    limits: "WorkerLimits",
    files: bool,
) -> None:
    """Run a worker until the pool closes the connection."""
    # The pool ends the worker; Ctrl-C in a terminal goes to all processes of a group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = Channel(connection)
    with suppress(Closed):
        try:
            environment = make_environment()
            if not environment.sandboxed:
                raise TypeError(
                    f"a worker needs a sandboxed environment, not {type(environment).__qualname__}"
                )
            clock = _Clock(limits)
            if has_loader:
                environment.loader = _PoolLoader(channel, clock)
            for name in preload:
                environment.get_template(name)
            worker = _Worker(channel, environment, clock)
            _load_modules(environment)
            worker.restrict(files)
        except Exception as error:
            description = {**describe(error), "start": "".join(traceback.format_exception(error))}
            channel.send(ERROR, json.dumps(description).encode())
            return
        gc.collect()
        gc.freeze()
        try:
            worker.serve()
        except MemoryError:
            os._exit(NO_MEMORY)
