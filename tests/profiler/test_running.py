"""Profiles of a running application: for some seconds, on a signal, in bursts."""

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from tmplmon.tools.profiler import Profiler, profile_for, profile_on_signal

from .conftest import Site, lines


class Application:
    """A thread that renders a page repeatedly until the block ends."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.rendered = threading.Semaphore(0)
        self.ended = False
        self.thread = threading.Thread(target=self.serve)

    def serve(self) -> None:
        while not self.ended:
            self.site.render()
            self.rendered.release()

    def wait(self, _seconds: float = 0) -> None:
        """Wait until another rendering has started and ended."""
        while self.rendered.acquire(blocking=False):
            pass
        for _ in range(3):
            assert self.rendered.acquire(timeout=60)

    def __enter__(self) -> "Application":
        self.thread.start()
        self.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended = True
        self.thread.join()


def test_for_some_time(site: Site) -> None:
    site.add(page="{% for n in range(3) %}\n{% include 'row' %}\n{% endfor %}", row="{{ spend(1) }}")
    with Application(site) as application:
        profile = profile_for(5, share=1, wait=application.wait)
    assert profile.threads == 1
    assert profile.renderings >= 1
    rows = lines(profile, "row")[1]
    calls = profile.root.children
    assert rows[0] >= 1 and calls
    assert not Profiler()._recorder.is_on


def test_bursts_add_up() -> None:
    """Each burst starts and ends like a profiler. It may end on a line that has not yet spent its time."""
    site = Site("bytecode")
    site.add(page="{{ spend(1) }}\n{{ spend(2) }}")
    profiler = Profiler(share=0.5, clock=site.clock, burst=0.001)
    with Application(site) as application, profiler:
        for _ in range(50):
            application.wait()
        while not profiler._recorder.root.children:  # until a burst that contains a rendering has ended
            application.wait()
    profile = profiler.profile
    hits = lines(profile)
    assert 0 < hits[1][1] <= hits[1][0]
    assert 0 < hits[2][1] <= 2 * hits[2][0]


def test_starting_twice_has_no_effect() -> None:
    profiler = Profiler(share=0.5)
    profiler.start()
    switcher = profiler._switcher
    profiler.start()
    assert profiler._switcher is switcher
    profiler.stop()
    profiler.stop()
    assert profiler._switcher is None
    assert not profiler._recorder.is_on


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no such signals")
def test_on_a_signal(site: Site, tmp_path: Path) -> None:
    site.add(page="{{ spend(1) }}")
    before = signal.getsignal(signal.SIGUSR1)
    try:
        profile_on_signal(signal.SIGUSR1, str(tmp_path / "profile-%d.json"), seconds=0.01, share=1)
        signal.raise_signal(signal.SIGUSR1)
        for thread in threading.enumerate():
            if thread.name == "tmplmon profiler":
                thread.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    text = (tmp_path / f"profile-{os.getpid()}.json").read_text("utf-8")
    assert text.startswith('{\n "tmplmon_profile": 1')


def test_the_file_name_is_checked_at_the_start() -> None:
    with pytest.raises(ValueError, match=r"\.html"):
        profile_on_signal(signal.SIGINT, "profile")


def test_importing_it_starts_nothing() -> None:
    """The engine does not import the profiler, which has neither a thread nor a tool before it is started."""
    import subprocess

    code = (
        "import sys, threading, tmplmon; tmplmon.Environment().from_string('{{ 1 }}').render();"
        "assert not any('profiler' in name for name in sys.modules);"
        "import tmplmon.tools.profiler as p; p.Profiler();"
        "assert threading.active_count() == 1;"
        "assert not any(sys.monitoring.get_tool(n) for n in range(6))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
