"""The base class of the tools that register with `sys.monitoring` (PEP 669)."""

import atexit
import sys
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

# The ids that PEP 669 does not assign to a purpose, then those of tools that are rare in production.
_FREE_IDS = (3, 4, 2, 5)


class MonitoringTool:
    """A tool that receives events between `start` and `stop`. Also a context manager.

    callbacks: event → the callback to register. global_events: the events to enable for all code.
    """

    NAME: ClassVar[str]
    """The name to register with `sys.monitoring`."""

    def __init__(self, callbacks: Mapping[int, Callable[..., Any]], global_events: int) -> None:
        self._callbacks = callbacks
        self._global_events = global_events
        self._tool_id: int | None = None

    def start(self) -> None:
        """Start or resume. Does nothing if started already. Raises RuntimeError if all tool ids are in use."""
        if self._tool_id is not None:
            return
        monitoring = sys.monitoring
        tool_id = self._tool_id = _claim_tool_id(self.NAME)
        for event, callback in self._callbacks.items():
            monitoring.register_callback(tool_id, event, callback)
        monitoring.set_events(tool_id, self._global_events)
        # Events that an earlier tool with this id has disabled would stay disabled.
        monitoring.restart_events()
        # During the shutdown of the interpreter the callbacks' modules are cleared.
        atexit.register(self.stop)

    def stop(self) -> None:
        """Stop, and keep the recorded data. Does nothing if not started."""
        tool_id, self._tool_id = self._tool_id, None
        if tool_id is None:
            return
        atexit.unregister(self.stop)
        monitoring = sys.monitoring
        monitoring.set_events(tool_id, 0)
        self._release(tool_id)
        for event in self._callbacks:
            monitoring.register_callback(tool_id, event, None)
        monitoring.free_tool_id(tool_id)

    def _release(self, tool_id: int) -> None:
        """Called by `stop` after the global events have been disabled."""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _claim_tool_id(name: str) -> int:
    """Register a tool under a free id, and return the id. Raises RuntimeError if there is none."""
    for tool_id in _FREE_IDS:
        if sys.monitoring.get_tool(tool_id) is None:
            sys.monitoring.use_tool_id(tool_id, name)
            return tool_id
    raise RuntimeError("all tool ids of sys.monitoring are in use")
