"""Renders a case, and returns a `Finding` if the outcome is wrong.

A rendering may end with output or with an exception that docs/sandbox-budgets.md lists: those of the engine, and
Python's exceptions that a template can cause as Python code can. Other exceptions are findings. So are exceptions
that show a fault of the engine: an AttributeError, NameError or similar whose innermost frame is the engine's,
unless it is a filter that was called with an unsuitable value.
"""

import asyncio
import random
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import tmplmon
import tmplmon.template
from tmplmon import DictLoader, TemplateError, TemplateSyntaxError
from tmplmon.runtime.budget import Budget, Limits, current
from tmplmon.sandbox import ImmutableSandboxedEnvironment, SandboxedEnvironment

from . import values
from .generate import Case

PYTHON_ERRORS = (
    *(TypeError, ValueError, ArithmeticError, LookupError, AttributeError, AssertionError, RuntimeError),
    *(StopIteration, OSError, BufferError),
)
"""Exceptions of Python's that a template can cause; see the page for how."""

NEVER = (RecursionError, MemoryError, SystemError, NotImplementedError, NameError)
"""What is none of them, though some are derived from one."""

SHOWS_A_MISTAKE = (AttributeError, AssertionError, IndexError, KeyError)
"""What the engine's own modules must not raise, except for those that pass on what a value did."""

_PACKAGE = str(Path(tmplmon.__file__).parent)
_PASSES_ON = (
    "runtime/filters/",
    "runtime/tests.py",
    "runtime/globals.py",
    "runtime/html.py",
    "sandbox/filters.py",
)

# Functions that make the calls of a template: methods that are not Python code have no frame.
_CALLS = {("sandbox/calls.py", "with_arguments"), ("runtime/calls.py", "call")}

# Texts that show an object which no template may reach.
_LEAKS = (
    *(
        "<code object",
        "<frame at",
        "<module '",
        "mappingproxy(",
        "<slot wrapper",
        "<method-wrapper",
        "<member '",
    ),
    *("<attribute '", "<class 'type'>", "<class 'object'>", "<weakref at", "<traceback object"),
)

MEMORY = 700 << 20
"""Bytes by which no rendering may raise the process's peak memory: several values of the largest size."""

SLOW = 3.0
"""Seconds of processor time that no case may take."""


@dataclass(frozen=True)
class Finding:
    """A wrong outcome. Cases that fail in the same way have the same `key`."""

    what: str
    key: str
    detail: str


def judge(case: Case, counts: dict[str, int] | None = None) -> Finding | None:
    """The finding of a case, or None. Adds the number of outcomes of each kind to `counts`."""
    with _whole_tracebacks():
        return _judge(case, {} if counts is None else counts)


@contextmanager
def _whole_tracebacks() -> Iterator[None]:
    """A block in which tracebacks keep the engine's frames, which show whose fault an exception is."""
    shown = tmplmon.template.of_template
    tmplmon.template.of_template = lambda error: error
    try:
        yield
    finally:
        tmplmon.template.of_template = shown


def _judge(case: Case, counts: dict[str, int]) -> Finding | None:
    started, before = process_time(), _peak()
    environment = _environment(case)
    try:
        template = environment.get_template("main")
    except TemplateSyntaxError as error:
        str(error)
        count = len(case.renders)
        counts["TemplateSyntaxError"] = counts.get("TemplateSyntaxError", 0) + count
        return _slow(started)
    except BaseException as error:
        return _wrong("compiling", error)
    for mode, limits in case.renders:
        finding = _render(environment, template, mode, limits, counts)
        if finding is not None:
            return finding
        if _peak() - before > MEMORY:
            return Finding("memory", "memory", f"{(_peak() - before) >> 20} MB in {mode}")
    return _slow(started)


