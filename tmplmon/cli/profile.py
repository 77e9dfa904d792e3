"""``tmplmon profile``: renders a template and shows what its lines cost.

Rule: what is profiled is rendered as ``tmplmon render`` does it, with nothing else in the figures: the template is
loaded, and rendered once, before. The time that a rendering takes without the profiler is measured too, as the
profiler itself takes time.
"""

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any

from tmplmon.cli.data import read_data
from tmplmon.cli.options import make_environment
from tmplmon.cli.output import encoded, write_file, write_stdout
from tmplmon.cli.problems import Problem, ProblemFound, UsageError, from_exception, shown_path
from tmplmon.cli.render import locate

# Seconds for the renderings that are only timed; there is at least one.
_PATIENCE = 1.0


def profile(args: argparse.Namespace) -> int:
    """The command. Returns the exit status; raises UsageError and ProblemFound."""
    if os.path.isdir(args.template) or not os.path.exists(args.template):
        raise UsageError(
            f"{args.template} is a directory; name a template"
            if os.path.isdir(args.template)
            else f"there is no {args.template}"
        )
    format = _format(args)
    context = read_data(args.data)
    name, search = locate(args.template, args.search or [os.path.dirname(args.template) or "."])
    environment = make_environment(args, search)
    try:
        made = _profiled(lambda: environment.get_template(name).render(context), args.repeat, args.cold)
    except Exception as error:
        raise ProblemFound(from_exception(error, search)) from error
    _put(args, format, made)
    return 0


def _format(args: argparse.Namespace) -> str:
    from tmplmon.tools.profiler.formats import format_of

    if args.format is not None:
        return str(args.format)
    if args.output in (None, "-"):
        return "table"
    try:
        return format_of(args.output)
    except ValueError as error:
        raise UsageError(f"{error} (--format)") from None


def _profiled(render: Callable[[], object], repeat: int, cold: bool) -> Any:
    from tmplmon.tools.profiler import Profiler

    profiler = Profiler()
    if cold:
        plain = None
    else:
        render()
        plain = _plain(render, repeat)
    with profiler:
        for _ in range(repeat):
            render()
    made = profiler.profile
    made.plain = plain
    return made


def _plain(render: Callable[[], object], most: int) -> float:
    """Seconds of a rendering that nobody watches: the mean of some, as what is profiled is given as the mean."""
    clock = time.perf_counter
    times: list[float] = []
    ends = clock() + _PATIENCE
    while len(times) < max(most, 3):
        began = clock()
        render()
        times.append(clock() - began)
        if clock() > ends:
            break
    return sum(times) / len(times)


def _put(args: argparse.Namespace, format: str, made: Any) -> None:
    to_terminal = args.output in (None, "-")
    options: dict[str, object] = {}
    if format == "table":
        color = args.color == "always" or (
            args.color == "auto" and to_terminal and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        )
        width = shutil.get_terminal_size().columns if to_terminal and sys.stdout.isatty() else 120
        options = {"sort": args.sort, "top": max(args.top, 0), "color": color, "width": width}
    text = made.show(format, **options)
    if to_terminal:
        write_stdout(text)
        return
    try:
        write_file(args.output, encoded(text))
    except OSError as error:
        raise ProblemFound(Problem(f"cannot write: {error.strerror}", shown_path(args.output))) from None
