"""The tags of the language: what the lexer calls them, how they pair up, and who switches them on.

`TAGS` is the one list. The lexer's terminals, the block stack of error messages, the hints ("did you mean …")
and the table of tags in the documentation are made from it.
"""

from typing import NamedTuple


class Tag(NamedTuple):
    """One tag: its name, the name of the tag that closes it ("" where none does), the tags that may stand in
    between, and the extension that has to be on."""

    name: str
    end: str = ""
    middle: tuple[str, ...] = ()
    extension: str | None = None


TAGS: dict[str, Tag] = {
    tag.name: tag
    for tag in (
        Tag("autoescape", "endautoescape"),
        Tag("block", "endblock"),
        Tag("break", extension="tmplmon.ext.loopcontrols"),
        Tag("call", "endcall"),
        Tag("continue", extension="tmplmon.ext.loopcontrols"),
        Tag("debug", extension="tmplmon.ext.debug"),
        Tag("do", extension="tmplmon.ext.do"),
        Tag("extends"),
        Tag("filter", "endfilter"),
        Tag("for", "endfor", ("else",)),
        Tag("from"),
        Tag("if", "endif", ("elif", "else")),
        Tag("import"),
        Tag("include"),
        Tag("macro", "endmacro"),
        Tag("print"),
        Tag("set", "endset"),
        Tag("trans", "endtrans", ("pluralize",), "tmplmon.ext.i18n"),
        Tag("with", "endwith"),
    )
}

# The tags that are only ever parts of a block, each with the tags that open such blocks.
PARTS: dict[str, tuple[Tag, ...]] = {
    part: tuple(tag for tag in TAGS.values() if part == tag.end or part in tag.middle)
    for opener in TAGS.values()
    for part in (*opener.middle, opener.end)
    if part
}


def terminals(enabled: frozenset[str], custom: tuple[tuple[str, bool], ...]) -> dict[str, str]:
    """The terminal of every tag name that is on. `enabled` has the optional tags, `custom` (name, has a body)
    of the tags extensions brought; those cannot take the name of a tag the language has, as in Jinja."""
    table: dict[str, str] = {}
    for name, has_body in custom:
        table[name] = "TAG_CUSTOM_BODY" if has_body else "TAG_CUSTOM"
        if has_body:
            table[f"end{name}"] = "TAG_CUSTOM_END"
    for tag in TAGS.values():
        if tag.extension is None or tag.name in enabled:
            for word in (tag.name, *tag.middle, tag.end):
                table[word] = f"TAG_{word.upper()}"
    table.pop("", None)
    return table
