"""Renderings in worker processes, with limits that the operating system enforces.

    from functools import partial
    from tmplmon import FileSystemLoader
    from tmplmon.sandbox import SandboxedEnvironment, WorkerLimits, WorkerPool

    pool = WorkerPool(
        partial(SandboxedEnvironment, autoescape=True),
        loader=FileSystemLoader("templates"),
        limits=WorkerLimits(seconds=2, memory=128 << 20),
    )
    text = pool.render("letter.html", {"user": {"name": "Ann"}})

The budget of a sandboxed environment counts what templates do, and so depends on every operation being
counted. A
worker process depends on nothing of the kind: whatever a template does, its process is stopped when it
reaches a limit, and another takes its place.

Rule: a worker renders one template at a time. The thread that calls the pool talks to the worker directly;
the pool has no thread of its own for synchronous calls. A worker that is not idle when a conversation ends,
for whatever reason, is killed.
"""

import json
import os
import signal
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import current_process, get_context
from pickle import PicklingError
from socket import socketpair
from threading import Condition, Lock, RLock
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from tmplmon import errors
from tmplmon.environment import Environment
from tmplmon.errors import (
    PoolBusy,
    RemoteError,
    TemplateError,
    TemplateNotFound,
    TemplatesNotFound,
    TemplateSyntaxError,
    WorkerDied,
    WorkerError,
    WorkerLimitExceeded,
)
from tmplmon.loaders import BaseLoader, Uptodate
from tmplmon.sandbox.environment import SandboxedEnvironment
from tmplmon.sandbox.wire import (
    CHUNK,
    END,
    LOAD,
    READY,
    RENDER,
    SOURCE,
    Channel,
    Closed,
    MessageTooLong,
    plain,
)
from tmplmon.sandbox.worker import NO_MEMORY, TIME_IS_OVER, main

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

# A worker is killed this long after its time, unless it has reported an error by then.
_GRACE_SECONDS = 1.0
# How long a worker may take to start: to import the application's module and to load the first templates.
_START_SECONDS = 60.0
# How often a call that waits for a worker looks for one whose time is over.
_POLL_SECONDS = 0.5
# A killed process ends in milliseconds.
_END_SECONDS = 5.0
# The longest message of a worker that is not output.
_LARGEST_MESSAGE = 1 << 20


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """The limits of one rendering in a worker process. None means no limit.

    seconds: wall time from the request to the last chunk of output, in seconds. It includes the time in which
        a worker waits for the reader of a stream.
    processor_seconds: processor time of the worker, in seconds. Not available on Windows.
    memory: bytes of address space that a worker may use in addition to what it uses when it has started. Not
        available on Windows and macOS.
    output: bytes of output, encoded as UTF-8.

    Raises TypeError if a limit is not a number, and ValueError if it is not positive.
    """

    seconds: float = 10.0
    processor_seconds: float | None = None
    memory: int | None = 256 << 20
    output: int | None = 16 << 20

    def __post_init__(self) -> None:
        for name in self.__slots__:
            limit = getattr(self, name)
            if limit is None and name != "seconds":
                continue
            number_types = (int, float) if name.endswith("seconds") else (int,)
            if isinstance(limit, bool) or not isinstance(limit, number_types):
                raise TypeError(f"the limit {name!r} must be a number, not {limit!r}")
            if not 0 < limit < float("inf"):
                raise ValueError(f"the limit {name!r} must be positive and finite: {limit!r}")


class _Request:
    """What a caller wants to have rendered."""

    __slots__ = ("buffer", "is_stream", "name", "text", "variables")

    def __init__(
        self,
        name: str | None,
        text: str | None,
        variables: Mapping[str, Any],
        is_stream: bool = False,
        buffer: int = 1,
    ) -> None:
        value = name if text is None else text
        if not isinstance(value, str):
            raise TypeError(
                f"the name and the source of a template are texts, not {type(value).__qualname__}"
            )
        self.name, self.text, self.variables = name, text, variables
        self.is_stream, self.buffer = is_stream, buffer

    def encoded(self, stale: list[str]) -> bytes:
        return plain((self.name, self.text, self.is_stream, self.buffer, stale), self.variables)


