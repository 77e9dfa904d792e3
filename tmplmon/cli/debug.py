"""``tmplmon debug``: renders a template in the debugger.

Rule: the template and its data are named as for ``tmplmon render``. Standard input carries the debugger's commands;
the session ends at its end.
"""

import argparse
import sys
from contextlib import suppress
from typing import Any

from tmplmon.cli.data import read_data
from tmplmon.cli.options import make_environment
from tmplmon.cli.output import encoded, write_file
from tmplmon.cli.problems import UsageError, from_exception, long_form
from tmplmon.cli.render import locate, require_template, writing


def debug(args: argparse.Namespace) -> int:
    """Run the command. Returns the exit status. Raises UsageError or ProblemFound."""
    require_template(args.template)
    if "-" in args.data:
        raise UsageError("standard input is for the debugger's commands; put the data into a file")
    from tmplmon.tools.debugger.session import Quit, Restart, Session

    name, search = locate(args.template, args.search)
    args.extension = [*args.extension, "breakpoint"]
    environment = make_environment(args, search)
    session = Session(environment, args.commands)
    session.message(f"{name}: n is the next line, s steps in, c runs on, help lists the commands, q quits")
    while True:
        try:
            return _rendered(session, environment, name, search, args)
        except Restart:
            session.message(f"{name}, from the beginning")
        except Quit:
            return 0


def _rendered(session: Any, environment: Any, name: str, search: list[str], args: argparse.Namespace) -> int:
    """Render once. The data and the template are read each time, because the user may have edited them."""
    from tmplmon.tools.debugger.session import Quit, Restart

    context = read_data(args.data)
    try:
        text = session.render(environment.get_template(name), context)
    except (Quit, Restart, BrokenPipeError):  # The reader of the debugger's output is gone.
        raise
    except Exception as error:
        print(long_form(from_exception(error)), file=sys.stderr, flush=True)
        if error.__traceback__ is not None and session.can_inspect(error):
            with suppress(Quit):
                session.inspect(error)
        return 1
    session.message(f"{name} is done: {len(text)} characters")
    if args.output is not None:
        with writing(args.output):
            write_file(args.output, encoded(text))
    return 0
