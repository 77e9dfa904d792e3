"""Compares outputs. The permitted differences are defined here; there are no others.

Rule: the same values must be escaped in every output. Only these differences are normalised:

1. The spelling of an entity. ``"`` is ``&#34;`` in markupsafe, ``&quot;`` in Django, Tornado, minijinja and
   Chameleon; ``'`` is ``&#39;`` or ``&#x27;``; minijinja also writes ``/`` as ``&#x2f;``. They are the same
   character for a browser, so each gets one spelling (``/`` its own, because it never needs to be escaped).
2. For Chameleon, quotes outside tags, which need not be escaped there, and ``'`` inside a tag, whose attributes are
   all in double quotes here.
3. For engines without the Jinja language, whitespace: their tags leave other newlines.
"""

from __future__ import annotations

import re

_SPELLINGS = (("&#34;", "&quot;"), ("&#39;", "&#x27;"), ("&#x2f;", "/"))
_TAG = re.compile(
    r"(<[^>]*>)"
)  # sufficient here: `>` in data is escaped, or the comparison fails in any case
_SPACE_AROUND_TAGS = re.compile(r"\s*([<>])\s*")
_SPACE = re.compile(r"\s+")


def normalise(output: str | bytes, *, exact: bool, quotes_raw_in_text: bool = False) -> str:
    """Return the canonical form of an output. The flags are those of `benchmarks.engines.Engine`."""
    text = output.decode() if isinstance(output, bytes) else str(output)
    for spelling, canonical in _SPELLINGS:
        text = text.replace(spelling, canonical)
    if quotes_raw_in_text:
        text = text.replace("&#x27;", "'")
        texts = _TAG.split(text)  # text, tag, text, tag, … text
        texts[::2] = [part.replace("&quot;", '"') for part in texts[::2]]
        text = "".join(texts)
    if not exact:
        text = _SPACE.sub(" ", _SPACE_AROUND_TAGS.sub(r"\1", text)).strip()
    return text


def difference(actual: str, expected: str) -> str:
    """Describe the first difference between two canonical outputs; "" if they are equal."""
    if actual == expected:
        return ""
    pairs = enumerate(zip(actual, expected, strict=False))
    index = next((i for i, (a, b) in pairs if a != b), min(len(actual), len(expected)))
    start, end = max(0, index - 30), index + 30
    return f"differs at {index}: {actual[start:end]!r}, expected {expected[start:end]!r}"