class _Worker:
    """A worker process, as the pool sees it."""

    def __init__(self, pool: "WorkerPool") -> None:
        self.pool = pool
        self.process: SpawnProcess | None = None
        self.channel: Channel
        self.is_idle = False
        self.is_ready = False
        self.is_stopped = False
        self.is_started = False
        # The end of the time of the current rendering, while its reader has a chunk; None otherwise.
        self.deadline_of_reader: float | None = None
        self.is_expired = False
        self.lock = Lock()
        # Template → the loader's check, for the templates that the worker has loaded.
        self.loaded: dict[str, Uptodate] = {}
        # What the loader has raised during the current rendering.
        self.loader_error: BaseException | None = None

    def start(self) -> None:
        """Start the process, and do not wait until it is ready. Raises RuntimeError in a daemonic process."""
        if current_process().daemon:
            raise RuntimeError(
                "a daemonic process of multiprocessing cannot start processes: create the pool in another process,"
                " or make this one not daemonic"
            )
        self.is_started = True
        here, there = socketpair()
        pool = self.pool
        process = get_context("spawn").Process(
            target=main,
            args=(
                there,
                pool.make_environment,
                pool.loader is not None,
                pool.preload,
                pool.limits,
                pool.files,
            ),
            name="tmplmon worker",
            daemon=True,
        )
        try:
            process.start()
        except BaseException as error:
            here.close()
            # A function that cannot be pickled: an AttributeError on some versions of Python.
            if isinstance(error, AttributeError | PicklingError | TypeError):
                raise TypeError(
                    f"make_environment must be importable by a worker process: {error}"
                ) from error
            raise
        finally:
            there.close()
        self.process, self.channel = process, Channel(here)
        if self.is_stopped:
            process.kill()

    def stop(self) -> None:
        """Kill the process, or prevent it from starting. The thread that talks to it gets Closed."""
        self.is_stopped = True  # first, as another thread may be starting the process
        process = self.process
        if process is not None:
            with suppress(ValueError):  # It has ended.
                process.kill()

    def kill(self) -> int | None:
        """Kill the process and wait for its end. Returns its exit status; None if it was not started, or was killed
        before."""
        process, self.process = self.process, None
        self.is_idle = False
        if process is None:
            return None
        process.kill()
        self.channel.close()
        process.join(_END_SECONDS)
        status = process.exitcode
        if status is not None:
            process.close()
        return status

    def expire(self) -> bool:
        """Take the worker from a stream whose time is over while its reader has a chunk. Returns whether it was."""
        with self.lock:
            deadline = self.deadline_of_reader
            self.is_expired = deadline is not None and monotonic() > deadline
            return self.is_expired

    def is_alive(self) -> bool:
        """Whether the process has not ended meanwhile, for example because the system was out of memory."""
        return self.process is not None and self.process.is_alive()

    def wait_until_ready(self) -> None:
        """Wait until the process can render. Raises WorkerDied if it cannot start."""
        if self.process is None:
            self.start()
        deadline = monotonic() + _START_SECONDS
        try:
            kind, body = self.reply(deadline)
        except (Closed, TimeoutError, MessageTooLong):
            status = self.kill()
            raise WorkerDied(
                f"a worker process did not start (exit status {status}); it may have printed why. A script that"
                " creates a pool needs `if __name__ == '__main__':`, and cannot be read from standard input",
                status,
            ) from None
        if kind != READY:
            self.kill()
            start = json.loads(body).get("start", "")
            raise WorkerDied(f"a worker process did not start:\n{start}", None)
        self.is_ready = self.is_idle = True

    def reply(self, deadline: float, largest: int | None = _LARGEST_MESSAGE) -> tuple[bytes, bytes]:
        """Return the next message that is not a request for a template's source."""
        while True:
            kind, body = self.channel.receive(largest, deadline)
            if kind != LOAD:
                return kind, body
            self.channel.send(SOURCE, json.dumps(self.source(json.loads(body))).encode(), deadline)

    def source(self, name: str) -> tuple[str, str | None] | bool | None:
        """Return the source and the file of a template; None if there is none, False if the loader fails."""
        loader = self.pool.loader
        if loader is None or type(name) is not str:
            return None
        try:
            text, filename, uptodate = loader.get_source(self.pool.environment, name)
        except TemplateNotFound:
            return None
        except BaseException as error:
            self.loader_error = error
            return False
        if uptodate is not None:
            self.loaded[name] = uptodate
        return text, filename

    def converse(self, request: _Request) -> Generator[str]:
        """Yield the output of a rendering. Afterwards `is_idle` says whether the worker can be used again."""
        if self.is_ready and not self.is_alive():
            self.kill()
            self.is_ready = False
            self.loaded.clear()
        if not self.is_ready:
            self.wait_until_ready()
        limits = self.pool.limits
        stale: list[str] = []
        if self.pool.auto_reload:
            stale = [name for name, uptodate in self.loaded.items() if not uptodate()]
        body = request.encoded(stale)
        self.is_idle = False
        self.loader_error = None
        deadline = monotonic() + limits.seconds + _GRACE_SECONDS
        remaining = limits.output
        try:
            self.channel.send(RENDER, body, deadline)
            while True:
                largest = None if remaining is None else remaining + _LARGEST_MESSAGE
                kind, body = self.reply(deadline, largest)
                if kind not in (CHUNK, END):
                    break
                if remaining is not None:
                    remaining -= len(body)
                    if remaining < 0:
                        raise MessageTooLong
                text = body.decode("utf-8", "surrogatepass")
                if kind == END:
                    self.is_idle = True
                    if text:
                        yield text
                    return
                self.deadline_of_reader = deadline
                yield text
                with self.lock:
                    self.deadline_of_reader = None
                if self.is_expired:
                    raise TimeoutError
        except TimeoutError:
            error: BaseException = _limit_error("seconds", limits)
        except MessageTooLong:
            error = _limit_error("output", limits)
        except Closed:
            error = self.cause_of_death()
        except UnicodeDecodeError:
            error = _invalid_message()
        else:
            error = self.error(body)
        if isinstance(error, WorkerError) and error.name is None:
            error.name = request.name
        raise error

    def error(self, body: bytes) -> BaseException:
        """Return the exception that a worker's message describes."""
        loader_error, self.loader_error = self.loader_error, None
        try:
            description = json.loads(body)
            if description["loader"] and loader_error is not None:
                self.is_idle = True
                return loader_error
            error = _error(description, self.pool.limits)
            self.is_idle = description["is_idle"] is True
        except Exception:
            return _invalid_message()
        return error

    def cause_of_death(self) -> WorkerError:
        """Return an error that says why the process has ended."""
        if self.pool.is_closed:
            return WorkerDied("the pool was closed during the rendering", None)
        if self.process is None:
            return _limit_error("seconds", self.pool.limits)
        self.process.join(_END_SECONDS)
        status, limits = self.process.exitcode, self.pool.limits
        if status == NO_MEMORY:
            return _limit_error("memory", limits)
        if status == TIME_IS_OVER:
            return _limit_error("seconds", limits)
        if status is not None and status < 0 and -status == getattr(signal, "SIGXCPU", None):
            return _limit_error("processor_seconds", limits)
        return WorkerDied(f"the worker process has ended during the rendering: {_status(status)}", status)


