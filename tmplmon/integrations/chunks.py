"""A page in chunks of bytes: pieces of a template's output, joined until they are worth sending.

Rule: the next piece is made only when the chunk before has been taken, so whoever reads slowly slows the template
down, and memory holds one chunk. What is sent is the server's business: it asks for the next chunk when the
connection has taken the last.
"""

from collections.abc import AsyncIterator, Iterator

SIZE = 16_384
"""Characters of a chunk. Each costs a system call or two: at 16 KB that is less than what making the text takes,
and a page of usual size is one chunk, so it can have a length."""


def chunks(pieces: Iterator[str], size: int = SIZE) -> Iterator[bytes]:
    """The pieces in UTF-8, `size` characters or a little more at once."""
    held: list[str] = []
    length = 0
    for piece in pieces:
        held.append(piece)
        length += len(piece)
        if length >= size:
            yield "".join(held).encode()
            held.clear()
            length = 0
    if held:
        yield "".join(held).encode()


async def achunks(pieces: AsyncIterator[str], size: int = SIZE) -> AsyncIterator[bytes]:
    """`chunks` of an asynchronous iterator."""
    held: list[str] = []
    length = 0
    async for piece in pieces:
        held.append(piece)
        length += len(piece)
        if length >= size:
            yield "".join(held).encode()
            held.clear()
            length = 0
    if held:
        yield "".join(held).encode()
