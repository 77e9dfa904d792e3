import sys

import coverage

counter = coverage.Coverage(branch="--branch" in sys.argv or None)
counter.start()
from shop.pages import all_of_it  # noqa: E402

all_of_it()
counter.stop()
counter.save()
