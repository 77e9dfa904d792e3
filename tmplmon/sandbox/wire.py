"""Messages between a worker pool and its worker processes.

A message is one byte for its kind, four bytes for the length of its body, and the body. The pool sends
pickled plain data. A worker sends text and JSON, because the pool must not unpickle what a worker sends: a
worker that has been taken over could then run code in the pool's process.
"""

import io
import pickle
import sys
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from socket import socket

# From the pool to a worker.
RENDER, SOURCE = b"R", b"S"
# From a worker to the pool: started; part of the output; end of the output; a template that the worker needs;
# an error.
READY, CHUNK, END, LOAD, ERROR = b"+", b"C", b".", b"L", b"E"

_LENGTH_SIZE = 4
HEADER_SIZE = 1 + _LENGTH_SIZE
_LARGEST_PART = 1 << 20


class Closed(Exception):
    """The other side has closed the connection, or has died."""


class Channel:
    """One end of a connection. Every method raises Closed if the other side is gone, and TimeoutError after
    the deadline, a time of `time.monotonic`. A deadline of None is not checked."""

    def __init__(self, connection: "socket") -> None:
        self.connection = connection

    def send(self, kind: bytes, body: bytes, deadline: float | None = None) -> None:
        """Send one message."""
        self._limit(deadline)
        try:
            self.connection.sendall(kind + len(body).to_bytes(_LENGTH_SIZE) + body)
        except TimeoutError:
            raise
        except OSError as error:
            raise Closed from error

    def receive(self, largest: int | None = None, deadline: float | None = None) -> tuple[bytes, bytes]:
        """Return the kind and the body of the next message. Raises MessageTooLong if the body has more than
        `largest` bytes; none of it is read then."""
        header = self._read(HEADER_SIZE, deadline)
        length = int.from_bytes(header[1:])
        if largest is not None and length > largest:
            raise MessageTooLong(length)
        return header[:1], self._read(length, deadline)

    def _read(self, size: int, deadline: float | None) -> bytes:
        parts: list[bytes] = []
        while size:
            self._limit(deadline)
            try:
                part = self.connection.recv(min(size, _LARGEST_PART))
            except TimeoutError:
                raise
            except OSError as error:
                raise Closed from error
            if not part:
                raise Closed
            parts.append(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _limit(self, deadline: float | None) -> None:
        if deadline is not None:
            remaining = deadline - monotonic()
            if remaining <= 0:
                raise TimeoutError
            self.connection.settimeout(remaining)

    def close(self) -> None:
        """Close this end."""
        self.connection.close()


class MessageTooLong(Exception):
    """A message is longer than the receiver accepts."""


# Module → its classes whose instances count as plain data, besides the built-in types.
PLAIN = {
    "datetime": ("date", "datetime", "time", "timedelta", "timezone"),
    "decimal": ("Decimal",),
    "fractions": ("Fraction",),
    "markupsafe": ("Markup",),
    "uuid": ("SafeUUID", "UUID"),
}
_BUILTIN = (
    bool,
    bytearray,
    bytes,
    complex,
    dict,
    float,
    frozenset,
    int,
    list,
    range,
    set,
    str,
    tuple,
    type(None),
)


def _is_plain_class(value: Any) -> bool:
    if value in _BUILTIN:
        return True
    # Only a module that has been imported can have created a value.
    modules = ((sys.modules.get(name), classes) for name, classes in PLAIN.items())
    return any(value is getattr(module, name, None) for module, classes in modules for name in classes)


class _NotPlain(TypeError):
    pass


class _PlainPickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        # The pickler asks for everything but instances of the usual built-in types.
        if _is_plain_class(value if isinstance(value, type) else type(value)):
            return NotImplemented
        raise _NotPlain


def plain(message: tuple[Any, ...], variables: Mapping[str, Any]) -> bytes:
    """Return a pickle of `(*message, variables)`.

    Raises TypeError, with the path and the type, if a variable is not plain data: None, numbers, texts,
    bytes, lists, tuples, dicts, sets, ranges, dates and times, UUIDs and Markup.
    """
    buffer = io.BytesIO()
    try:
        _PlainPickler(buffer, pickle.HIGHEST_PROTOCOL).dump((*message, dict(variables)))
    except _NotPlain:
        path, value = _first_not_plain(variables)
        raise TypeError(
            f"{path} is of the type {type(value).__module__}.{type(value).__qualname__}, which cannot be sent "
            "to a worker: pass plain data (numbers, texts, lists, dicts, dates), for example a dict of the "
            "attributes that the template needs"
        ) from None
    except RecursionError:
        raise TypeError("the variables are nested too deeply to be sent to a worker") from None
    return buffer.getvalue()


def _first_not_plain(variables: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the path of a value that is not plain data, and the value."""
    pending = [(str(name), value) for name, value in variables.items()]
    seen = set()
    for path, value in pending:
        if id(value) in seen:
            continue
        seen.add(id(value))
        kind = type(value)
        if kind is dict:
            for key, item in value.items():
                pending.append((f"a key of {path}", key))
                pending.append((f"{path}[{key!r}]", item))
        elif kind in (list, tuple):
            pending += [(f"{path}[{index}]", item) for index, item in enumerate(value)]
        elif kind in (set, frozenset):
            pending += [(f"an item of {path}", item) for item in value]
        elif not _is_plain_class(kind):
            return path, value
    return "a variable", variables
