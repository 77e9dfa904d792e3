"""What generated code needs of the world outside it, by name: the constants of a template's functions.

Rule: code is kept on disk, so it refers to nothing but global names, and a link says what each is: a pair of a
kind and what to look for. Linking gives a function its globals. Where code was made on an assumption (a filter is
the stock one, or wants the context first), the link carries it and is checked again each time.

    kind        detail                       value
    runtime     name                         a function of the run-time support
    python      name                         a built-in
    undefined   variable's name              the undefined value for it
    default     variable's name              the environment's global of that name, else the undefined value
    filter      (name, wants, stock)         the filter's function
    test        (name, wants, stock)         the test's function
    filter?     name                         raises that there is no such filter; test? likewise
    markup      text                         the text as Markup
    eval        bool                         an evaluation context that escapes or does not
    environment None                         the environment
    finalize    wants                        the environment's finalize
    block       name                         the template's block
    site        (kind, number)               a key for what an include or import site found
"""

from typing import Any

type Link = tuple[str, Any]


class Links:
    """The links of one template's code: each has a global name, given out when it is first asked for."""

    def __init__(self) -> None:
        self.names: dict[Link, str] = {}

    def use(self, kind: str, detail: Any) -> str:
        """The global name for a link."""
        link = kind, detail
        name = self.names.get(link)
        if name is None:
            shown = detail[0] if isinstance(detail, tuple) else detail
            if kind in ("runtime", "python", "environment", "finalize"):
                name = f".{kind if shown is None or kind == 'finalize' else shown}"
            else:
                name = f".{kind}:{len(self.names) if kind in ('markup', 'site') else shown}"
            self.names[link] = name
        return name
