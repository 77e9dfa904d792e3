"""A profile as JSON. docs/profiling.md describes it; `VERSION` changes when a reader has to."""

import json
from typing import Any

from tmplmon.tools.profiler.profile import Profile
from tmplmon.tools.profiler.tree import Node

VERSION = 1


def document(profile: Profile) -> str:
    """The whole profile: figures by file and line, and the call tree they were made of."""
    scopes = {scope: number for number, scope in enumerate(profile.scopes)}
    made = {
        "tmplmon_profile": VERSION,
        "seconds": profile.seconds,
        "spent": profile.spent,
        "renderings": profile.renderings,
        "threads": profile.threads,
        "plain": profile.plain,
        "scopes": [
            {
                "name": scope.name,
                "file": scope.file,
                "line": scope.line,
                "calls": figures.hits,
                "self": figures.own,
                "total": figures.total,
            }
            for scope, figures in profile.scopes.items()
        ],
        "files": [
            {
                "file": file.path,
                "calls": file.hits,
                "self": file.own,
                "total": file.total,
                "lines": [
                    {
                        "line": number,
                        "hits": line.hits,
                        "self": line.own,
                        "total": line.total,
                        "source": file.text(number),
                        "calls": [
                            {
                                "scope": scopes[scope],
                                "calls": figures.hits,
                                "self": figures.own,
                                "total": figures.total,
                            }
                            for scope, figures in line.calls.items()
                        ],
                    }
                    for number, line in sorted(file.lines.items())
                ],
                "not_run": sorted(file.executable - file.lines.keys()),
            }
            for file in profile.files.values()
        ],
        "tree": _tree(profile.root, scopes),
    }
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def _tree(root: Node, scopes: dict[Any, int]) -> list[dict[str, Any]]:
    """The nodes, each after its parent, which it has by number; flat, as templates nest deeper than JSON may."""
    numbers = {id(root): -1}
    made: list[dict[str, Any]] = []
    for node in root.walk():
        numbers[id(node)] = len(made)
        made.append(
            {
                "parent": numbers[id(node.parent)],
                "line": node.line,
                "scope": scopes[node.scope],
                "calls": node.calls,
                "lines": [[line, int(cell.hits), cell.time] for line, cell in sorted(node.cells.items())],
            }
        )
    return made
