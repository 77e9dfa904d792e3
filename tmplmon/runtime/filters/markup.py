"""Filters for HTML, URLs and JSON, and filters that mark text as safe or unsafe."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from markupsafe import Markup

from tmplmon.errors import FilterArgumentError
from tmplmon.runtime.html import (
    escape,
    escape_text,
    escape_to_str,
    htmlsafe_json_dumps,
    mark,
    url_quote,
    urlize,
)
from tmplmon.runtime.markers import pass_eval_context
from tmplmon.runtime.undefined import Undefined

# Characters that end an attribute's name for an HTML parser, and so would let a key become more than a name:
# https://html.spec.whatwg.org/#attribute-name-state
_ENDS_NAME = re.compile(r"[\s/>=]", re.ASCII)
_SCHEME = re.compile(r"[\w.+-]{2,}:/{0,2}")


def do_forceescape(value: Any) -> Markup:
    """Escape a value, even if it is markup."""
    if type(value) is str:
        return mark(escape_text(value))
    if hasattr(value, "__html__"):
        value = value.__html__()
    return escape(str(value))


def do_mark_safe(value: Any) -> Markup:
    """Mark a text as HTML, which autoescaping does not change."""
    return mark(value) if type(value) is str else Markup(value)


def do_mark_unsafe(value: Any) -> str:
    """Mark a text as plain text, which autoescaping escapes."""
    return str(value)


def do_striptags(value: Any) -> str:
    """Remove tags and comments, replace entities by their characters, and white space by single spaces."""
    if type(value) is str:
        if "<" not in value and "&" not in value:
            return " ".join(value.split())
        return mark(value).striptags()
    if hasattr(value, "__html__"):
        value = value.__html__()
    return Markup(str(value)).striptags()


def do_urlencode(value: Any) -> str:
    """Percent-encode a value for a URL: a text as part of a path, a mapping or pairs as a query string.

    In a path `/` is not encoded. In a query string it is encoded, and a space is written as `+`.
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        return url_quote(value)
    pairs: Iterable[Any] = value.items() if isinstance(value, dict) else value
    return "&".join(
        [f"{url_quote(name, for_qs=True)}={url_quote(item, for_qs=True)}" for name, item in pairs]
    )


@pass_eval_context
def do_urlize(
    eval_ctx: Any,
    value: Any,
    trim_url_limit: int | None = None,
    nofollow: bool = False,
    target: str | None = None,
    rel: str | None = None,
    extra_schemes: Iterable[str] | None = None,
) -> str:
    """Escape a text and convert the URLs and mail addresses in it to links.

    trim_url_limit: the maximum number of characters of a URL to show.
    nofollow: add `nofollow` to the attribute `rel` of the links.
    target: the attribute `target` of the links; by default the policy `urlize.target`.
    rel: the attribute `rel` of the links, to which the policy `urlize.rel` (`noopener`) is added.
    extra_schemes: further prefixes of links, such as `tel:`; by default the policy `urlize.extra_schemes`.

    Raises FilterArgumentError if one of `extra_schemes` cannot be the beginning of a URL.
    """
    policies = eval_ctx.environment.policies
    relations = {*(rel or "").split(), *(policies["urlize.rel"] or "").split()}
    if nofollow:
        relations.add("nofollow")
    if target is None:
        target = policies["urlize.target"]
    if extra_schemes is None:
        extra_schemes = policies["urlize.extra_schemes"]
    for scheme in extra_schemes or ():
        if _SCHEME.fullmatch(scheme) is None:
            raise FilterArgumentError(f"{scheme!r} is not the beginning of a URL")
    html = urlize(
        value,
        trim_url_limit=trim_url_limit,
        rel=" ".join(sorted(relations)) or None,
        target=target,
        extra_schemes=extra_schemes,
    )
    return mark(html) if eval_ctx.autoescape else html


@pass_eval_context
def do_xmlattr(eval_ctx: Any, d: Mapping[str, Any], autospace: bool = True) -> str:
    """Return a mapping as the attributes of a tag, without those that are none or undefined.

    d: the attributes. Values are escaped. Keys must not come from users, because they can be attributes that run
        scripts.
    autospace: put a space before the first attribute.

    Raises ValueError if a key contains white space, `/`, `>` or `=`.
    """
    parts = []
    for key, value in d.items():
        if value is None or isinstance(value, Undefined):
            continue
        # Most names consist of letters and digits and need no search.
        if not (type(key) is str and key.isalnum()) and _ENDS_NAME.search(key) is not None:
            raise ValueError(f"Invalid character in attribute name: {key!r}")
        parts.append(f'{escape_to_str(key)}="{escape_to_str(value)}"')
    text = " ".join(parts)
    if autospace and text:
        text = " " + text
    return mark(text) if eval_ctx.autoescape else text


@pass_eval_context
def do_tojson(eval_ctx: Any, value: Any, indent: int | None = None) -> Markup:
    """Serialize a value to JSON that is safe in HTML, including `<script>` but not in double-quoted attributes.

    indent: write each item on a line of its own, with this many spaces for each level.

    The policies `json.dumps_function` and `json.dumps_kwargs` configure it. Raises TypeError if the value cannot be
    serialized.
    """
    policies = eval_ctx.environment.policies
    kwargs = policies["json.dumps_kwargs"]
    if indent is not None:
        kwargs = {**kwargs, "indent": indent}
    return htmlsafe_json_dumps(value, dumps=policies["json.dumps_function"], **kwargs)
