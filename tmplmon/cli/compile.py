"""``tmplmon compile``: compiles templates ahead of time, into a directory that an application uses as `cache_dir`.

Rule: templates should be compiled by the application's own environment, so that the compiled code fits. The files
are those of the disk cache, which compares source and options when it loads them; a file that does not fit is
ignored, and the template is compiled at run time. A template that fails to compile is reported, and the others are
still compiled.
"""

import argparse
import os
import sys
import time
from typing import Any

from tmplmon.cli.options import TEMPLATE_ENDS, find_environment, make_environment
from tmplmon.cli.output import plural
from tmplmon.cli.problems import UsageError, from_exception, long_form
from tmplmon.diskcache import DiskCache


def compile_templates(args: argparse.Namespace) -> int:
    """Run the command. Returns the exit status. Raises UsageError."""
    begin = time.perf_counter()
    environment = _environment(args)
    if environment.backend != "bytecode":
        raise UsageError("only the back end bytecode generates code that can be stored")
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
            template.generate_code  # noqa: B018 - compiles the form for streaming, which is compiled on first access
        except Exception as error:
            print(long_form(from_exception(error)), file=sys.stderr)
            failed += 1
    if os.path.isdir(args.output):
        # The application may run as another user.
        os.chmod(args.output, 0o755)
    if not args.quiet:
        count = plural(len(names) - failed, "template")
        print(f"{args.output}: {count} compiled in {time.perf_counter() - begin:.2f} s")
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
