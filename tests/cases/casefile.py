"""Reads and writes case files.

A case is a text file. It begins with a sentence that states the behaviour. Sections follow, each of which begins
with a line ``--- name``:

    A set inside a loop does not leave the loop.
    --- options                Python assignments: the arguments of Environment, and those of engines.SPECIAL
    trim_blocks = True
    --- context                Python assignments and functions: the variables of the rendering
    items = [1, 2]
    --- template               the template that is rendered, called "main"
    {% for x in items %}{{ x }}{% endfor %}
    --- template base.html     further templates, by name
    ...
    --- run                    the way to render, a key of engines.RENDERERS: render (default), generate ...
    --- jinja                  "no: key", with a key of differences.DIFFERENCES; without it, Jinja2 must agree
    --- async                  "no: reason" if the case does not hold in an asynchronous environment
    --- output                 expected: the text; or else:
    --- error                  expected: "Type at template:line", and the message on the lines after it. There is
                               no message if it is Python's own and differs between versions.
    --- message                expected: tmplmon's message about a syntax error (Jinja2's wording differs)
    --- events                 expected: the executed lines, "template: 1 2 3" for each stretch in one template

The text of a section does not include the line break before the next section. Text that an editor may change
(trailing blanks, carriage returns) is written as a Python literal, in a section with the word ``literal``:
``--- output literal``.
"""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

NAMES = ("options", "context", "template", "run", "jinja", "async", "output", "error", "message", "events")
MARKER = re.compile(rf"--- ({'|'.join(NAMES)})(?: (\S+?))??( literal)?")
SPOILT_BY_EDITORS = re.compile(r"[ \t]$|[^\n\x20-\x7e\xa1-\U0010ffff]|[\u2028\u2029]|\A\n|\n\Z", re.MULTILINE)
EXPECTED = ("output", "error", "message", "events")


@dataclass
class Case:
    """One case.

    title: the sentence before the first section.  sections: name → text.  templates: name → source.
    """

    title: str
    sections: dict[str, str] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)

    def refusal(self, section: str) -> str | None:
        """The text after "no:" in a section (``jinja``, ``async``); None if there is no such section. Raises
        ValueError if the section has another form."""
        text = self.sections.get(section)
        if text is None:
            return None
        answer, _, reason = text.partition(":")
        if answer != "no" or not reason.strip():
            raise ValueError(f"--- {section} must say 'no: reason', not {text!r}")
        return reason.strip()


def read(path: Path) -> Case:
    return parse(path.read_text("utf-8"))


def parse(text: str) -> Case:
    title: list[str] = []
    case = Case("")
    lines, literal, store = title, False, None

    def close() -> None:
        if store is not None:
            body = "\n".join(lines)
            into, name = store
            into[name] = ast.literal_eval(body) if literal else body

    for line in text.removesuffix("\n").split("\n"):
        marker = MARKER.fullmatch(line)
        if marker is None:
            lines.append(line)
            continue
        close()
        section, name, literal, lines = marker[1], marker[2], bool(marker[3]), []
        store = (case.templates, name or "main") if section == "template" else (case.sections, section)
    close()
    case.title = "\n".join(title)
    if "main" not in case.templates:
        raise ValueError("a case needs a '--- template' section without a name")
    return case


def write(path: Path, case: Case) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(case), "utf-8")


def render(case: Case) -> str:
    """The text of a case file, with the sections in the order of NAMES."""
    parts = [case.title]

    def add(marker: str, text: str) -> None:
        if SPOILT_BY_EDITORS.search(text) or any(MARKER.fullmatch(line) for line in text.split("\n")):
            marker, text = marker + " literal", as_literal(text)
        parts.append(f"--- {marker}")
        if text:
            parts.append(text)

    for name in NAMES:
        if name == "template":
            for template, source in case.templates.items():
                add("template" if template == "main" else f"template {template}", source)
        elif name in case.sections:
            add(name, case.sections[name])
    return "\n".join(parts) + "\n"


def as_literal(text: str) -> str:
    """The text as string literals, one for each line."""
    lines = [ascii(line) for line in re.split(r"(?<=\n)", text) if line]
    return lines[0] if len(lines) == 1 else "(" + "\n ".join(lines) + ")"
