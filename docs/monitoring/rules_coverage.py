"""A coverage.py plugin for the rules language. It is enabled with ``plugins = rules_coverage``."""

from __future__ import annotations

from typing import Any

import rules

from tmplmon.monitoring.coverage import LanguagePlugin


class RulesPlugin(LanguagePlugin):
    suffixes = (".rules",)

    def scopes(self, path: str) -> list[Any]:
        return [rules.load(path)[0]]


def coverage_init(registry: Any, options: Any) -> None:
    RulesPlugin().register(registry)
