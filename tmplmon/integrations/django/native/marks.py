"""The names under which the package stores what it needs in Django's objects and in frames."""

PLACE = "_tmplmon_place"
"""The attribute of nodes, lists of nodes and conditions that signal: a `Place`, `Body` or `Condition`."""
END = "_tmplmon_end"
"""The attribute of a list of nodes with the token after it, such as that of ``elif``, ``else`` or
``endif``."""
MARKER = "__tmplmon_django__"
"""In the globals of a template's frames."""
