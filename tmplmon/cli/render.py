"""``tmplmon render``: renders one template to standard output or a file, or a directory into a directory.

Rule: output is written only after its template has rendered completely. In a directory the templates are
independent: if one fails, it is reported and the others are rendered, so that one run shows all errors.
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
from tmplmon.cli.output import check_inside, copy_file, encoded, plural, write_file, write_stdout
from tmplmon.cli.problems import Problem, ProblemFound, UsageError, from_exception, long_form, shown_path
from tmplmon.cli.tree import Tree, destinations, output_name, read_tree


def render(args: argparse.Namespace) -> int:
    """Run the command. Returns the exit status. Raises UsageError or ProblemFound."""
    if os.path.isdir(args.template):
        return _directory(args)
    if not os.path.exists(args.template):
        raise UsageError(f"there is no {args.template}")
    return _file(args)


# --- one template ------------------------------------------------------------------------------------------


def _file(args: argparse.Namespace) -> int:
    context = read_data(args.data)
    name, search = locate(args.template, args.search)
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
        # If the user names a symbolic link, replace the file that it refers to.
        write_file(os.path.realpath(path) if os.path.islink(path) else path, data)
    return 0


def require_template(path: str) -> None:
    """Check that `path` is a single file. Raises UsageError."""
    if os.path.isdir(path):
        raise UsageError(f"{path} is a directory; name a template")
    if not os.path.exists(path):
        raise UsageError(f"there is no {path}")


def locate(path: str, search: list[str]) -> tuple[str, list[str]]:
    """Return the name under which a loader finds the file `path`, and the search path for the loader.

    The search path is `search`, followed by the file's directory if no directory of `search` contains the file.
    Raises UsageError if a loader would find another file under that name.
    """
    real = os.path.realpath(path)
    directory, base = os.path.split(os.path.abspath(path))
    for root in map(os.path.abspath, search):
        for candidate in (os.path.join(directory, base), real):
            if candidate.startswith(os.path.join(root, "")):
                name = os.path.relpath(candidate, root).replace(os.sep, "/")
                _check_not_hidden(name, real, search)
                return name, search
    search = [*search, os.path.dirname(path) or "."]
    _check_not_hidden(base, real, search)
    return base, search


def _check_not_hidden(name: str, real: str, search: list[str]) -> None:
    for root in search:
        candidate = os.path.join(root, *name.split("/"))
        if os.path.isfile(candidate):
            if os.path.realpath(candidate) != real:
                raise UsageError(
                    f"{candidate} hides {shown_path(real)}: it is found first under the name {name!r}"
                )
            return


def _rendered(environment: Any, name: str, context: dict[str, Any], search: list[str]) -> str:
    """Render a template. Raises ProblemFound if that fails."""
    try:
        text: str = environment.get_template(name).render(context)
    except Exception as error:
        raise ProblemFound(from_exception(error)) from error
    return text


@contextmanager
def writing(path: str) -> Iterator[None]:
    """Convert an error while `path` is written to ProblemFound."""
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
        raise UsageError(f"{args.template} is a directory; use -o to name the output directory")
    if os.path.exists(out) and not os.path.isdir(out):
        raise UsageError(f"{out} is not a directory")
    if os.path.realpath(out) == os.path.realpath(args.template):
        raise UsageError("the output directory must not be the directory of the templates")
    context = read_data(args.data)
    search = [args.template, *args.search]
    environment = make_environment(args, search)
    started = time.perf_counter()
    tree, targets = _plan(args, out)
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
            except ProblemFound as error:
                failed += 1
                error.problem.path = error.problem.path or name
                progress.clear()
                print(long_form(error.problem), file=sys.stderr)
    if not args.quiet:
        _summary(tree, out, failed, time.perf_counter() - started)
    return 1 if failed else 0


def read_directory(root: str, excluded: tuple[str, ...]) -> Tree:
    """`read_tree`, for the command line. Raises ProblemFound if a directory cannot be read."""
    try:
        return read_tree(root, excluded)
    except OSError as error:
        problem = Problem(f"cannot read: {error.strerror}", shown_path(error.filename), code="unreadable")
        raise ProblemFound(problem) from None


def _plan(args: argparse.Namespace, out: str) -> tuple[Tree, dict[str, str]]:
    """Return the files of the directory, and the output file of each."""
    tree = read_directory(args.template, (out, *data_files(args.data)))
    for name in tree.linked:
        print(f"warning: {name} is a link to a directory and was left out", file=sys.stderr)
    return tree, destinations(tree, args.template, out)


def _summary(tree: Tree, out: str, failed: int, seconds: float) -> None:
    written = plural(len(tree.templates) + len(tree.copies) - failed, "file")
    details = f"{failed} failed" if failed else f"{len(tree.templates)} rendered, {len(tree.copies)} copied"
    print(f"{out}: {written} written ({details}) in {seconds:.2f} s")


class Progress:
    """A progress bar on the last line of the terminal. Does nothing if standard error is not a terminal."""

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
        """Show `name` as the file that is being written."""
        if self.on:
            import shutil

            filled = self.WIDTH * self.done // self.total
            bar = "#" * filled + "." * (self.WIDTH - filled)
            text = f"[{bar}] {self.done}/{self.total} {name}"[: shutil.get_terminal_size().columns - 1]
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        self.done += 1

    def clear(self) -> None:
        """Remove the bar."""
        if self.on:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
