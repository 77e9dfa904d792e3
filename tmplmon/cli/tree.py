"""A directory of templates: which files are rendered, copied or left out, and where the output goes.

Rule: the names decide, so that users can predict the result. A file or directory with a leading ``_`` is only used
by other templates; one with a leading ``.`` is ignored; a file with a template's extension
(`options.TEMPLATE_ENDS`) is a template; any other file is copied. The output has the same relative path, without
the template suffix (`options.TEMPLATE_SUFFIXES`).
"""

import os
from dataclasses import dataclass, field

from tmplmon.cli.options import TEMPLATE_ENDS, TEMPLATE_SUFFIXES
from tmplmon.cli.problems import UsageError, shown_path

USED_BY_OTHERS = "_"
HIDDEN = "."


@dataclass(slots=True)
class Tree:
    """The files of a directory. Names are relative to it, separated by ``/``, and sorted.

    linked: links to directories, which are not followed (they may form cycles).
    """

    templates: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    partials: list[str] = field(default_factory=list)
    linked: list[str] = field(default_factory=list)


def is_template(name: str) -> bool:
    """Whether a file name has the extension of a template."""
    return name.lower().endswith(TEMPLATE_ENDS)


def output_name(name: str) -> str:
    """Return the name of the output for a template or a copied file."""
    for suffix in TEMPLATE_SUFFIXES:
        if name.lower().endswith(suffix) and len(os.path.basename(name)) > len(suffix):
            return name[: -len(suffix)]
    return name


def read_tree(root: str, excluded: tuple[str, ...] = ()) -> Tree:
    """Read the names in a directory.

    excluded: paths of files and directories to ignore: the output of an earlier run, the data files.

    Raises OSError if a directory cannot be read.
    """
    tree = Tree()
    excluded_paths = {os.path.realpath(path) for path in excluded}

    def fail(error: OSError) -> None:
        raise error

    for directory, below, files in os.walk(root, onerror=fail):
        prefix = os.path.relpath(directory, root).replace(os.sep, "/") + "/"
        prefix = "" if prefix == "./" else prefix
        tree.linked += [prefix + name for name in below if os.path.islink(os.path.join(directory, name))]
        below[:] = [
            name
            for name in sorted(below)
            if not name.startswith(HIDDEN)
            and os.path.realpath(os.path.join(directory, name)) not in excluded_paths
        ]
        for name in files:
            if name.startswith(HIDDEN) or os.path.realpath(os.path.join(directory, name)) in excluded_paths:
                continue
            path = prefix + name
            if not os.path.isfile(os.path.join(directory, name)):
                continue  # a socket, a pipe, a dangling link
            if any(part.startswith(USED_BY_OTHERS) for part in path.split("/")):
                tree.partials += [path] if is_template(name) else []
            else:
                (tree.templates if is_template(name) else tree.copies).append(path)
    for names in (tree.templates, tree.copies, tree.partials, tree.linked):
        names.sort()
    return tree


def destinations(tree: Tree, root: str, out: str) -> dict[str, str]:
    """Name in the tree → the file to write, for every template and copied file. Raises UsageError if two of them
    have the same output, or an output would overwrite a file of the tree."""
    paths: dict[str, str] = {}
    names_by_target: dict[str, str] = {}
    sources = {
        os.path.realpath(os.path.join(root, name)) for name in (*tree.templates, *tree.copies, *tree.partials)
    }
    outputs = [(name, output_name(name)) for name in tree.templates] + [(name, name) for name in tree.copies]
    for name, target in outputs:
        path = os.path.join(out, *target.split("/"))
        if target in names_by_target:
            raise UsageError(
                f"{names_by_target[target]} and {name} would both be written to {shown_path(path)}"
            )
        if os.path.realpath(path) in sources:
            raise UsageError(f"{name} would overwrite {shown_path(path)}, which is one of the sources")
        names_by_target[target] = name
        paths[name] = path
    return paths