def _status(status: int | None) -> str:
    if status is None or status >= 0:
        return f"exit status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


_UNITS = {"seconds": "s", "processor_seconds": "s", "memory": "bytes", "output": "bytes"}
_LIMITS = {
    "seconds": "wall time",
    "processor_seconds": "processor time",
    "memory": "memory",
    "output": "output",
}


def _limit_error(limit: str, limits: WorkerLimits) -> WorkerLimitExceeded:
    largest = getattr(limits, limit)
    message = f"the rendering exceeded its limit of {_LIMITS[limit]} ({largest} {_UNITS[limit]})"
    return WorkerLimitExceeded(message, limit)


def _invalid_message() -> WorkerError:
    return WorkerDied("the worker process has sent an invalid message", None)


def _error(description: dict[str, Any], limits: WorkerLimits) -> TemplateError:
    """Return an exception for a worker's description of one. Raises any exception if the description is
    invalid."""
    limit, kind, message = description["limit"], description["kind"], description["message"]
    place = description["place"]
    cls = getattr(errors, kind) if kind in errors.__all__ else None
    error: TemplateError
    if limit is not None:
        error = _limit_error(limit, limits)
    elif cls is None or issubclass(cls, WorkerError):
        error = RemoteError(f"{description['type']}: {message}", description["type"])
    elif issubclass(cls, TemplateSyntaxError):
        details = dict(description["syntax"])
        error = cls(message, details.pop("lineno"), details.pop("name"), details.pop("filename"), **details)
    elif issubclass(cls, TemplatesNotFound):
        error = cls(description["names"], message)
    elif issubclass(cls, TemplateNotFound):
        error = cls(description["names"][0], message)
    else:
        error = cls(message)
    for note in description["notes"]:
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)
    if place is not None:
        if isinstance(error, TemplateSyntaxError):
            pass  # it has its own
        elif isinstance(error, errors.BudgetError | WorkerError):
            error.name, error.filename = place["name"], place["filename"]
            error.lineno, error.column = place["lineno"], place["column"]
        else:
            location = f'file "{place["filename"]}", line {place["lineno"]}'
            error.add_note(f"in the template {place['name']!r}, {location}")
    return error


