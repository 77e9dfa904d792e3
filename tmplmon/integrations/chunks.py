"""Splits a page into chunks of bytes: the output of a template is collected until a chunk is worth sending.

Rule: the template continues only when the previous chunk has been taken, so a slow reader slows rendering down, and
at most one chunk is in memory. The server requests the next chunk when the connection has accepted the last one.
"""

from collections.abc import AsyncIterator, Iterator

SIZE = 16_384
"""The minimum length of a chunk in characters. Sending a chunk costs one or two system calls: at 16 KB these take
less time than rendering the text. A page of usual size is a single chunk, so it gets a Content-Length."""


class _Buffer:
    """Collects text until it has `size` characters."""

    __slots__ = ("_length", "_size", "_texts")

    def __init__(self, size: int) -> None:
        self._size = size
        self._texts: list[str] = []
        self._length = 0

    def add(self, text: str) -> bytes | None:
        """Add a text. Returns the chunk if it is complete, else None."""
        self._texts.append(text)
        self._length += len(text)
        return self.flush() if self._length >= self._size else None

    def flush(self) -> bytes | None:
        """Return the rest as a chunk; None if there is none."""
        if not self._texts:
            return None
        chunk = "".join(self._texts).encode()
        self._texts.clear()
        self._length = 0
        return chunk


def chunks(texts: Iterator[str], size: int = SIZE) -> Iterator[bytes]:
    """Join texts to chunks in UTF-8 with at least `size` characters each, except the last one."""
    buffer = _Buffer(size)
    for text in texts:
        if (chunk := buffer.add(text)) is not None:
            yield chunk
    if (chunk := buffer.flush()) is not None:
        yield chunk


async def async_chunks(texts: AsyncIterator[str], size: int = SIZE) -> AsyncIterator[bytes]:
    """`chunks` for an asynchronous iterator."""
    buffer = _Buffer(size)
    async for text in texts:
        if (chunk := buffer.add(text)) is not None:
            yield chunk
    if (chunk := buffer.flush()) is not None:
        yield chunk
