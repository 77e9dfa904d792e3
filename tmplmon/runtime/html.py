"""HTML from values: escaped text, links, JSON for script elements, percent-encoded URLs.

Rule: only the final result of a public function is `Markup`. The helpers work with `str`, because escaping
spends most of its time on creating `Markup` objects.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

import markupsafe
from markupsafe import Markup


def _escape_through_markup(text: str) -> str:
    return str(markupsafe.escape(text))


# A private name of markupsafe, which another version may not have.
escape_text: Callable[[str], str] = getattr(markupsafe, "_escape_inner", _escape_through_markup)
"""Exact `str` → its escaped text, as a `str`."""


_new_str = str.__new__
# Types whose text has no character that must be escaped.
_PLAIN_TYPES = frozenset({int, float, bool, type(None)})


def mark(text: str) -> Markup:
    """Return an exact `str` as `Markup`, without the checks of the constructor."""
    return _new_str(Markup, text)


def mark_text(value: Any) -> Any:
    """Return a text as `Markup`. Any other value, which a native environment may have, is returned as it is."""
    if type(value) is str:
        return _new_str(Markup, value)
    # A text that knows its origins; see `origins`.
    as_markup = getattr(value, "_as_markup", None) if isinstance(value, str) else None
    return value if as_markup is None else as_markup()


def escape(value: Any) -> Markup:
    """Return the text of a value with `&`, `<`, `>`, `'` and `"` escaped. If the value has `__html__`, return the
    result of that method instead."""
    kind = type(value)
    if kind is str:
        return _new_str(Markup, escape_text(value))
    if kind is Markup:
        return value  # type: ignore[no-any-return]
    if kind in _PLAIN_TYPES:
        return _new_str(Markup, str(value))
    return markupsafe.escape(value)


def escape_to_str(value: Any) -> str:
    """Escape as `escape` does. The result may be a `str` or `Markup`: it is for text that becomes part of
    another."""
    kind = type(value)
    if kind is str:
        return escape_text(value)
    if kind is Markup:
        return value  # type: ignore[no-any-return]
    if kind in _PLAIN_TYPES:
        return str(value)
    return markupsafe.escape(value)


# Percent-encoding. Unreserved characters (RFC 3986, section 2.3) are not encoded. The tables map each byte to its
# text in a path, where `/` is a separator, and in a query, where a space is written as `+`.

_UNRESERVED = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-~"
_PATH = [chr(byte) if byte in _UNRESERVED or byte == 0x2F else f"%{byte:02X}" for byte in range(256)]
_QUERY = [chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in range(256)]
_QUERY[0x20] = "+"


def url_quote(obj: Any, charset: str = "utf-8", for_qs: bool = False) -> str:
    """Percent-encode a value for a URL.

    obj: bytes, or a value whose text is encoded.
    charset: the encoding of the text.
    for_qs: encode for a query string: `/` is encoded, and a space is written as `+`.

    Raises UnicodeEncodeError if the text cannot be encoded.
    """
    if not isinstance(obj, bytes):
        obj = (obj if isinstance(obj, str) else str(obj)).encode(charset)
    # Most values have no byte to encode.
    if not obj.rstrip(_UNRESERVED if for_qs else _UNRESERVED + b"/"):
        return str(obj, "ascii")
    return "".join(map((_QUERY if for_qs else _PATH).__getitem__, obj))


# JSON. Creating an encoder takes longer than encoding a small value. So the encoder for the default policy,
# which most environments use, is created once. It has no state, like the default encoder of `json`.

_SORTED_KEYS = {"sort_keys": True}
_dumps: Callable[..., str] | None = None
_encode_sorted: Callable[[Any], str] | None = None


def htmlsafe_json_dumps(obj: Any, dumps: Callable[..., str] | None = None, **kwargs: Any) -> Markup:
    """Serialize a value to JSON that is safe in HTML, including `<script>` but not in double-quoted attributes.

    `<`, `>`, `&` and `'` are written as the JSON escapes `\\uXXXX`.

    obj: the value.
    dumps: the function that serializes; by default `json.dumps`.
    kwargs: further arguments for `dumps`.

    Raises TypeError if the value cannot be serialized.
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


# Links. A text is processed word by word. A word is [opening brackets] core [closing brackets and punctuation].
# The core is a link if all of it has one of the forms below. The text is escaped first, so a bracket `<`
# appears as `&lt;`. The time is linear in the length of the text: the ends are trimmed by scanning inwards, and
# the patterns are anchored and never backtrack.

_OPENING = re.compile(r"(?:[(<]|&lt;)*")
_WORDS = re.compile(r"\S+")
_BRACKETS = (("(", ")"), ("<", ">"), ("&lt;", "&gt;"))

_HOST_FORMS = (
    # A scheme or `www.`, subdomains, and a top-level domain (RFC 1035: up to 63 letters) or its IDNA form.
    r"(?:https?://|www\.)(?:[\w%-]+\.)*(?:[a-z]{2,63}|xn--[\w%]{2,59})",
    # No scheme: only the original top-level domains, because any other name may be a file's.
    r"(?:[\w%-]{2,63}\.)+(?:com|net|int|edu|gov|org|info|mil)",
    # An IP address: four decimal groups, or at least three hexadecimal groups in brackets.
    r"https?://(?:\d{1,3}(?:\.\d{1,3}){3}|\[(?:[\da-f]{0,4}:){2}(?:[\da-f]{0,4}:?){1,6}\])",
)
_URL = "(?:" + "|".join(_HOST_FORMS) + r")(?::\d{1,5})?(?:[/?#]\S*)?"
_EMAIL = r"\S+@\w[\w.-]*\.\w+"

_is_url: Callable[[str], Any] | None = None
_is_email: Callable[[str], Any] | None = None


def _closing(word: str) -> int:
    """Return the index at which the closing brackets and the punctuation at the end of `word` begin."""
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
    """Split a word into the text before a possible link, the link, and the text after it."""
    match = _OPENING.match(word)
    begin = match.end() if match else 0
    core = word[begin:]
    end = _closing(core)
    tail = core[end:]
    core = core[:end]
    # If the link contains an opening bracket, the first closing bracket after it belongs to the link.
    for opening, closing in _BRACKETS:
        opened = core.count(opening)
        if opened > core.count(closing):
            end = 0
            for _ in range(min(opened, tail.count(closing))):
                end = tail.index(closing, end) + len(closing)
            core += tail[:end]
            tail = tail[end:]
    return word[:begin], core, tail


def urlize(
    text: str,
    trim_url_limit: int | None = None,
    rel: str | None = None,
    target: str | None = None,
    extra_schemes: Iterable[str] | None = None,
) -> str:
    """Escape a text and convert the URLs and mail addresses in it to links.

    Links are created for URLs that begin with `http://`, `https://`, `www.` or `mailto:`, for names in the original
    top-level domains, and for mail addresses. Brackets and punctuation around a link are not part of it.

    text: the text, which is escaped unless it is markup.
    trim_url_limit: the maximum number of characters of a URL to show, before `...`; None for all.
    rel: the value of the links' `rel` attribute; None for none.
    target: the value of the links' `target` attribute; None for none.
    extra_schemes: further prefixes of links, such as `ftp:` or `tel:`.
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
            # Upper case matters here, unlike above: a scheme is put before HTTPS://… too, as in Jinja2.
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