class WorkerPool:
    """Renders templates of a sandboxed environment in worker processes.

    make_environment: a function that returns the environment. It is called in each worker, so it must be
        importable: a function at the top level of a module, a class, or a `functools.partial` of one.
    loader: loads the templates, in this process. None: the loader of the environment, which must not open files.
    workers: the number of processes. None: the number of processors that this process may use.
    limits: the limits of each rendering.
    preload: names of templates that each worker compiles when it starts.
    auto_reload: whether templates are loaded again after their files have changed.
    files: whether workers may open files and connections and start processes. It is needed if the functions of
        the environment do so.
    queue_seconds: how long a call waits for a free worker. None: until one is free.

    Processes start when they are first needed, and `close` ends them; a pool is a context manager. A pool is
    safe to use from several threads. A process that has been forked from one with a pool starts workers of
    its own.

    As with every use of `multiprocessing`, a script that creates a pool needs ``if __name__ == "__main__":``.
    """

    def __init__(
        self,
        make_environment: Callable[[], Environment] = SandboxedEnvironment,
        *,
        loader: BaseLoader | None = None,
        workers: int | None = None,
        limits: WorkerLimits | None = None,
        preload: Iterable[str] = (),
        auto_reload: bool = False,
        files: bool = False,
        queue_seconds: float | None = None,
    ) -> None:
        if not callable(make_environment):
            raise TypeError(f"make_environment must be a function, not {type(make_environment).__qualname__}")
        if loader is not None and not hasattr(loader, "get_source"):
            raise TypeError(f"loader must be a loader, not {type(loader).__qualname__}")
        if limits is not None and not isinstance(limits, WorkerLimits):
            raise TypeError(f"limits must be WorkerLimits, not {type(limits).__qualname__}")
        if isinstance(preload, str):
            raise TypeError("preload must be several names, not one text")
        if queue_seconds is not None and not queue_seconds >= 0:
            raise ValueError(f"queue_seconds must not be negative: {queue_seconds!r}")
        workers = workers if workers is not None else os.process_cpu_count() or 1
        if workers < 1:
            raise ValueError(f"a pool needs at least one worker, not {workers}")
        self.make_environment = make_environment
        self.loader = loader
        self.workers = workers
        self.limits = limits or WorkerLimits()
        self.preload = tuple(preload)
        self.auto_reload = auto_reload
        self.files = files
        self.queue_seconds = queue_seconds
        self.is_closed = False
        # Loaders get an environment as an argument. It renders nothing.
        self.environment = SandboxedEnvironment(loader=loader)
        self._begin()
        _pools.add(self)

    def _begin(self) -> None:
        self._all = {_Worker(self) for _ in range(self.workers)}
        self._idle = _IdleWorkers(self._all)
        self._threads: ThreadPoolExecutor | None = None
        self._queue: ThreadPoolExecutor | None = None

    def start(self) -> None:
        """Start all processes, and wait until they are ready. Raises WorkerDied if one cannot start."""
        conversations = [_Conversation(self, _Request(None, "", {})) for _ in range(self.workers)]
        try:
            workers = []
            for conversation in conversations:
                self._acquire(conversation)
                assert conversation.worker is not None
                workers.append(conversation.worker)
                if not conversation.worker.is_started:
                    conversation.worker.start()
            for worker in workers:
                if not worker.is_ready:
                    worker.wait_until_ready()
        finally:
            for conversation in conversations:
                conversation.close()

    def render(self, name: str, variables: Mapping[str, Any] | None = None, /, **more: Any) -> str:
        """Return the output of a template of the loader.

        variables, more: the context. Only plain data: None, numbers, texts, bytes, lists, tuples, dicts, sets,
            ranges, dates and times, UUIDs and Markup.

        Raises TypeError if a variable is not plain data, the errors of the engine (TemplateNotFound,
        UndefinedError, SecurityError …), RemoteError for every other exception of the template,
        WorkerLimitExceeded, WorkerDied, and PoolBusy.
        """
        return self._render(_Request(name, None, _merged(variables, more)))

    def render_text(self, source: str, variables: Mapping[str, Any] | None = None, /, **more: Any) -> str:
        """Return the output of a template that is given as a text. A worker compiles each text once, and
        keeps the last two hundred. Raises what `render` raises."""
        return self._render(_Request(None, source, _merged(variables, more)))

    def stream(
        self, name: str, variables: Mapping[str, Any] | None = None, /, *, buffer: int = 1, **more: Any
    ) -> Iterator[str]:
        """Yield the output of a template while it is rendered, in chunks of at least `buffer` characters.

        The worker is in use until the iterator is exhausted or closed. Raises what `render` raises.
        """
        return self._conversation(_Request(name, None, _merged(variables, more), True, buffer))

    def stream_text(
        self, source: str, variables: Mapping[str, Any] | None = None, /, *, buffer: int = 1, **more: Any
    ) -> Iterator[str]:
        """`stream` for a template that is given as a text."""
        return self._conversation(_Request(None, source, _merged(variables, more), True, buffer))

    async def render_async(
        self, name: str, variables: Mapping[str, Any] | None = None, /, **more: Any
    ) -> str:
        """`render` for asyncio. If the task is cancelled, the rendering is stopped."""
        return await self._render_async(_Request(name, None, _merged(variables, more)))

    async def render_text_async(
        self, source: str, variables: Mapping[str, Any] | None = None, /, **more: Any
    ) -> str:
        """`render_text` for asyncio. If the task is cancelled, the rendering is stopped."""
        return await self._render_async(_Request(None, source, _merged(variables, more)))

    def stream_async(
        self, name: str, variables: Mapping[str, Any] | None = None, /, *, buffer: int = 1, **more: Any
    ) -> AsyncIterator[str]:
        """`stream` for asyncio."""
        return self._stream_async(_Request(name, None, _merged(variables, more), True, buffer))

    def stream_text_async(
        self, source: str, variables: Mapping[str, Any] | None = None, /, *, buffer: int = 1, **more: Any
    ) -> AsyncIterator[str]:
        """`stream_text` for asyncio."""
        return self._stream_async(_Request(None, source, _merged(variables, more), True, buffer))

    def close(self) -> None:
        """End all processes. Renderings in progress raise WorkerDied, and later calls raise RuntimeError."""
        if self.is_closed:
            return
        self.is_closed = True
        # A thread that uses a worker notices its end, and gives it back.
        for worker in tuple(self._all):
            worker.stop()
        conversation = _Conversation(self, _Request(None, "", {}))
        while self._idle.take(conversation):
            assert conversation.worker is not None
            conversation.worker.kill()
        conversation.worker = None
        for threads in (self._threads, self._queue):
            if threads is not None:
                threads.shutdown(wait=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        self.close()

    def _acquire(self, conversation: "_Conversation", seconds: float | None = None) -> None:
        """Give a conversation an idle worker. Raises PoolBusy after `seconds`, and RuntimeError if the pool is
        closed."""
        deadline = None if seconds is None else monotonic() + seconds
        while not self._idle.take(conversation):
            if self.is_closed:
                raise RuntimeError("the pool is closed")
            self._replace_stalled()
            remaining = _POLL_SECONDS if deadline is None else min(deadline - monotonic(), _POLL_SECONDS)
            if self._idle.take(conversation):
                break
            if remaining <= 0:
                raise PoolBusy(f"no worker was free for {seconds} s; the pool has {self.workers}")
            self._idle.wait(remaining)
        if self.is_closed:
            raise RuntimeError("the pool is closed")

    def _replace_stalled(self) -> None:
        """Replace the workers whose time is over while they wait for the reader of a stream."""
        for worker in tuple(self._all):
            if worker.expire():
                self._replace(worker)

    def _release(self, worker: _Worker) -> None:
        """Take a worker back. If it is not idle, it is killed, and a new one takes its place."""
        if worker not in self._all:
            return  # Another has taken its place, or it is one of the process from which this one was forked.
        if worker.is_started and (not worker.is_idle or self.is_closed):
            self._replace(worker)
        else:
            self._idle.put(worker)

    def _replace(self, worker: _Worker) -> None:
        """Kill a worker and put a new one in its place, if no other thread has done so."""
        try:
            self._all.remove(worker)
        except KeyError:
            return
        worker.kill()
        worker = _Worker(self)
        self._all.add(worker)
        if not self.is_closed:
            # It starts while the caller handles the error. The next call reports that it cannot start.
            with suppress(Exception):
                worker.start()
        self._idle.put(worker)

    def _conversation(self, request: _Request) -> Iterator[str]:
        conversation = _Conversation(self, request)
        try:
            self._acquire(conversation, self.queue_seconds)
            yield from conversation
        finally:
            conversation.close()

    def _render(self, request: _Request) -> str:
        return "".join(self._conversation(request))

    async def _converse(self, request: _Request) -> "tuple[_Conversation, ThreadPoolExecutor]":
        """Begin a conversation. Returns it and the threads in which it takes place.

        Calls wait for a worker in a thread of their own. If they waited in the threads of the conversations,
        streams that hold all workers could not go on.
        """
        import asyncio

        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.workers, "tmplmon pool")
            self._queue = ThreadPoolExecutor(1, "tmplmon pool queue")
        threads, waiting_room = self._threads, self._queue
        assert waiting_room is not None
        conversation = _Conversation(self, request)
        try:
            self._acquire(conversation, 0)
        except PoolBusy:
            acquiring = waiting_room.submit(self._acquire, conversation, self.queue_seconds)
            try:
                await asyncio.wrap_future(acquiring)
            except asyncio.CancelledError:
                acquiring.add_done_callback(lambda _: conversation.close())
                raise
        return conversation, threads

    async def _render_async(self, request: _Request) -> str:
        return "".join([chunk async for chunk in self._stream_async(request)])

    async def _stream_async(self, request: _Request) -> AsyncIterator[str]:
        import asyncio

        conversation, threads = await self._converse(request)
        step: Future[str | None] | None = None
        try:
            while True:
                step = threads.submit(next, conversation, None)
                chunk = await asyncio.wrap_future(step)
                if chunk is None:
                    break
                yield chunk
        except asyncio.CancelledError:
            assert conversation.worker is not None
            conversation.worker.stop()
            raise
        finally:
            if step is None:
                conversation.close()
            elif not conversation.is_closed:
                # A step that has been cancelled may still be running in its thread.
                step.add_done_callback(lambda _: conversation.close())


