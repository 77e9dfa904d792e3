"""``tmplmon compile``: templates compiled ahead, into a directory that an application has as its `cache_dir`.

Rule: what is compiled is what the application will ask for, so it is best compiled by the application's own
environment. The files are those of the disk cache, which compares source and options when they are used: one that
does not fit is not used, and the template is compiled then. A template that does not compile is reported, and the
others are compiled all the same.
"""

import argparse
import os
import sys
import time
from typing import Any

from tmplmon.cli.options import TEMPLATE_ENDS, find_environment, make_environment
from tmplmon.cli.problems import UsageError, from_exception, long_form
from tmplmon.diskcache import DiskCache


def compile_templates(args: argparse.Namespace) -> int:
    """The command. Returns the exit status; raises UsageError."""
    begin = time.perf_counter()
    environment = _environment(args)
    if environment.backend != "bytecode":
        raise UsageError("only the back end bytecode makes code that can be kept")
    try:
        DiskCache(args.output)
        environment = environment.overlay(cache_dir=args.output, cache_size=0)
        names = [name for name in environment.list_templates() if name.endswith(TEMPLATE_ENDS)]
    except (TypeError, RuntimeError) as error:
        raise UsageError(str(error)) from None
    failed = 0
    for name in names:
        try:
            template = environment.get_template(name)
            template.generate_code  # noqa: B018 - the form that streams is compiled when it is asked for
        except Exception as error:
            print(long_form(from_exception(error, args.paths)), file=sys.stderr)
            failed += 1
    if os.path.isdir(args.output):
        # Whoever runs the application may read it.
        os.chmod(args.output, 0o755)
    if not args.quiet:
        number = len(names) - failed
        plural = "" if number == 1 else "s"
        print(f"{args.output}: {number} template{plural} compiled in {time.perf_counter() - begin:.2f} s")
    return 1 if failed else 0


def _environment(args: argparse.Namespace) -> Any:
    if args.environment is None:
        if not args.paths:
            raise UsageError("say which directories, or --environment")
        for path in args.paths:
            if not os.path.isdir(path):
                raise UsageError(f"{path} is not a directory")
        return make_environment(args, args.paths)
    if args.paths:
        raise UsageError("either directories or --environment")
    return find_environment(args.environment)
