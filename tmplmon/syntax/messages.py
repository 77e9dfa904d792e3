"""The texts that a ``trans`` block asks a translation for.

Rule: what is looked up when a template runs is what a tool extracts for the translators, so both ask here.
"""

import re

from tmplmon.syntax import nodes

_line_end = re.compile(r"\s*\n\s*")


def messages(node: nodes.Trans, trimmed: bool, newstyle: bool) -> tuple[str, str | None]:
    """(singular, plural or None).

    trimmed: whether texts are trimmed in blocks that do not say. What is trimmed has no blanks at its ends, and
        one in place of a line break and the blanks around it.
    newstyle: the gettext functions format what they look up. If they do not, a message without variables is not
        formatted by anyone, and its percent signs are single.
    """
    if node.trimmed is not None:
        trimmed = node.trimmed

    def message(text: str) -> str:
        if trimmed:
            text = _line_end.sub(" ", text.strip())
        return text if newstyle or node.names else text.replace("%%", "%")

    return message(node.singular), None if node.plural is None else message(node.plural)
