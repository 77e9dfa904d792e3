"""Profiles of templates that are interrupted or overlap: exceptions, generators, tasks, threads."""

import asyncio
import sys
import threading
from collections.abc import Iterator

import pytest

from tmplmon import DictLoader, UndefinedError
from tmplmon.sandbox import Limits, SandboxedEnvironment
from tmplmon.tools.profiler import Profiler

from .conftest import Site, checked, lines


def fail() -> None:
    raise LookupError("no such thing")


# --- exceptions --------------------------------------------------------------------------------------------


def test_an_exception_ends_all_templates_that_it_leaves(site: Site) -> None:
    site.add(
        page='{{ spend(1) }}\n{% include "row" %}',
        row="{{ spend(10) }}\n{{ fail() }}",
        next="{{ spend(100) }}",
    )

    def call() -> None:
        with pytest.raises(LookupError):
            site.render(fail=fail)
        site.clock.spend(1000)
        site.render("next")

    profile = site.profile(call)
    assert lines(profile) == {1: (1, 1, 1), 2: (1, 0, 10)}
    assert lines(profile, "row") == {1: (1, 10, 10), 2: (1, 0, 0)}
    assert lines(profile, "next") == {1: (1, 100, 100)}
    assert profile.renderings == 2


def test_an_exception_that_a_called_function_catches(site: Site) -> None:
    site.add(page="{{ attempt() }}\n{{ spend(1) }}", bad="{{ spend(10) }}{{ missing.name }}")

    def attempt() -> str:
        try:
            return site.render("bad")
        except UndefinedError:
            return "failed"

    profile = site.profile(attempt=attempt)
    assert lines(profile) == {1: (1, 0, 10), 2: (1, 1, 1)}


# --- suspension --------------------------------------------------------------------------------------------


def test_a_generators_consumer_is_not_counted(site: Site) -> None:
    site.add(
        page="{% for n in (1, 2) %}\n{{ spend(1) }}x\n{% include 'row' %}\n{% endfor %}",
        row="{{ spend(10) }}y",
    )

    def call() -> None:
        for _ in site.environment.get_template("page").generate():
            site.clock.spend(1000)

    profile = site.profile(call)
    assert profile.spent == 22
    assert lines(profile)[2] == (2, 2, 2)
    assert lines(profile)[3][1:] == (0, 20)
    assert lines(profile, "row") == {1: (2, 20, 20)}


def test_alternating_generators_and_one_that_is_abandoned(site: Site) -> None:
    site.add(
        page="{% for n in costs %}\n{{ spend(n) }}x\n{% endfor %}",
        other="{% for n in costs %}\n{{ spend(10 * n) }}x\n{% endfor %}",
    )

    def pieces(name: str) -> Iterator[str]:
        return site.environment.get_template(name).generate(costs=(1, 2, 4))

    def call() -> None:
        first, second, third = pieces("page"), pieces("other"), pieces("page")
        for _ in range(3):
            for each in (first, second, third):
                next(each)
                site.clock.spend(1000)
        first.close()
        list(third)

    profile = site.profile(call)
    assert lines(profile) == {1: (6, 0, 0), 2: (5, 10, 10)}
    assert lines(profile, "other") == {1: (2, 0, 0), 2: (2, 30, 30)}
    assert profile.renderings == 3


def test_tasks_of_an_event_loop(async_site: Site) -> None:
    site = async_site
    site.add(
        page="{{ spend(1) }}\n{% include 'part' %}\n{{ pause() }}{{ spend(2) }}",
        part="{{ pause() }}\n{{ spend(10) }}\n{{ pause() }}",
    )
    site.environment.globals["pause"] = lambda: asyncio.sleep(0)

    async def other() -> None:
        for _ in range(20):
            site.clock.spend(1000)
            await asyncio.sleep(0)

    async def both() -> None:
        page = site.environment.get_template("page")
        await asyncio.gather(page.render_async(), other(), page.render_async())

    profile = site.profile(lambda: asyncio.run(both()))
    assert lines(profile) == {1: (2, 2, 2), 2: (2, 0, 20), 3: (2, 4, 4)}
    assert lines(profile, "part") == {1: (2, 0, 0), 2: (2, 20, 20), 3: (2, 0, 0)}
    assert profile.renderings == 2


