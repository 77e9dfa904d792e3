"""A directory of templates: what is rendered, what is copied, what is left out, and where each goes.

Rule: names decide, and a reader can predict it. A name that begins with ``_`` (a file's or a directory's) is for
other templates to use; one that begins with ``.`` is nobody's business; a file whose name ends like a template's
(`options.TEMPLATE_ENDS`) is one; every other file is copied as it is. Outputs keep their place and their name, but
for a template suffix, which is dropped.
"""

import os
from dataclasses import dataclass, field

from tmplmon.cli.options import TEMPLATE_ENDS, TEMPLATE_SUFFIXES
from tmplmon.cli.problems import UsageError, shown_path

USED_BY_OTHERS = "_"
HIDDEN = "."


@dataclass(slots=True)
class Tree:
    """What a directory holds. Names are relative to it, with ``/`` between their parts, sorted.

    `linked` are links to directories, which are not followed (they may lead in circles).
    """

    templates: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    partials: list[str] = field(default_factory=list)
    linked: list[str] = field(default_factory=list)


def is_template(name: str) -> bool:
    return name.lower().endswith(TEMPLATE_ENDS)


def output_name(name: str) -> str:
    """The name of what a template or a copied file makes."""
    for suffix in TEMPLATE_SUFFIXES:
        if name.lower().endswith(suffix) and len(os.path.basename(name)) > len(suffix):
            return name[: -len(suffix)]
    return name


def read_tree(root: str, without: tuple[str, ...] = ()) -> Tree:
    """Reads the names in a directory. `without` are files and directories that do not count: the output of an
    earlier run, the files of data. Raises OSError if the directory cannot be read."""
    tree = Tree()
    left_out = {os.path.realpath(path) for path in without}

    def fail(error: OSError) -> None:
        raise error

    for directory, below, files in os.walk(root, onerror=fail):
        prefix = os.path.relpath(directory, root).replace(os.sep, "/") + "/"
        prefix = "" if prefix == "./" else prefix
        tree.linked += [prefix + name for name in below if os.path.islink(os.path.join(directory, name))]
        below[:] = [
            name
            for name in sorted(below)
            if not name.startswith(HIDDEN) and os.path.realpath(os.path.join(directory, name)) not in left_out
        ]
        for name in files:
            if name.startswith(HIDDEN) or os.path.realpath(os.path.join(directory, name)) in left_out:
                continue
            path = prefix + name
            if not os.path.isfile(os.path.join(directory, name)):
                continue  # a socket, a pipe, a link to nothing
            if any(part.startswith(USED_BY_OTHERS) for part in path.split("/")):
                tree.partials += [path] if is_template(name) else []
            else:
                (tree.templates if is_template(name) else tree.copies).append(path)
    for names in (tree.templates, tree.copies, tree.partials, tree.linked):
        names.sort()
    return tree


def destinations(tree: Tree, root: str, out: str) -> dict[str, str]:
    """Name in the tree → the file to write, for all that is rendered or copied. Raises UsageError where two would
    write one file, or one would overwrite a file of the tree."""
    found: dict[str, str] = {}
    taken: dict[str, str] = {}
    sources = {
        os.path.realpath(os.path.join(root, name)) for name in (*tree.templates, *tree.copies, *tree.partials)
    }
    outputs = [(name, output_name(name)) for name in tree.templates] + [(name, name) for name in tree.copies]
    for name, target in outputs:
        path = os.path.join(out, *target.split("/"))
        if target in taken:
            raise UsageError(f"{taken[target]} and {name} would both be written to {shown_path(path)}")
        if os.path.realpath(path) in sources:
            raise UsageError(f"{name} would overwrite {shown_path(path)}, which is one of the sources")
        taken[target] = name
        found[name] = path
    return found