class _IdleWorkers:
    """The workers that are free.

    The one used last is used next: it has the templates, and a pool with little to do starts few processes. One
    that is still starting is used when there is no other.
    """

    def __init__(self, workers: Iterable[_Worker]) -> None:
        self._workers = deque(workers)
        # Reentrant: a finalizer may put a worker back while its thread is here.
        self._changed = Condition(RLock())

    def put(self, worker: _Worker) -> None:
        """Add a worker, if it is not here."""
        with self._changed:
            if worker not in self._workers:
                if worker.is_ready:
                    self._workers.append(worker)
                else:
                    self._workers.appendleft(worker)
            self._changed.notify()

    def take(self, conversation: "_Conversation") -> bool:
        """Give a conversation a worker. Returns whether there is one."""
        with self._changed:
            if not self._workers:
                return False
            # In this order, an exception in between, such as KeyboardInterrupt, loses no worker.
            conversation.worker = self._workers[-1]
            self._workers.pop()
            return True

    def wait(self, seconds: float) -> None:
        """Wait until there is a worker, or for this time. It may be missed if a finalizer adds it."""
        with self._changed:
            if not self._workers:
                self._changed.wait(seconds)


class _Conversation:
    """The output of one rendering, chunk by chunk. It gives the worker back at the end, or when it is closed."""

    # Defaults of the class: the finalizer may run after an interrupted `__init__`.
    is_closed = False
    worker: _Worker | None = None
    chunks: Generator[str] | None = None

    def __init__(self, pool: WorkerPool, request: _Request) -> None:
        self.pool, self.request = pool, request

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            if self.chunks is None:
                assert self.worker is not None
                self.chunks = self.worker.converse(self.request)
            return next(self.chunks)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop the rendering if it has not ended, and give the worker back."""
        if not self.is_closed:
            self.is_closed = True
            if self.chunks is not None:
                self.chunks.close()
            if self.worker is not None:
                self.pool._release(self.worker)

    def __del__(self) -> None:
        # If an exception, such as KeyboardInterrupt, has come before the caller's `finally` was reached.
        self.close()


_pools: weakref.WeakSet[WorkerPool] = weakref.WeakSet()


def _begin_in_forked_process() -> None:
    for pool in _pools:
        pool._begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_in_forked_process)


def _merged(variables: Mapping[str, Any] | None, more: dict[str, Any]) -> Mapping[str, Any]:
    return more if variables is None else {**variables, **more}


__all__ = [
    "PoolBusy",
    "RemoteError",
    "WorkerDied",
    "WorkerError",
    "WorkerLimitExceeded",
    "WorkerLimits",
    "WorkerPool",
]
