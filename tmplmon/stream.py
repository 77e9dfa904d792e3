"""The output of a template as a stream."""

from collections.abc import Callable, Iterator
from typing import IO, Any, Self


class TemplateStream:
    """An iterator over the output of a template: over its chunks, or with buffering over several of them joined.

    chunks: the chunks. join: the function that joins a list of them.
    """

    def __init__(self, chunks: Iterator[str], join: Callable[[list[str]], str] = "".join) -> None:
        self._chunks = chunks
        self._join = join
        self.disable_buffering()

    def dump(self, fp: str | IO[Any], encoding: str | None = None, errors: str | None = "strict") -> None:
        """Write the output to a file.

        fp: a path, or an open file.
        encoding: the encoding of the file. By default UTF-8 for a path, and none for an open file, which must then
            accept str; with an encoding it must accept bytes.
        errors: how to treat characters that the encoding does not have, as in `str.encode`.

        Raises OSError or UnicodeEncodeError if the file cannot be written, and what rendering the template raises.
        """
        if isinstance(fp, str):
            with open(fp, "wb") as file:
                self._dump(file, encoding or "utf-8", errors)
        else:
            self._dump(fp, encoding, errors)

    def _dump(self, file: IO[Any], encoding: str | None, errors: str | None) -> None:
        if encoding is None:
            chunks: Iterator[Any] = iter(self)
        else:
            chunks = (chunk.encode(encoding, errors or "strict") for chunk in self)
        if hasattr(file, "writelines"):
            file.writelines(chunks)
        else:
            for chunk in chunks:
                file.write(chunk)

    def disable_buffering(self) -> None:
        """Yield each chunk by itself."""
        self._next = self._chunks.__next__
        self.buffered = False

    def enable_buffering(self, size: int = 5) -> None:
        """Yield `size` chunks at once, joined. Empty chunks do not count. Raises ValueError if `size` is less than
        2."""
        if size <= 1:
            raise ValueError("buffer size too small")
        self.buffered = True
        self._next = self._joined(size).__next__

    def _joined(self, size: int) -> Iterator[str]:
        buffer: list[str] = []
        count = 0
        for chunk in self._chunks:
            buffer.append(chunk)
            count += bool(chunk)
            if count >= size:
                yield self._join(buffer)
                buffer.clear()
                count = 0
        if count:
            yield self._join(buffer)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        return self._next()
