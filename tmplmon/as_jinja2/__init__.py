"""Makes tmplmon the Jinja2 of a process: `import jinja2` is tmplmon, for applications that stay as they are.

    import tmplmon.as_jinja2

    tmplmon.as_jinja2.install()          or          python -m tmplmon.as_jinja2 script.py | -m module …

Environments, loaders, run time, sandbox, native types, filters, tests and errors are tmplmon's. The modules that
only read templates (nodes, lexer, parser, visitor, meta …) are those of the installed Jinja2, which extensions and
subclasses use; nothing is written to it.

    package      the modules of `jinja2` that are tmplmon's
    finding      finds them, and the others in the installed Jinja2
    refusing     what cannot be done, and what to do instead
"""

import sys

from tmplmon.as_jinja2.finding import Finder

__all__ = ["install", "is_installed", "uninstall"]


def install() -> None:
    """Make `import jinja2` import tmplmon in this process. It may be called several times.

    Raises RuntimeError if Jinja2 has been imported already, because modules that have its classes would keep them.
    If it is not installed, `import jinja2` raises ModuleNotFoundError, as it would without this.
    """
    if is_installed():
        return
    if "jinja2" in sys.modules:
        raise RuntimeError(
            "tmplmon.as_jinja2.install() must be called before jinja2 is imported; or start the program with"
            " `python -m tmplmon.as_jinja2`"
        )
    sys.meta_path.insert(0, Finder())


def uninstall() -> None:
    """Undo `install`, for tests. Modules that have imported `jinja2` meanwhile keep what they have."""
    for finder in [finder for finder in sys.meta_path if isinstance(finder, Finder)]:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name == "jinja2" or name.startswith("jinja2.")]:
            del sys.modules[name]


def is_installed() -> bool:
    """Whether `import jinja2` imports tmplmon."""
    return any(isinstance(finder, Finder) for finder in sys.meta_path)
