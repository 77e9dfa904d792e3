"""``tmplmon profile``: renders a template and shows how long its lines take.

Rule: the template is rendered as ``tmplmon render`` does it. It is loaded and rendered once before, so that only
rendering is measured. The time of a rendering without the profiler is measured too, because the profiler itself
takes time.
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
from tmplmon.cli.render import locate, require_template

# Maximum seconds for the renderings that are only timed; there is at least one.
_PLAIN_SECONDS = 1.0


def profile(args: argparse.Namespace) -> int:
    """Run the command. Returns the exit status. Raises UsageError or ProblemFound."""
    require_template(args.template)
    format = _format(args)
    context = read_data(args.data)
    name, search = locate(args.template, args.search)
    environment = make_environment(args, search)
    try:
        result = _profiled(lambda: environment.get_template(name).render(context), args.repeat, args.cold)
    except Exception as error:
        raise ProblemFound(from_exception(error)) from error
    _write(args, format, result)
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
        plain = _time_plain(render, repeat)
    with profiler:
        for _ in range(repeat):
            render()
    result = profiler.profile
    result.plain = plain
    return result


def _time_plain(render: Callable[[], object], repeat: int) -> float:
    """Return the seconds of a rendering without the profiler: the mean of several, like the profile's figures."""
    clock = time.perf_counter
    times: list[float] = []
    deadline = clock() + _PLAIN_SECONDS
    while len(times) < max(repeat, 3):
        began = clock()
        render()
        times.append(clock() - began)
        if clock() > deadline:
            break
    return sum(times) / len(times)


def _write(args: argparse.Namespace, format: str, result: Any) -> None:
    to_terminal = args.output in (None, "-")
    options: dict[str, object] = {}
    if format == "table":
        color = args.color == "always" or (
            args.color == "auto" and to_terminal and sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        )
        width = shutil.get_terminal_size().columns if to_terminal and sys.stdout.isatty() else 120
        options = {"sort": args.sort, "top": max(args.top, 0), "color": color, "width": width}
    text = result.show(format, **options)
    if to_terminal:
        write_stdout(text)
        return
    try:
        write_file(args.output, encoded(text))
    except OSError as error:
        raise ProblemFound(Problem(f"cannot write: {error.strerror}", shown_path(args.output))) from None
