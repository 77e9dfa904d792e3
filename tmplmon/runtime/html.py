"""Making HTML out of values: escaped text, links, JSON for a script element, percent-encoded URLs.

Rule: text becomes `Markup` once, at the end, and only where the caller is given markup. In between the
helpers work on `str`, since creating a `Markup` is what escaping spends most of its time on.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

import markupsafe
from markupsafe import Markup


def _escape_through_markup(text: str) -> str:
    return str(markupsafe.escape(text))


# A private name, which another version of markupsafe may not have.
escape_text: Callable[[str], str] = getattr(markupsafe, "_escape_inner", _escape_through_markup)
"""Escape an exact `str`, as a `str`."""


_new_str = str.__new__
# The text of these is known to have no character to escape.
_PLAIN_TYPES = frozenset({int, float, bool, type(None)})


def mark(text: str) -> Markup:
    """Make `Markup` of an exact `str` without the questions the constructor asks of any object."""
    return _new_str(Markup, text)


def mark_text(value: Any) -> Any:
    """Return a text as `Markup`. Any other value, which a native environment may have, is returned as it is."""
    if type(value) is str:
        return _new_str(Markup, value)
    # A text that knows its origins; see `origins`.
    as_markup = getattr(value, "_as_markup", None) if isinstance(value, str) else None
    return value if as_markup is None else as_markup()


def escape(value: Any) -> Markup:
    """Escape `&`, `<`, `>`, `'` and `"`, except in a value that says by `__html__` what its HTML is."""
    kind = type(value)
    if kind is str:
        return _new_str(Markup, escape_text(value))
    if kind is Markup:
        return value  # type: ignore[no-any-return]
    if kind in _PLAIN_TYPES:
        return _new_str(Markup, str(value))
    return markupsafe.escape(value)


def escape_to_str(value: Any) -> str:
    """Escape as `escape` does, for text that goes into a longer text: the result may be `Markup` or not."""
    kind = type(value)
    if kind is str:
        return escape_text(value)
    if kind is Markup:
        return value  # type: ignore[no-any-return]
    if kind in _PLAIN_TYPES:
        return str(value)
    return markupsafe.escape(value)


# Percent-encoding. Unreserved characters (RFC 3986, section 2.3) stand for themselves; the two tables give
# each byte its text, in a path (where `/` separates) and in a query (where a space is written `+`).

_UNRESERVED = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-~"
_PATH = [chr(byte) if byte in _UNRESERVED or byte == 0x2F else f"%{byte:02X}" for byte in range(256)]
_QUERY = [chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in range(256)]
_QUERY[0x20] = "+"


def url_quote(obj: Any, charset: str = "utf-8", for_qs: bool = False) -> str:
    """Percent-encode a value for a URL.

    obj: text, bytes, or anything that has a text.
    charset: how text becomes bytes.
    for_qs: encode for a query string: `/` too, and a space as `+`.
    """
    if not isinstance(obj, bytes):
        obj = (obj if isinstance(obj, str) else str(obj)).encode(charset)
    # Most values have nothing to encode.
    if not obj.rstrip(_UNRESERVED if for_qs else _UNRESERVED + b"/"):
        return str(obj, "ascii")
    return "".join(map((_QUERY if for_qs else _PATH).__getitem__, obj))


# JSON. Creating an encoder takes longer than encoding a small value, and nearly every environment keeps the
# policies' default, so the encoder for that is kept. It has no state, as json's own default encoder has none.

_SORTED_KEYS = {"sort_keys": True}
_dumps: Callable[..., str] | None = None
_encode_sorted: Callable[[Any], str] | None = None


def htmlsafe_json_dumps(obj: Any, dumps: Callable[..., str] | None = None, **kwargs: Any) -> Markup:
    """Serialize to JSON that is safe inside HTML, also in `<script>`; only double-quoted attributes are not.

    `<`, `>`, `&` and `'` become `\\uXXXX` escapes, which JSON readers turn back.

    obj: the value to serialize.
    dumps: the function that serializes, by default `json.dumps`.
    kwargs: further arguments for `dumps`.
    """
    global _dumps, _encode_sorted
    if dumps is None:
        if _dumps is None or _encode_sorted is None:
            import json

            _dumps = json.dumps
            _encode_sorted = json.JSONEncoder(sort_keys=True).encode
        text = _encode_sorted(obj) if kwargs == _SORTED_KEYS else _dumps(obj, **kwargs)
    else:
        text = dumps(obj, **kwargs)
    text = (
        text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("'", "\\u0027")
    )
    return mark(text) if type(text) is str else Markup(text)


# Links. A text is taken word by word. A word is [opening brackets] core [closing brackets and punctuation];
# the core is a link if it is wholly of one of the forms below. The text is escaped before that, so a bracket
# `<` is seen as `&lt;`. Everything is linear in the length of the text: the ends are trimmed by scanning
# inwards, and the patterns are anchored and have at each point one way to go on.

_OPENING = re.compile(r"(?:[(<]|&lt;)*")
_WORDS = re.compile(r"\S+")
_BRACKETS = (("(", ")"), ("<", ">"), ("&lt;", "&gt;"))

_HOST_FORMS = (
    # A scheme or www., any subdomains, and a top-level domain (RFC 1035: up to 63 letters) or its IDNA form.
    r"(?:https?://|www\.)(?:[\w%-]+\.)*(?:[a-z]{2,63}|xn--[\w%]{2,59})",
    # No scheme: only under the original top-level domains, anything else may be a file name.
    r"(?:[\w%-]{2,63}\.)+(?:com|net|int|edu|gov|org|info|mil)",
    # An address: four decimal groups, or at least three hexadecimal groups in brackets.
    r"https?://(?:\d{1,3}(?:\.\d{1,3}){3}|\[(?:[\da-f]{0,4}:){2}(?:[\da-f]{0,4}:?){1,6}\])",
)
_URL = "(?:" + "|".join(_HOST_FORMS) + r")(?::\d{1,5})?(?:[/?#]\S*)?"
_EMAIL = r"\S+@\w[\w.-]*\.\w+"

_is_url: Callable[[str], Any] | None = None
_is_email: Callable[[str], Any] | None = None


def _closing(word: str) -> int:
    """Find where the closing brackets and the punctuation at the end of `word` begin."""
    end = len(word)
    while end:
        if word[end - 1] in ")>.,":
            end -= 1
        elif word.endswith("&gt;", 0, end):
            end -= 4
        else:
            break
    return end


def _split_word(word: str) -> tuple[str, str, str]:
    """Split a word into what stands before a possible link, the link, and what follows it."""
    match = _OPENING.match(word)
    begin = match.end() if match else 0
    core = word[begin:]
    end = _closing(core)
    tail = core[end:]
    core = core[:end]
    # A bracket that the link itself opens is closed by the first brackets of the tail.
    for opening, closing in _BRACKETS:
        opened = core.count(opening)
        if opened > core.count(closing):
            taken = 0
            for _ in range(min(opened, tail.count(closing))):
                taken = tail.index(closing, taken) + len(closing)
            core += tail[:taken]
            tail = tail[taken:]
    return word[:begin], core, tail


def urlize(
    text: str,
    trim_url_limit: int | None = None,
    rel: str | None = None,
    target: str | None = None,
    extra_schemes: Iterable[str] | None = None,
) -> str:
    """Escape a text and turn the URLs and mail addresses in it into links.

    Links are made of `http://`, `https://` and `www.` URLs, of names under the original top-level domains, of
    `mailto:` URLs and of mail addresses. Brackets and punctuation around a link stay outside it.

    text: the text, escaped unless it is markup.
    trim_url_limit: show at most this many characters of a URL, then `...`.
    rel: value of the links' `rel` attribute.
    target: value of the links' `target` attribute.
    extra_schemes: beginnings (`ftp:`, `tel:`) that make any word a link.
    """
    global _is_url, _is_email
    if _is_url is None or _is_email is None:
        _is_url = re.compile(_URL, re.IGNORECASE).fullmatch
        _is_email = re.compile(_EMAIL).fullmatch
    is_url, is_email = _is_url, _is_email
    attributes = f' rel="{escape_to_str(rel)}"' if rel else ""
    if target:
        attributes += f' target="{escape_to_str(target)}"'
    schemes = () if extra_schemes is None else tuple(extra_schemes)

    def link(word: str) -> str:
        if not (schemes or "." in word or ":" in word):
            return word
        head, core, tail = _split_word(word)
        if is_url(core):
            shown = core
            if trim_url_limit is not None and len(core) > trim_url_limit:
                shown = f"{core[:trim_url_limit]}..."
            # Case matters here though not above: HTTPS://… is recognized, and gets a scheme before it.
            scheme = "" if core.startswith(("https://", "http://")) else "https://"
            core = f'<a href="{scheme}{core}"{attributes}>{shown}</a>'
        elif core.startswith("mailto:") and is_email(core[7:]):
            core = f'<a href="{core}">{core[7:]}</a>'
        elif "@" in core and ":" not in core and not core.startswith(("@", "www.")) and is_email(core):
            core = f'<a href="mailto:{core}">{core}</a>'
        else:
            for scheme in schemes:
                if core != scheme and core.startswith(scheme):
                    core = f'<a href="{core}"{attributes}>{core}</a>'
        return f"{head}{core}{tail}"

    return _WORDS.sub(lambda match: link(match[0]), str(escape_to_str(text)))
