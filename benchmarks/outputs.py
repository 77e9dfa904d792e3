"""Are two outputs the same page? What may differ is said here, and nothing else may.

The rule: escaping must have happened, in the same places. Normalised is only

1. the spelling of an entity. ``"`` is ``&#34;`` in markupsafe, ``&quot;`` in Django, Tornado, minijinja and
   Chameleon; ``'`` is ``&#39;`` or ``&#x27;``; minijinja also writes ``/`` as ``&#x2f;``. A browser reads the
   same character, so one spelling stands for all (and ``/`` for its own entity, as it never needs one);
2. for Chameleon, quotes outside of tags, which need no escaping there, and ``'`` inside of a tag, whose
   attributes are all in double quotes here;
3. for engines that are not of the Jinja language, white space: their tags leave other line ends behind.
"""

from __future__ import annotations

import re

_SPELLINGS = (("&#34;", "&quot;"), ("&#39;", "&#x27;"), ("&#x2f;", "/"))
_TAG = re.compile(r"(<[^>]*>)")  # sound here: a `>` in data is escaped, or the comparison fails anyway
_SPACE_AROUND_TAGS = re.compile(r"\s*([<>])\s*")
_SPACE = re.compile(r"\s+")


def normalise(output: str | bytes, *, exact: bool, quotes_raw_in_text: bool = False) -> str:
    """The canonical form of an output; the flags are those of `benchmarks.engines.Engine`."""
    text = output.decode() if isinstance(output, bytes) else str(output)
    for spelling, canonical in _SPELLINGS:
        text = text.replace(spelling, canonical)
    if quotes_raw_in_text:
        text = text.replace("&#x27;", "'")
        pieces = _TAG.split(text)  # text, tag, text, tag, … text
        pieces[::2] = [piece.replace("&quot;", '"') for piece in pieces[::2]]
        text = "".join(pieces)
    if not exact:
        text = _SPACE.sub(" ", _SPACE_AROUND_TAGS.sub(r"\1", text)).strip()
    return text


def difference(got: str, expected: str) -> str:
    """Where two canonical outputs part, with a little of each; empty when they are equal."""
    if got == expected:
        return ""
    pairs = enumerate(zip(got, expected, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(got), len(expected)))
    start = max(0, at - 30)
    return f"differs at {at}: {got[start : at + 30]!r}, expected {expected[start : at + 30]!r}"
