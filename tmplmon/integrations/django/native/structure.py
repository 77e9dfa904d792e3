"""The lines and branches of a template, in a form that is stored in coverage.py's data.

A report then needs neither Django nor the settings, and describes the template that was rendered.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tmplmon.integrations.django.native.parts import BODY, Structure
from tmplmon.monitoring.coverage import LanguagePlugin, ScopeReporter
from tmplmon.monitoring.scope import Scope


def described(structure: Structure) -> str:
    """Return a template's lines and branches as a text."""
    reporter = ScopeReporter(structure.filename, _Scopes([part.scope for part in structure.parts]))
    lines = reporter.all_lines
    further = {first: sorted(texts - lines) for first, texts in structure.texts.items() if texts - lines}
    regions = [(part.scope.code.co_name, part.start, sorted(part.scope.lines())) for part in structure.parts]
    content = {
        "lines": sorted(lines),
        "further": further,
        "arcs": sorted(reporter.all_arcs),
        "branches": {line: sorted(to) for line, to in reporter.branches.items()},
        "exits": {line: reporter.exit_of(line) for line in sorted(lines)},
        "suites": sorted(set(structure.suites)),
        "parts": [region for region in regions if region[0] != BODY],
    }
    return json.dumps(content, separators=(",", ":"))


class _Scopes(LanguagePlugin):
    """The plugin of a reporter for the scopes of one template."""

    def __init__(self, scopes: list[Scope]) -> None:
        super().__init__()
        self._scopes = scopes

    def scopes(self, path: str) -> Iterable[Any]:
        return self._scopes
