"""Runs a job in one way, and reports how long it took: ``python run.py WAY REPORT JOB``."""

import json
import runpy
import sys
import time
from functools import wraps


class Clock:
    """Adds up the processor time of calls, without those that they make of the same function."""

    def __init__(self):
        self.seconds = 0.0
        self.calls = 0
        self.depth = 0

    def measure(self, owner, name):
        function = getattr(owner, name)

        @wraps(function)
        def measured(*args, **kwargs):
            self.depth += 1
            start = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                self.depth -= 1
                if self.depth == 0:
                    self.seconds += time.process_time() - start
                    self.calls += 1

        setattr(owner, name, measured)


def main():
    way, report, job = sys.argv[1:4]
    if way != "jinja2":
        from tmplmon import starting

        starting.install(way)
    import jinja2

    # Loading a template that is not in the environment's cache is compiling it.
    loading, rendering = Clock(), Clock()
    loading.measure(jinja2.BaseLoader, "load")
    rendering.measure(jinja2.Template, "render")
    sys.argv = [job]
    start = time.process_time()
    try:
        runpy.run_path(job, run_name="__main__")
    finally:
        numbers = {
            "seconds": time.process_time() - start,
            "loading": loading.seconds,
            "loaded": loading.calls,
            "rendering": rendering.seconds,
        }
        if way == "observe":
            from tmplmon.loaded import loaded_syntaxes

            numbers["observed"] = len(loaded_syntaxes())
        with open(report, "w") as file:
            json.dump(numbers, file)


main()