def test_an_asynchronous_generator(async_site: Site) -> None:
    site = async_site
    site.add(page="{{ spend(1) }}\n{% for n in numbers() %}\n{{ spend(10) }}\n{% endfor %}")

    async def numbers():  # type: ignore[no-untyped-def]
        for number in range(3):
            await asyncio.sleep(0)
            site.clock.spend(100)
            yield number

    async def consume() -> None:
        async for _ in site.environment.get_template("page").generate_async(numbers=numbers):
            site.clock.spend(1000)

    profile = site.profile(lambda: asyncio.run(consume()))
    assert {number: line[1] for number, line in lines(profile).items()} == {1: 1, 2: 300, 3: 30}


# --- threads -----------------------------------------------------------------------------------------------


class Turns:
    """Lets two threads alternate, at named positions."""

    def __init__(self) -> None:
        self.turn = threading.Condition()
        self.whose = 0

    def hand_over(self, me: int) -> str:
        with self.turn:
            self.whose = 1 - me
            self.turn.notify_all()
            assert self.turn.wait_for(lambda: self.whose == me, timeout=30)
        return ""

    def run(self, *calls) -> None:  # type: ignore[no-untyped-def]
        def work(me: int) -> None:
            with self.turn:
                assert self.turn.wait_for(lambda: self.whose == me, timeout=30)
            calls[me]()
            with self.turn:
                self.whose = 1 - me
                self.turn.notify_all()

        self.whose = 0
        threads = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def test_threads_that_overlap(site: Site) -> None:
    """Time in which a thread waits counts for its line, as wall time is measured."""
    site.add(
        page="{{ spend(1) }}\n{{ turn(0) }}\n{{ spend(2) }}\n{{ turn(0) }}\n{{ spend(4) }}",
        other="{{ spend(10) }}\n{{ turn(1) }}\n{{ spend(20) }}",
    )
    turns = Turns()
    site.environment.globals["turn"] = turns.hand_over
    profile = site.profile(lambda: turns.run(site.render, lambda: site.render("other")))
    costs = {
        name: {number: line[1] for number, line in lines(profile, name).items()} for name in ("page", "other")
    }
    assert costs == {"page": {1: 1, 2: 10, 3: 2, 4: 20, 5: 4}, "other": {1: 10, 2: 2, 3: 20}}
    assert (profile.threads, profile.renderings) == (2, 2)


def test_threads_one_after_the_other(site: Site) -> None:
    site.add(page="{{ spend(1) }}\n{% include 'row' %}", row="{{ spend(10) }}")

    def call() -> None:
        for _ in range(3):
            thread = threading.Thread(target=site.render)
            thread.start()
            thread.join()
            site.render()

    profile = site.profile(call)
    assert lines(profile) == {1: (6, 6, 6), 2: (6, 0, 60)}


# --- beginnings and ends -----------------------------------------------------------------------------------


def test_a_profiler_that_starts_during_a_template_sees_the_next_one(site: Site) -> None:
    site.add(
        page="{{ start() }}{{ spend(1) }}\n{{ spend(2) }}\n{% include 'row' %}\n{{ spend(4) }}",
        row="{{ spend(10) }}",
    )
    site.render(start=str)
    site.render(start=site.profiler.start)
    site.render(start=str)
    site.profiler.stop()
    profile = checked(site.profiler.profile, site.profiler)
    assert lines(profile) == {1: (1, 1, 1), 2: (1, 2, 2), 3: (1, 0, 10), 4: (1, 4, 4)}
    assert lines(profile, "row") == {1: (2, 20, 20)}


def test_a_profiler_that_stops_during_a_template_counts_its_time_up_to_then(site: Site) -> None:
    site.add(
        page="{{ spend(1) }}\n{% include 'row' %}",
        row="{{ spend(10) }}{{ stop() }}{{ spend(100) }}\n{{ spend(7) }}",
    )
    profile = site.profile(stop=site.profiler.stop)
    assert lines(profile) == {1: (1, 1, 1), 2: (1, 0, 10)}
    assert lines(profile, "row") == {1: (1, 10, 10)}


def test_a_restarted_profiler_continues(site: Site) -> None:
    site.add(page="{{ spend(3) }}")
    for _ in range(3):
        with site.profiler:
            site.render()
        site.render()
    profile = site.profiler.profile
    assert (profile.renderings, profile.spent, profile.seconds) == (3, 9, 9)


# --- what it leaves alone ----------------------------------------------------------------------------------


def local_events(site: Site, tool: int) -> int:
    if site.environment.backend == "closures":
        code = site.environment.get_template("page")._functions.root.code_like  # type: ignore[attr-defined]
    else:
        code = site.environment.get_template("page").code.__code__
    return sys.monitoring.get_local_events(tool, code)


