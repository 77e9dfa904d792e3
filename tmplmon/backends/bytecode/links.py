"""The links of generated code: the global names that it uses, and the object that each stands for.

Rule: code is stored on disk, so it refers to other objects by global names only. A link, a pair (kind, detail),
says which object a name stands for; linking gives the functions their global variables. If the code was compiled
on an assumption (a filter is the stock one, or takes the context first), the link contains it, and linking checks
it.

    kind             detail                  object
    runtime          name                    a function of the run-time support
    python           name                    a built-in
    undefined        name of a variable      the undefined value for it
    default          name of a variable      the environment's global of that name, else the undefined value
    absent           (name, hint)            the undefined value for a parameter that is not passed
    hint             message                 an undefined value with this message
    filter, test     (name, first, stock)    the function; `first` is its first argument or None
    filter?, test?   name                    a function that raises an error: there is no such filter or test
    markup           text                    the text as Markup
    eval             bool                    an evaluation context that escapes or does not
    environment      None                    the environment
    undefined_class  None                    the environment's class of undefined values
    finalize         first argument          the environment's finalize
    self             None                    the template
    block            name                    the template's block
    tag              name                    the function of an extension's tag
    special          (name, …)               a function that templates have no name for; see `runtime.special`
    site             (kind, number)          a key for the template that an include has looked up
"""

from typing import Any

type Link = tuple[str, Any]


class Links:
    """The links of the code of one template. Each gets its global name at its first use."""

    def __init__(self) -> None:
        self.names: dict[Link, str] = {}
        self.global_names: set[str] = set()

    def use(self, kind: str, detail: Any) -> str:
        """The global name of a link."""
        link = kind, detail
        name = self.names.get(link)
        if name is None:
            shown = detail[0] if isinstance(detail, tuple) else detail
            if kind in ("runtime", "python", "environment", "finalize"):
                name = f".{kind if shown is None or kind == 'finalize' else shown}"
            else:
                name = f".{kind}:{len(self.names) if kind in ('markup', 'site', 'special') else shown}"
            self.names[link] = name
            self.global_names.add(name)
        return name
