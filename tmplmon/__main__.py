"""``python -m tmplmon``: the same as the ``tmplmon`` command."""

import sys

from tmplmon.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
