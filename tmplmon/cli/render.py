"""``tmplmon render``: one template to standard output or a file, or a directory to a directory.

Rule: nothing is written that did not render to its end. In a directory each template is on its own: one that fails
is reported and the others are still rendered, so that one run shows all that is wrong.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tmplmon.cli.data import data_files, read_data
from tmplmon.cli.options import make_environment
from tmplmon.cli.output import check_inside, copy_file, encoded, write_file, write_stdout
from tmplmon.cli.problems import Problem, ProblemFound, UsageError, from_exception, long_form, shown_path
from tmplmon.cli.tree import Tree, destinations, output_name, read_tree


def render(args: argparse.Namespace) -> int:
    """The command. Returns the exit status; raises UsageError and ProblemFound."""
    if os.path.isdir(args.template):
        return _directory(args)
    if not os.path.exists(args.template):
        raise UsageError(f"there is no {args.template}")
    return _file(args)


# --- one template ------------------------------------------------------------------------------------------


def _file(args: argparse.Namespace) -> int:
    context = read_data(args.data)
    search = args.search or [os.path.dirname(args.template) or "."]
    name, search = locate(args.template, search)
    environment = make_environment(args, search)
    text = _rendered(environment, name, context, search)
    if args.output is None or args.output == "-":
        write_stdout(text)
        return 0
    path = args.output
    if os.path.isdir(path) or path.endswith((os.sep, "/")):
        path = os.path.join(path, output_name(os.path.basename(args.template)))
    data = encoded(text)
    with writing(path):
        # A link that the user names is followed: it is the file behind it that is meant.
        write_file(os.path.realpath(path) if os.path.islink(path) else path, data)
    return 0


def locate(path: str, search: list[str]) -> tuple[str, list[str]]:
    """The name under which a loader finds the file `path`, and the search path with which it does: `search`, and
    the file's directory after it if the file is in none of those."""
    real = os.path.realpath(path)
    directory, base = os.path.split(os.path.abspath(path))
    for place in search:
        root = os.path.abspath(place)
        for each in (os.path.join(directory, base), real):
            if each.startswith(os.path.join(root, "")):
                name = os.path.relpath(each, root).replace(os.sep, "/")
                _check_not_hidden(name, real, search)
                return name, search
    search = [*search, directory]
    _check_not_hidden(base, real, search)
    return base, search


def _check_not_hidden(name: str, real: str, search: list[str]) -> None:
    for place in search:
        found = os.path.join(place, *name.split("/"))
        if os.path.isfile(found):
            if os.path.realpath(found) != real:
                raise UsageError(
                    f"{found} hides {shown_path(real)}: it is found first under the name {name!r}"
                )
            return


def _rendered(environment: Any, name: str, context: dict[str, Any], search: list[str]) -> str:
    """The output of a template. Raises ProblemFound for whatever goes wrong in it."""
    try:
        text: str = environment.get_template(name).render(context)
    except Exception as error:
        raise ProblemFound(from_exception(error, search)) from error
    return text


@contextmanager
def writing(path: str) -> Iterator[None]:
    """Makes a problem of an error while `path` is written."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ProblemFound(Problem(f"cannot write: {error.strerror}", shown_path(path))) from None


# --- a directory -------------------------------------------------------------------------------------------


def _directory(args: argparse.Namespace) -> int:
    out = args.output
    if out is None:
        raise UsageError(f"{args.template} is a directory; say with -o where its pages go")
    if os.path.exists(out) and not os.path.isdir(out):
        raise UsageError(f"{out} is not a directory")
    if os.path.realpath(out) == os.path.realpath(args.template):
        raise UsageError("the pages cannot go where the templates are")
    context = read_data(args.data)
    search = [args.template, *args.search]
    environment = make_environment(args, search)
    started = time.perf_counter()
    tree, targets = _planned(args, out)
    failed, copies = 0, set(tree.copies)
    with Progress(len(targets)) as progress:
        for name, path in targets.items():
            progress.show(name)
            try:
                check_inside(path, out)
                if name in copies:
                    with writing(path):
                        copy_file(os.path.join(args.template, *name.split("/")), path)
                else:
                    data = encoded(_rendered(environment, name, context, search))
                    with writing(path):
                        write_file(path, data)
            except ProblemFound as found:
                failed += 1
                found.problem.path = found.problem.path or name
                progress.clear()
                print(long_form(found.problem), file=sys.stderr)
    if not args.quiet:
        _summary(tree, out, failed, time.perf_counter() - started)
    return 1 if failed else 0


def _planned(args: argparse.Namespace, out: str) -> tuple[Tree, dict[str, str]]:
    """What is in the directory, and where each of it goes."""
    try:
        tree = read_tree(args.template, (out, *data_files(args.data)))
    except OSError as error:
        raise ProblemFound(Problem(f"cannot read: {error.strerror}", shown_path(error.filename))) from None
    for name in tree.linked:
        print(f"warning: {name} is a link to a directory and was left out", file=sys.stderr)
    return tree, destinations(tree, args.template, out)


def _summary(tree: Tree, out: str, failed: int, seconds: float) -> None:
    parts = [f"{_count(len(tree.templates) + len(tree.copies) - failed, 'file')} written"]
    parts.append(
        f"{len(tree.templates)} rendered, {len(tree.copies)} copied" if not failed else f"{failed} failed"
    )
    print(f"{out}: {parts[0]} ({parts[1]}) in {seconds:.2f} s")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


class Progress:
    """A bar on the terminal's last line while files are written; nothing where standard error is not one."""

    WIDTH = 24

    def __init__(self, total: int) -> None:
        self.total = max(total, 1)
        self.done = 0
        self.on = sys.stderr.isatty()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def show(self, name: str) -> None:
        """`name` is being written."""
        if self.on:
            import shutil

            filled = self.WIDTH * self.done // self.total
            bar = "#" * filled + "." * (self.WIDTH - filled)
            text = f"[{bar}] {self.done}/{self.total} {name}"[: shutil.get_terminal_size().columns - 1]
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        self.done += 1

    def clear(self) -> None:
        if self.on:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