def _peak() -> int:
    """The most memory that this process has had, in bytes; 0 where that is not known."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _slow(started: float) -> Finding | None:
    took = process_time() - started
    return Finding("slow", "slow", f"{took:.1f} s") if took > SLOW else None


def _environment(case: Case) -> Any:
    options = dict(case.options)
    cls = ImmutableSandboxedEnvironment if options.pop("immutable", False) else SandboxedEnvironment
    if "undefined" in options:
        options["undefined"] = getattr(tmplmon, options["undefined"])
    environment = cls(
        loader=DictLoader(case.sources),
        extensions=["tmplmon.ext.do", "tmplmon.ext.loopcontrols", "tmplmon.ext.debug", "tmplmon.ext.i18n"],
        **options,
    )
    environment.install_null_translations()  # type: ignore[attr-defined]
    return environment


def _render(
    environment: Any, template: Any, mode: str, limits: dict[str, Any], counts: dict[str, int]
) -> Finding | None:
    names = values.context(environment.is_async)
    budget = Budget(Limits(**limits))
    environment.limits = None
    ended = "output"
    text = ""
    try:
        with budget:
            text = MODES[mode](environment, template, budget, names)
    except TemplateError as error:
        ended = type(error).__name__
        text = str(error)
        if isinstance(error, tmplmon.BudgetError) and error.lineno is None and mode != "cancelled":
            return Finding("a budget's exception without a place", f"no place {ended}", _shown(error))
    except PYTHON_ERRORS as error:
        ended = type(error).__name__
        text = _text_of(error)
        if isinstance(error, NEVER) or _is_mistake(error):
            return _wrong(mode, error)
    except BaseException as error:
        return _wrong(mode, error)
    counts[ended] = counts.get(ended, 0) + 1
    return _after(budget, limits, mode, ended, text)


def _after(budget: Budget, limits: dict[str, Any], mode: str, ended: str, text: str) -> Finding | None:
    """The finding after a rendering: secrets in the output, or an inconsistent budget."""
    if values.called:
        called = values.called.pop()
        values.called.clear()
        return Finding("a function was called that must not be", f"called {called}", text[:300])
    if values.SECRET in text or values.SECRET[::-1] in text:
        return Finding("a secret came out", "secret", text[:300])
    for sign in _LEAKS:
        if sign in text:
            return Finding("an object came out", f"leak {sign}", text[max(0, text.index(sign) - 100) :][:300])
    spent = budget.spent
    if current.get() is not None or budget.depth:
        return Finding("the budget is still running", "running", f"{current.get()}, depth {budget.depth}")
    if spent.fuel > limits.get("fuel", spent.fuel):
        return Finding("more fuel than there was", "fuel", repr(spent))
    if (
        ended == "output"
        and mode in ("render", "generate", "stream")
        and len(text) > limits.get("output", len(text))
    ):
        return Finding("more output than there was room for", "output", repr(spent))
    return None


def _is_mistake(error: BaseException) -> bool:
    if not isinstance(error, SHOWS_A_MISTAKE) or (error.args and isinstance(error.args[0], slice)):
        return False  # a dict is asked for a slice: its own answer
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return False
    file = frames[-1].filename
    if not file.startswith(_PACKAGE):
        return False
    inner = file[len(_PACKAGE) + 1 :]
    if (inner, frames[-1].name) in _CALLS:
        return False
    return not any(inner.startswith(module) for module in _PASSES_ON)


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return ""


def _wrong(when: str, error: BaseException) -> Finding:
    frames = traceback.extract_tb(error.__traceback__)
    inner = [
        f"{Path(frame.filename).name}:{frame.name}" for frame in frames if frame.filename.startswith(_PACKAGE)
    ]
    where = inner[-1] if inner else "?"
    return Finding(f"{type(error).__name__} {when}", f"{type(error).__name__} {where}", _shown(error))


def _shown(error: BaseException) -> str:
    lines = traceback.format_exception(error, limit=-12)
    return "".join(lines)[-4000:]


# --- ways of rendering -------------------------------------------------------------------------------------


def _rendered(environment: Any, template: Any, budget: Budget, names: dict[str, Any]) -> str:
    text: str = template.render(names)
    return text


def _generated(environment: Any, template: Any, budget: Budget, names: dict[str, Any]) -> str:
    return "".join(template.generate(names))


def _streamed(environment: Any, template: Any, budget: Budget, names: dict[str, Any]) -> str:
    stream = template.stream(names)
    stream.enable_buffering(5)
    return "".join(stream)


def _module(environment: Any, template: Any, budget: Budget, names: dict[str, Any]) -> str:
    module = (
        asyncio.run(template.make_module_async(names))
        if environment.is_async
        else template.make_module(names)
    )
    text = str(module)
    for name, value in vars(module).items():
        if name in ("m", "f", "g") and callable(value) and not environment.is_async:
            text += str(value(1))
    return text


def _cancelled(environment: Any, template: Any, budget: Budget, names: dict[str, Any]) -> str:
    """Cancels the rendering from a function that it calls, as another thread would."""
    names["of_context"] = names["function"] = lambda *args, **kwargs: budget.cancel()
    return _rendered(environment, template, budget, names)


def _with_tool(environment: Any, template: Any, budget: Budget, names: dict[str, Any]) -> str:
    """Renders with a listening tool, so that the monitored trees run, which have the same cost."""
    import sys

    monitoring = sys.monitoring
    monitoring.use_tool_id(4, "fuzz")
    try:
        events = monitoring.events.LINE | monitoring.events.PY_START | monitoring.events.RAISE
        monitoring.register_callback(4, monitoring.events.LINE, lambda code, line: monitoring.DISABLE)
        monitoring.set_events(4, events)
        return _rendered(environment, template, budget, names)
    finally:
        monitoring.set_events(4, 0)
        monitoring.register_callback(4, monitoring.events.LINE, None)
        monitoring.free_tool_id(4)


class Interrupt(KeyboardInterrupt):
    """What the signal handler raises. Any other kind of exception that is raised in a callback of asyncio is caught
    there, and the loop waits for ever."""


def _signalled(environment: Any, template: Any, budget: Budget, names: dict[str, Any]) -> str:
    """Renders with limits of the environment, and a signal at some time: afterwards no budget may be left."""
    import signal
    import sys
    import threading

    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGVTALRM"):
        return _rendered(environment, template, budget, names)

    def handler(*_: Any) -> None:
        raise Interrupt

    environment.limits = budget.limits
    limit, text = sys.getrecursionlimit(), ""
    current.set(None)
    previous = signal.signal(signal.SIGVTALRM, handler)
    try:
        # The signal may arrive when the rendering has ended, by an exception or not, and the timer still runs: the
        # outer block catches it.
        try:
            try:
                signal.setitimer(signal.ITIMER_VIRTUAL, random.uniform(1e-5, 3e-3))
                text = _rendered(environment, template, budget, names)
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        except Interrupt:
            text = "interrupted"
    finally:
        signal.signal(signal.SIGVTALRM, previous)
        environment.limits = None
        left = current.get()
        current.set(budget)
    if left is not None or sys.getrecursionlimit() != limit:
        raise SystemError(f"a signal leaves {left}, recursion limit {sys.getrecursionlimit()}")
    return text


MODES: dict[str, Callable[[Any, Any, Budget, dict[str, Any]], str]] = {
    "render": _rendered,
    "generate": _generated,
    "stream": _streamed,
    "module": _module,
    "cancelled": _cancelled,
    "tool": _with_tool,
    "signalled": _signalled,
}
