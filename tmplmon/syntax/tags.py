"""The tags of the language: their terminals, how they form blocks, and the extensions that enable them.

`TAGS` is the only list of tags. The lexer's terminals, the stack of blocks in error messages, the hints ("did you
mean …") and the table of tags in the documentation are generated from it.
"""

from typing import NamedTuple


class Tag(NamedTuple):
    """One tag.

    end: the name of the tag that closes its block, "" for a tag without a block.
    middle: the names of the tags that divide its block.
    extension: the extension that enables the tag, None for a tag that is always enabled.
    """

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

# The tags that divide or close a block → the tags that open such blocks.
PARTS: dict[str, tuple[Tag, ...]] = {
    part: tuple(tag for tag in TAGS.values() if part == tag.end or part in tag.middle)
    for opener in TAGS.values()
    for part in (*opener.middle, opener.end)
    if part
}


def terminals(enabled: frozenset[str], custom: tuple[tuple[str, bool], ...]) -> dict[str, str]:
    """Name of a tag that is enabled → its terminal.

    enabled: the names of the optional tags that are enabled.
    custom: (name, whether the tag has a body) of the tags of extensions. As in Jinja, such a tag cannot replace a
        tag of the language.
    """
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