def test_a_stopped_profiler_leaves_nothing_behind(site: Site) -> None:
    site.add(page="{{ spend(1) }}")
    free = [number for number in range(6) if sys.monitoring.get_tool(number) is None]
    with Profiler():
        (tool,) = set(free) - {number for number in range(6) if sys.monitoring.get_tool(number) is None}
        site.render()
        assert local_events(site, tool) & sys.monitoring.events.LINE
    assert [number for number in range(6) if sys.monitoring.get_tool(number) is None] == free
    sys.monitoring.use_tool_id(tool, "test")
    try:
        assert sys.monitoring.get_events(tool) == 0
        assert local_events(site, tool) == 0
        assert all(sys.monitoring.register_callback(tool, 1 << number, None) is None for number in range(15))
    finally:
        sys.monitoring.free_tool_id(tool)


def test_other_code_has_no_events(site: Site) -> None:
    site.add(page="{{ helper() }}")
    tool = sys.monitoring.PROFILER_ID
    seen = []

    def helper() -> str:
        seen.append(sys.monitoring.get_local_events(tool, helper.__code__))
        return ""

    site.profile(helper=helper)
    assert set(seen) == {0}


def test_freed_templates_are_forgotten(site: Site) -> None:
    from tmplmon.monitoring.announced import announced

    template = site.environment.from_string("{% macro forgotten() %}{% endmacro %}{{ forgotten() }}")
    with Profiler():
        template.render()
    assert any("forgotten" in code.co_name for code in announced())
    del template
    import gc

    gc.collect()
    assert not any("forgotten" in code.co_name for code in announced())


def test_two_profilers_at_once(site: Site) -> None:
    site.add(page="{{ spend(1) }}\n{{ spend(2) }}")
    other = Profiler(clock=site.clock)
    with other:
        profile = site.profile()
        site.render()
    assert lines(profile) == {1: (1, 1, 1), 2: (1, 2, 2)}
    assert lines(checked(other.profile, other)) == {1: (2, 2, 2), 2: (2, 4, 4)}


def test_all_tool_ids_are_in_use() -> None:
    taken = [
        number for number in (sys.monitoring.PROFILER_ID, 3, 4) if sys.monitoring.get_tool(number) is None
    ]
    for number in taken:
        sys.monitoring.use_tool_id(number, f"other {number}")
    try:
        with pytest.raises(RuntimeError, match="other 3"):
            Profiler().start()
    finally:
        for number in taken:
            sys.monitoring.free_tool_id(number)


def test_the_profile_is_available_after_the_end() -> None:
    with Profiler() as profiler, pytest.raises(RuntimeError, match="stopped"):
        profiler.profile  # noqa: B018
    assert profiler.profile.files == {}
    assert str(profiler.profile) == "No template ran.\n"


def test_shares_are_between_0_and_1() -> None:
    for share in (0, 1.5, -1):
        with pytest.raises(ValueError, match="share"):
            Profiler(share=share)


# --- sandboxes ---------------------------------------------------------------------------------------------


def test_a_sandbox_with_limits_in_several_threads() -> None:
    environment = SandboxedEnvironment(
        loader=DictLoader(
            {
                "page": "{% for i in n %}\n{% include 'row' %}\n{% endfor %}",
                "row": "{{ i }}\n{% if i %}\nx{% endif %}",
            }
        ),
        limits=Limits(fuel=100_000, output=100_000),
    )
    page = environment.get_template("page")
    threads = [
        threading.Thread(target=lambda: [page.render(n=range(3)) for _ in range(20)]) for _ in range(4)
    ]
    with Profiler() as profiler:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = {
        path: {n: line.hits for n, line in file.lines.items()}
        for path, file in profiler.profile.files.items()
    }
    assert sorted(found.values(), key=len) == [{1: 320, 2: 240}, {1: 240, 2: 240, 3: 160}]


# --- a thread that is late ---------------------------------------------------------------------------------


def test_a_template_that_starts_while_the_profiler_stops_is_forgotten(site: Site) -> None:
    """Its start may be reported after the profiler has stopped. It must not appear when the profiler restarts."""
    site.add(page="{{ spend(1) }}")
    recorder = site.profiler._recorder
    with site.profiler:
        site.render()
        entry = next(iter(recorder._starts.values()))
        code = next(iter(recorder._codes.values()))
    recorder._enter(code, entry, 0)
    assert not recorder._threads
    with site.profiler:
        site.clock.spend(100)
        site.render()
    assert lines(checked(site.profiler.profile, site.profiler)) == {1: (2, 2, 2)}
