"""The tags of the language: what the lexer calls them, how they pair up, and who switches them on.

`TAGS` is the one list. The lexer's terminals, the block stack of error messages, the hints ("did you mean …") and
the table of tags in the documentation are made from it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag: its name, the name of the tag that closes it ("" where none does, None where it is itself part of a
    block), the tags that may stand in between, and the extension that has to be on."""

    name: str
    end: str | None = ""
    middle: tuple[str, ...] = ()
    extension: str | None = None

    @property
    def terminal(self) -> str:
        return f"TAG_{self.name.upper()}"


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

# Tags that are only ever parts of a block another tag opens. A part belongs to the extension its opener does.
PARTS: dict[str, Tag] = {
    part: Tag(part, None, (), tag.extension) for tag in TAGS.values() for part in (*tag.middle, tag.end) if part
}


def terminals(enabled: frozenset[str], custom: tuple[tuple[str, bool], ...]) -> dict[str, str]:
    """The terminal of every tag name that is on. `enabled` has the optional tags, `custom` (name, has a body) of
    the tags extensions brought; those cannot take the name of a tag the language has, as in Jinja."""
    table: dict[str, str] = {}
    for name, has_body in custom:
        table[name] = "TAG_CUSTOM_BODY" if has_body else "TAG_CUSTOM"
        if has_body:
            table[f"end{name}"] = "TAG_CUSTOM_END"
    for tag in TAGS.values():
        if tag.extension is None or tag.name in enabled:
            for name in (tag.name, *tag.middle, tag.end):
                if name:
                    table[name] = f"TAG_{name.upper()}"
    return table
