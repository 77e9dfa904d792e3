"""Chunks of output: texts and the texts of closures, joined by as few closures as possible."""

from collections.abc import Sequence

from tmplmon.backends.closures.core import Closure
from tmplmon.backends.closures.frame import OUTPUT, Frame

type Fragment = str | Closure
"""A text, or a closure whose result is formatted as text."""


def constant_writer(text: str) -> Closure:
    """A statement that writes a text."""

    def put(f: Frame) -> None:
        f[OUTPUT].append(text)

    return put


def writer(parts: Sequence[Fragment]) -> Closure:
    """A statement that writes texts and the texts of closures."""
    texts, values = alternating(parts)
    match values:
        case []:
            return constant_writer(texts[0])
        case [v]:
            before, after = texts

            def put_one(f: Frame) -> None:
                f[OUTPUT].append(f"{before}{v(f)}{after}")

            return put_one
    text = joiner(parts)

    def put(f: Frame) -> None:
        f[OUTPUT].append(text(f))

    return put


def joiner(parts: Sequence[Fragment]) -> Closure:
    """A closure for the text of several parts: an f-string for up to four values, else several that are joined."""
    texts, values = alternating(parts)
    match values:
        case []:
            constant = texts[0]
            return lambda f: constant
        case [v]:
            t, u = texts
            return lambda f: f"{t}{v(f)}{u}"
        case [v, w]:
            t, u, x = texts
            return lambda f: f"{t}{v(f)}{u}{w(f)}{x}"
        case [v, w, y]:
            t, u, x, z = texts
            return lambda f: f"{t}{v(f)}{u}{w(f)}{x}{y(f)}{z}"
        case [v, w, y, k]:
            t, u, x, z, m = texts
            return lambda f: f"{t}{v(f)}{u}{w(f)}{x}{y(f)}{z}{k(f)}{m}"
    joined = []
    for start in range(0, len(values), 4):
        group: list[Fragment] = [texts[start]]
        for number, closure in enumerate(values[start : start + 4], start):
            group.append(closure)
            if number + 1 == len(values) or number + 1 < start + 4:
                group.append(texts[number + 1])
        joined.append(joiner(group))
    if len(joined) == 2:
        first, second = joined
        return lambda f: f"{first(f)}{second(f)}"
    join = "".join
    return lambda f: join([part(f) for part in joined])


def alternating(parts: Sequence[Fragment]) -> tuple[list[str], list[Closure]]:
    """Returns (texts, closures): the text before the first closure, between each two, and after the last; and the
    closures."""
    texts, values = [""], []
    for part in parts:
        if isinstance(part, str):
            texts[-1] += part
        else:
            values.append(part)
            texts.append("")
    return texts, values
