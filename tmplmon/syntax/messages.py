"""The message ids of a ``trans`` block: the texts that translations are looked up by.

Rule: a template looks up at run time exactly the texts that `tmplmon.extract` writes into a catalogue, so the
lowering and the extraction both call `messages`. The texts are those that Jinja extracts, with ``\\n`` line ends.
"""

import re

from tmplmon.syntax import nodes

# A line break with the whitespace around it.
_LINE_BREAK = re.compile(r"\s*\n\s*")


def messages(node: nodes.Trans, trimmed: bool, newstyle: bool) -> tuple[str, str | None]:
    """The ids of a block: (singular, plural), the plural None where the block has no ``pluralize``.

    trimmed: whether to trim the texts of a block without a ``trimmed`` or ``notrimmed`` of its own. Trimming
        removes the whitespace at both ends, and replaces each line break and the whitespace around it by one blank.
    newstyle: whether the gettext functions format the translations. If not, a message without placeholders is never
        formatted, and its percent signs are single.
    """
    if node.trimmed is not None:
        trimmed = node.trimmed

    def message(text: str) -> str:
        if trimmed:
            text = _LINE_BREAK.sub(" ", text.strip())
        return text if newstyle or node.names else text.replace("%%", "%")

    return message(node.singular), None if node.plural is None else message(node.plural)
