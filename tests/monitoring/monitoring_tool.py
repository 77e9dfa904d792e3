"""A monitoring tool for tests, which records events."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

from tmplmon.monitoring.events import ALL_EVENTS, Event

type Recorded = list[tuple[Any, ...]]


class Tool:
    """One of the tools 0 to 5. ``seen`` has a row for each event of the watched code objects:

    (event name, *arguments), followed by the frame that called the callback if ``frames`` is set.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.seen: Recorded = []
        self.frames = False
        self.watched: list[CodeType] = []
        self.answer: Callable[[str], Any] = lambda name: None
        sys.monitoring.use_tool_id(number, f"test tool {number}")

    def watch(self, *codes: CodeType) -> Tool:
        self.watched += codes
        return self

    def record(self, *events: Event | None, local: CodeType | None = None) -> Tool:
        """Record events, of all code or of one code object."""
        chosen = [event for event in events if event is not None]
        for event in chosen:
            sys.monitoring.register_callback(self.number, event.mask, self._callback(event.name))
        mask = 0
        for event in chosen:
            if event.controlled_by == event.name:
                mask |= event.mask
        if local is None:
            sys.monitoring.set_events(self.number, mask)
        else:
            sys.monitoring.set_local_events(self.number, local, mask)
        return self

    def record_all(self) -> Tool:
        return self.record(*ALL_EVENTS)

    def stop(self) -> Recorded:
        """Switch the tool's global events off. Returns `seen`."""
        sys.monitoring.set_events(self.number, 0)
        return self.seen

    def _callback(self, name: str) -> Callable[..., Any]:
        def callback(code: CodeType, *arguments: Any) -> Any:
            if not any(code is watched for watched in self.watched):
                return None
            row = (name, *arguments)
            self.seen.append((*row, sys._getframe(1)) if self.frames else row)
            return self.answer(name)

        return callback

    def close(self) -> None:
        sys.monitoring.set_events(self.number, 0)
        for event in ALL_EVENTS:
            sys.monitoring.register_callback(self.number, event.mask, None)
        sys.monitoring.free_tool_id(self.number)


@contextlib.contextmanager
def listening(callback_of: Callable[[str], Callable[..., object]]) -> Iterator[None]:
    """A tool that records all events of all code."""
    monitoring = sys.monitoring
    monitoring.use_tool_id(4, "listening")
    try:
        for event in ALL_EVENTS:
            monitoring.register_callback(4, event.mask, callback_of(event.name))
        monitoring.set_events(4, sum(event.mask for event in ALL_EVENTS if event.controlled_by == event.name))
        yield
    finally:
        monitoring.set_events(4, 0)
        for event in ALL_EVENTS:
            monitoring.register_callback(4, event.mask, None)
        monitoring.free_tool_id(4)
