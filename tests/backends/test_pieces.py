"""The chunks that `generate` yields: the text before a value is yielded before the value is evaluated."""

import pytest

from tmplmon import Environment

X = "X"
CASES = [
    ("", []),
    ("text", [4]),
    ("a{{ 1 }}b{{ x }}c", [1, 2, 1, 1]),
    ("a\n{{ x }}\nb\n{{ x }}", [2, 1, 3, 1]),
    ("{{ x }}" * 24, [1] * 24),
    ("{{ x }}" * 25, [1] * 25),
    ("{{ x }}" * 70, [1] * 70),
    ("{% for i in range(3) %}{{ i }}{% endfor %}", [1, 1, 1]),
    ("{% for i in range(2) %}{{ i }}\n{{ x }}{% endfor %}", [2, 1, 2, 1]),
    ("a{% if x %}{% set y = 1 %}b{% endif %}c", [1, 1, 1]),
    # A long text is a separate chunk.
    ("t" * 5000 + "{{ x }}", [5000, 1]),
    ("t" * 100_000, [100_000]),
    (("t" * 3000 + "{{ x }}") * 3, [3000, 1] * 3),
    ("{% for i in range(2) %}" + "t" * 5000 + "{% endfor %}", [5000, 5000]),
]


@pytest.mark.parametrize(("source", "lengths"), CASES, ids=[row[0][:40] for row in CASES])
def test_chunks(source: str, lengths: list[int], backend: str) -> None:
    template = Environment(backend=backend).from_string(source)
    pieces = list(template.generate(x=X))
    assert [len(piece) for piece in pieces] == lengths
    assert "".join(pieces) == template.render(x=X)


def test_a_chunk_is_yielded_before_the_next_value_is_evaluated(backend: str) -> None:
    called: list[int] = []
    source = "t" * 5000 + "{% for i in range(3) %}{{ f(i) }}{% endfor %}"
    pieces = Environment(backend=backend).from_string(source).generate(f=lambda i: called.append(i) or i)
    assert (len(next(pieces)), called) == (5000, [])
    assert (next(pieces), called) == ("0", [0])
    assert (next(pieces), called) == ("1", [0, 1])


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_the_number_of_chunks_that_a_stream_buffers(size: int, backend: str) -> None:
    stream = Environment(backend=backend).from_string("{% for i in range(7) %}{{ i }}{% endfor %}").stream()
    stream.enable_buffering(size) if size > 1 else None
    expected = ["0123456"[start : start + size] for start in range(0, 7, size)]
    assert list(stream) == expected


def test_long_texts_of_a_page_are_not_copied() -> None:
    """In bytecode templates, a text of at least 1,000 characters is a separate item of the output."""
    template = Environment().from_string("a{{ x }}" + "t" * 1000 + "{{ x }}b")
    output: list[str] = []
    template.code(template.new_context({"x": X}), output)
    assert [len(piece) for piece in output] == [2, 1000, 2]
    template = Environment().from_string("a{{ x }}" + "t" * 999 + "{{ x }}b")
    output = []
    template.code(template.new_context({"x": X}), output)
    assert [len(piece) for piece in output] == [1003]
