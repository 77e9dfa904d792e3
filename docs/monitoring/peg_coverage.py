"""A coverage.py plugin for grammars. It is enabled with ``plugins = peg_coverage``."""

from __future__ import annotations

from typing import Any

import peg

from tmplmon.monitoring.coverage import LanguagePlugin


class PegPlugin(LanguagePlugin):
    suffixes = (".peg",)

    def scopes(self, path: str) -> list[Any]:
        return [rule.scope for rule in peg.load(path).values()]


def coverage_init(registry: Any, options: Any) -> None:
    PegPlugin().register(registry)
