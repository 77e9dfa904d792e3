"""WorkerPool: output and errors are those of this process, and every rendering ends."""

import asyncio
import gc
import json
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from effort import exhaustive, exhaustive_but
from markupsafe import Markup

from tests.sandbox import workers
from tmplmon import DictLoader, FileSystemLoader, FunctionLoader, TemplateError, TemplateNotFound
from tmplmon.defaults import DEFAULT_FILTERS, DEFAULT_TESTS
from tmplmon.errors import (
    SecurityError,
    TemplateAssertionError,
    TemplatesNotFound,
    TemplateSyntaxError,
    UndefinedError,
)
from tmplmon.sandbox import (
    Limits,
    PoolBusy,
    RemoteError,
    SandboxedEnvironment,
    WorkerDied,
    WorkerError,
    WorkerLimitExceeded,
    WorkerLimits,
    WorkerPool,
)

pytest.importorskip("resource", reason="Windows has no limits for processes")

# In seconds: a test that waits longer for a worker, a thread or a process fails.
PATIENCE = 120

TEMPLATES = {
    "hello": "Hello {{ name }}{% include 'mark' %}",
    "mark": "!",
    "below": "{% extends 'base' %}{% block body %}{{ super() }}{{ 1 + n }}{% endblock %}",
    "base": "<{% block body %}{{ n }},{% endblock %}>",
    "fatal": "{{ number|kill }}",
    "zero": "one\n{{ 1 / 0 }}",
    "incomplete": "{% include 'absent' %}",
}
# A template that runs until it is stopped.
ENDLESS = "\n{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}"
# The same in the longest operations that are allowed, which do not return to the interpreter for a while.
ENDLESS_OPERATION = "\n{% for i in range(1000) %}{{ ('a' * 60000).rfind('ab' ~ 'a' * 16000) }}{% endfor %}"
# One that takes memory until it is stopped.
GROWING = (
    "\n{% set l = [] %}{% for i in range(100000) %}{% set x = l.append('a' * 9000000 ~ i) %}{% endfor %}"
)


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    """Two workers whose limits are not reached, for renderings that end by themselves or end their process."""
    make_environment = partial(workers.environment, autoescape=True)
    loader = DictLoader(TEMPLATES)
    with WorkerPool(make_environment, loader=loader, workers=2, queue_seconds=PATIENCE) as result:
        yield result


def limited(**limits: Any) -> WorkerPool:
    return WorkerPool(workers.environment, workers=1, limits=WorkerLimits(**limits), queue_seconds=PATIENCE)


def in_this_process(text: str, **variables: Any) -> str:
    return (
        workers.environment(autoescape=True, loader=DictLoader(TEMPLATES)).from_string(text).render(variables)
    )


def test_output(pool: WorkerPool) -> None:
    assert pool.render("hello", {"name": "<Ann>"}) == "Hello &lt;Ann&gt;!"
    assert pool.render("hello", {"name": "Ann"}, name="Bob") == "Hello Bob!"
    assert pool.render("below", n=3) == "<3,4>"
    assert pool.render_text("{{ a }}\u2028\ud800😀{{ b }}", a="é", b=2) == "é\u2028\ud800😀2"
    assert pool.render_text("") == ""


VALUES = [
    None,
    True,
    10**40,
    1.5,
    2j,
    "<é\ud800😀",
    b"\x00\xff",
    bytearray(b"x"),
    [1, [2, (3,)]],
    {"a": {"b": 1}, 2: "c"},
    {1},
    frozenset((1, 2)),
    range(1, 10, 3),
    date(2026, 1, 2),
    datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
    timedelta(1, 2),
    Decimal("1.50"),
    Fraction(1, 3),
    UUID(int=5),
    Markup("<b>"),
]


def test_plain_data_arrives_with_its_types(pool: WorkerPool) -> None:
    text = "{% for v in values %}{{ v }} {{ v|type_name }} {{ v|year }};{% endfor %}"
    assert pool.render_text(text, values=VALUES) == in_this_process(text, values=VALUES)


def test_one_object_in_several_places_arrives_as_one(pool: WorkerPool) -> None:
    shared: list[Any] = [1]
    circle: list[Any] = [2]
    circle.append(circle)
    text = "{% set x = a.append(5) %}{{ b }}{{ c[1][1][1][0] }}"
    assert pool.render_text(text, a=shared, b=shared, c=circle) == "[1, 5]2"
    assert shared == [1]


STOCK = [f"|{name}" for name in DEFAULT_FILTERS] + [
    f" is {name}" for name in DEFAULT_TESTS if name.isidentifier()
]


@pytest.mark.parametrize("value", ["'a\\n<b c'", "[2, 1.5]", "{'a': 1}"])
def test_stock_filters_and_tests_need_no_module_that_a_worker_has_not_loaded(
    pool: WorkerPool, value: str
) -> None:
    for name in STOCK:
        text = f"{{{{ {value}{name}{'|string|length > 0' if name == '|random' else ''} }}}}"
        assert outcome(pool.render_text, text) == outcome(in_this_process, text), text


@pytest.mark.parametrize(
    "text",
    [
        "{{ range(3)|list }}{{ dict(a=1) }}{{ lipsum(1)|length > 9 }}{{ cycler(1, 2).next() }}{{ joiner() }}",
        "{{ moment.strftime('%Y %B %A %c') }}{{ moment.isoformat() }}{{ '%.3f'|format(1.5) }}",
        "{{ 'é'.encode('latin-1').decode('latin-1') }}{{ 'é'.encode('utf-16').hex() }}{{ 'ß'.casefold() }}",
    ],
)
def test_other_operations_need_no_module_that_a_worker_has_not_loaded(pool: WorkerPool, text: str) -> None:
    moment = datetime(2026, 1, 2, 3, 4)
    assert outcome(pool.render_text, text, moment=moment) == outcome(in_this_process, text, moment=moment)


def outcome(render: Any, text: str, **variables: Any) -> str:
    """The output without addresses, or the message of the error."""
    try:
        return re.sub("0x[0-9a-f]+", "0x", render(text, **variables))
    except RemoteError as error:
        return str(error.message)
    except TemplateError as error:
        return f"{type(error).__name__}: {error.message}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


class Thing:
    pass


class Number(int):
    pass


@pytest.mark.parametrize(
    ("variables", "path", "name"),
    [
        ({"a": Thing()}, "a ", "Thing"),
        ({"a": {"b": [0, Thing()]}}, "a['b'][1] ", "Thing"),
        ({"a": {Number(1): 2}}, "a key of a ", "Number"),
        ({"a": (1, {Number(1)})}, "an item of a[1] ", "Number"),
        ({"a": OrderedDict()}, "a ", "collections.OrderedDict"),
        ({"a": len}, "a ", "builtins.builtin_function_or_method"),
        ({"a": iter([])}, "a ", "builtins.list_iterator"),
        ({"a": json}, "a ", "builtins.module"),
    ],
)
def test_other_objects_are_refused(pool: WorkerPool, variables: dict[str, Any], path: str, name: str) -> None:
    with pytest.raises(TypeError) as caught:
        pool.render("hello", variables)
    assert str(caught.value).startswith(f"{path}is of the type ")
    assert f"{name}, which cannot be sent to a worker: pass plain data" in str(caught.value)


def test_variables_that_are_nested_too_deeply_are_refused(pool: WorkerPool) -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(TypeError, match="nested too deeply"):
        pool.render_text("", x=deep)


@pytest.mark.parametrize(
    ("text", "cls"),
    [
        ("a\n{{ x.y.z }}", UndefinedError),
        ("a\n{{ x.__class__.y }}", SecurityError),
        ("a\n{% include ['no', 'nor'] %}", TemplatesNotFound),
        ("a\n{% include 'no' %}", TemplateNotFound),
        ("a\n{% if %}", TemplateSyntaxError),
        ("a\n{{ a|no }}", TemplateAssertionError),
    ],
)
def test_errors_of_the_engine_are_those_of_this_process(
    pool: WorkerPool, text: str, cls: type[TemplateError]
) -> None:
    with pytest.raises(cls) as here:
        in_this_process(text)
    with pytest.raises(cls) as there:
        pool.render_text(text)
    assert type(there.value) is type(here.value) is cls
    assert there.value.message == here.value.message
    if isinstance(here.value, TemplateSyntaxError):
        assert str(there.value) == str(here.value)
        assert vars(there.value) == vars(here.value)
    else:
        (note,) = there.value.__notes__
        assert re.fullmatch(r"in the template '<template>', file \"<template.*>\", line 2", note)
    if isinstance(here.value, TemplateNotFound):
        assert there.value.templates == here.value.templates  # type: ignore[attr-defined]


def test_a_budget_holds_in_a_worker_and_its_error_has_its_location() -> None:
    make = partial(workers.environment, limits=Limits(fuel=50))
    with WorkerPool(make, workers=1) as pool, pytest.raises(TemplateError) as caught:
        pool.render_text("a\n  {% for i in range(100) %}{{ i }}{% endfor %}")
    assert type(caught.value).__name__ == "FuelExhausted"
    assert (caught.value.lineno, caught.value.name) == (2, "<template>")  # type: ignore[attr-defined]


def test_other_errors_keep_their_name_message_and_place(pool: WorkerPool) -> None:
    with pytest.raises(RemoteError) as caught:
        pool.render("zero")
    error = caught.value
    assert (error.type_name, error.message) == ("ZeroDivisionError", "ZeroDivisionError: division by zero")
    assert (error.name, error.lineno, error.column) == ("zero", 2, 3)
    assert str(error) == f"{error.message} ({error.filename}:2:4)"
    with pytest.raises(RemoteError, match="Own: of its own") as caught:
        pool.render_text("{{ 'own'|fail }}")
    assert caught.value.type_name.endswith("Own")
    with pytest.raises(RemoteError, match=r"Strange: <RuntimeError in str\(\) of the error>"):
        pool.render_text("{{ 'strange'|fail }}")
    with pytest.raises(RemoteError, match="SystemExit: 3"):
        pool.render_text("{{ 'exit'|fail }}")
    assert pool.render("hello", name=1) == "Hello 1!"


def test_a_missing_template_is_named(pool: WorkerPool) -> None:
    with pytest.raises(TemplateNotFound) as caught:
        pool.render("absent")
    assert caught.value.name == "absent"
    with pytest.raises(TemplateNotFound) as caught:
        pool.render("incomplete")
    assert caught.value.name == "absent"


def test_errors_can_be_pickled() -> None:
    errors: list[WorkerError] = [
        WorkerLimitExceeded("m", "seconds"),
        WorkerDied("m", -9),
        RemoteError("m", "E"),
        PoolBusy("m"),
    ]
    for error in errors:
        error.name, error.lineno = "a", 4
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), copy.message, vars(copy)) == (type(error), error.message, vars(error))


def test_the_wall_time_limit_reports_the_line() -> None:
    with limited(seconds=0.3) as pool:
        with pytest.raises(WorkerLimitExceeded, match=r"wall time \(0.3 s\)") as caught:
            pool.render_text(ENDLESS)
        assert (caught.value.limit, caught.value.lineno) == ("seconds", 2)
        assert pool.render_text("{{ 1 }}") == "1"


def test_the_processor_time_limit_reports_the_line() -> None:
    with limited(seconds=60, processor_seconds=0.3) as pool:
        with pytest.raises(WorkerLimitExceeded, match=r"processor time \(0.3 s\)") as caught:
            pool.render_text(ENDLESS)
        assert (caught.value.limit, caught.value.lineno) == ("processor_seconds", 2)
        assert pool.render_text("{{ 1 }}") == "1"


def test_code_that_catches_exceptions_is_stopped() -> None:
    with limited(seconds=0.3) as pool, pytest.raises(WorkerLimitExceeded) as caught:
        pool.render_text("\n{{ 0|swallow }}")
    assert (caught.value.limit, caught.value.lineno) == ("seconds", 2)


@pytest.mark.parametrize(
    "text", exhaustive_but([ENDLESS_OPERATION, "{{ 0|block_signals }}"], [ENDLESS_OPERATION])
)
@pytest.mark.parametrize(
    ("limit", "limits"),
    [
        ("seconds", {"seconds": 0.3}),
        # The kernel counts whole seconds.
        pytest.param("processor_seconds", {"seconds": 60, "processor_seconds": 0.3}, marks=exhaustive),
    ],
)
def test_code_that_does_not_return_is_stopped(limit: str, limits: dict[str, float], text: str) -> None:
    with limited(**limits) as pool:
        with pytest.raises(WorkerLimitExceeded) as caught:
            pool.render_text(text)
        assert caught.value.limit == limit
        assert pool.render_text("{{ 1 }}") == "1"


def test_the_memory_limit() -> None:
    with limited(memory=100 << 20) as pool:
        assert len(pool.render_text("{{ 'a' * 9000000 }}")) == 9_000_000
        process = pool.render_text("{{ process() }}")
        with pytest.raises(WorkerLimitExceeded, match="memory") as caught:
            pool.render_text(GROWING)
        assert (caught.value.limit, caught.value.lineno) == ("memory", 2)
        assert pool.render_text("{{ process() }}") != process


@pytest.mark.parametrize("stream", [False, True])
def test_output_that_just_fits_and_one_byte_more(stream: bool) -> None:
    with limited(output=1000) as pool:

        def render(text: str) -> str:
            return "".join(pool.stream_text(text)) if stream else pool.render_text(text)

        assert render("{{ 'é' * 250 }}{{ 'é' * 250 }}") == "é" * 500
        with pytest.raises(WorkerLimitExceeded, match="output") as caught:
            render("{{ 'é' * 250 }}{{ 'é' * 250 }}a")
        assert caught.value.limit == "output"
        assert render("a") == "a"


def test_limits_are_checked() -> None:
    for wrong in ({"seconds": "1"}, {"memory": 1.5}, {"output": True}):
        with pytest.raises(TypeError, match="must be a number"):
            WorkerLimits(**wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="seconds"):
        WorkerLimits(seconds=None)  # type: ignore[arg-type]
    for wrong in ({"seconds": 0}, {"memory": -1}, {"processor_seconds": float("inf")}):
        with pytest.raises(ValueError, match="positive"):
            WorkerLimits(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least one worker"):
        WorkerPool(workers=0)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_worker_that_dies_is_replaced(pool: WorkerPool, number: signal.Signals) -> None:
    with pytest.raises(WorkerDied, match=f"ended during the rendering: {number.name}.*'fatal'") as caught:
        pool.render("fatal", number=int(number))
    assert (caught.value.status, caught.value.name) == (-number, "fatal")
    assert pool.render("hello", name=1) == "Hello 1!"


def test_a_worker_that_exits_is_replaced(pool: WorkerPool) -> None:
    with pytest.raises(WorkerDied, match="exit status 5") as caught:
        pool.render_text("{{ 5|exit }}")
    assert caught.value.status == 5
    assert pool.render_text("{{ 1 }}") == "1"


@exhaustive
def test_correct_renderings_beside_failing_ones() -> None:
    """Eight threads, each with renderings that succeed, fail or exceed a limit."""
    bad = [ENDLESS, GROWING, "{{ 9|kill }}", "{{ 3|exit }}", "{{ 1/0 }}", "{{ 'a' * 5000 }}"]
    limits = WorkerLimits(seconds=0.5, memory=64 << 20, output=4000)

    def work(seed: int) -> list[str]:
        source = random.Random(seed)
        outputs = []
        for number in range(12):
            if source.random() < 0.2:
                with pytest.raises(WorkerError):
                    pool.render_text(source.choice(bad))
            outputs.append(pool.render("hello", name=(seed, number)))
        return outputs

    pool = WorkerPool(workers.environment, loader=DictLoader(TEMPLATES), workers=2, limits=limits)
    with pool, ThreadPoolExecutor(8) as threads:
        results = list(threads.map(work, range(8)))
    assert results == [[f"Hello {(seed, number)}!" for number in range(12)] for seed in range(8)]


DOUBLED = (
    "{% set ns = namespace(x=['lol']) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}"
)
# What has been used to exhaust time or memory.
HOSTILE = [
    ENDLESS,
    ENDLESS_OPERATION,
    GROWING,
    "{% for i in x %}" * 25 + "{% endfor %}" * 25,
    "{% if 0 %}" + "{% for i in x %}" * 25 + "{% endfor %}" * 25 + "{% endif %}",
    *(
        DOUBLED + use
        for use in (
            "{{ ns.x }}",
            "{{ ns.x is lower }}",
            "{{ [ns.x, ns.x]|sort }}",
            "{{ ns.x == [ns.x] }}",
            "{{ [1][ns.x].foo }}",
        )
    ),
    "{% set ns = namespace(x=1) %}{% for i in range(50) %}{% set ns.x = (1, (ns.x,), ns.x) %}{% endfor %}"
    "{{ {ns.x: 1} }}",
    "{{ lipsum('a' * 1000, max=10000000) }}",
    "{{ 'aaaa'|round(9, 'floor') }}",
    "{{ [[[[[[[[1]]]]]]]]|tojson(1200) }}",
    "{{ ('f' * 2000000)|int(base=16) }}",
    "{{ [[1], [2]]|sort(attribute='0.' * 20000 ~ '0') }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ ('a' * 9000000)|replace('', 'b' * 9000000) }}",
    "{% set b = dict.fromkeys(range(100000)) %}{% for i in range(3000) %}{% set y = dict(b) %}{% endfor %}",
    "{{ cycler('a')|list }}",
    "{{ 'é'.encode('punycode') }}" * 10,
    "{{ ('é' * 9000000).encode('idna') }}",
    "{{ 'a.b.c|' * 100000 }}",
    "{{ x.y|upper }}" * 100_000,
    "{% macro m() %}{% endmacro %}" * 20_000,
    "{% if a %}" + "{% elif a %}" * 20_000 + "{% endif %}",
    "{{ " + "(" * 100_000,
    "{{ " + "[" * 5000 + "]" * 5000 + " }}",
    "a" * 900_000 + "{{",
]


@exhaustive
@pytest.mark.parametrize(
    "text", [pytest.param(text, id=f"{n}: {text[:50]}") for n, text in enumerate(HOSTILE)]
)
def test_a_hostile_template_harms_no_other(hostile_pool: WorkerPool, text: str) -> None:
    """The rendering ends with output or an error. A hundred other renderings at the same time are correct."""

    def good(number: int) -> str:
        return hostile_pool.render("hello", name=number)

    with ThreadPoolExecutor(3) as threads:
        bad = threads.submit(outcome, hostile_pool.render_text, text)
        assert list(threads.map(good, range(100))) == [f"Hello {number}!" for number in range(100)]
        assert "WorkerDied" not in bad.result()


@pytest.fixture(scope="module")
def hostile_pool() -> Iterator[WorkerPool]:
    limits = WorkerLimits(seconds=1, memory=128 << 20)
    with WorkerPool(workers.environment, loader=DictLoader(TEMPLATES), workers=2, limits=limits) as result:
        result.start()
        yield result


def test_a_stream_yields_each_chunk(pool: WorkerPool) -> None:
    text = "{% for i in range(5) %}{{ i }},{% endfor %}end"
    assert "".join(pool.stream_text(text)) == "0,1,2,3,4,end"
    chunks = list(pool.stream_text(text, buffer=4))
    assert "".join(chunks) == "0,1,2,3,4,end"
    assert all(len(chunk) >= 4 for chunk in chunks[:-1])
    assert list(pool.stream_text("")) == []
    assert list(pool.stream("hello", name="x", buffer=100)) == ["Hello x!"]


def test_the_first_chunk_arrives_before_an_error(pool: WorkerPool) -> None:
    chunks = pool.stream_text("head\n{% for i in [1] %}{{ i }}{% endfor %}{{ 1 / 0 }}")
    assert next(chunks).startswith("head")
    with pytest.raises(RemoteError, match="ZeroDivisionError"):
        list(chunks)


def test_an_abandoned_stream_returns_its_worker() -> None:
    with limited(seconds=60) as pool:
        chunks = pool.stream_text("a{% for i in range(100000) %}{{ i }}{% endfor %}" + ENDLESS)
        next(chunks)
        chunks.close()  # type: ignore[attr-defined]
        assert pool.render_text("{{ 1 }}") == "1"
        next(pool.stream_text("a{{ 1 }}" + ENDLESS))
        gc.collect()
        assert pool.render_text("{{ 1 }}") == "1"
        pool.stream_text(ENDLESS)  # never begun
        assert pool.render_text("{{ 1 }}") == "1"


def test_a_stream_without_a_reader_ends_at_the_time_limit() -> None:
    """The worker blocks while the connection is full. A reader that continues later does not wait for it."""
    with limited(seconds=0.3, output=None) as pool:
        chunks = pool.stream_text("{% for i in range(100000) %}{{ i }}{{ 'a' * 1000 }}{% endfor %}")
        next(chunks)
        worker = next(iter(pool._all))
        assert worker.process is not None
        worker.process.join(PATIENCE)
        with pytest.raises(WorkerLimitExceeded) as caught:
            list(chunks)
        assert caught.value.limit == "seconds"


def test_a_template_is_loaded_here_and_compiled_once_in_each_worker() -> None:
    loads = []

    def load(name: str) -> str | None:
        loads.append((name, os.getpid()))
        return TEMPLATES.get(name)

    with WorkerPool(workers.environment, loader=FunctionLoader(load), workers=1, preload=["base"]) as pool:
        pool.start()
        assert loads == [("base", os.getpid())]
        for n in range(3):
            assert pool.render("below", n=n) == f"<{n},{n + 1}>"
        assert [name for name, _ in loads] == ["base", "below"]


def test_an_exception_of_the_loader_is_raised_here() -> None:
    class BrokenDisk(OSError):
        pass

    def load(name: str) -> str:
        if name == "good":
            return "good{% include 'bad' ignore missing %}"
        raise BrokenDisk(name)

    with WorkerPool(workers.environment, loader=FunctionLoader(load), workers=1) as pool:
        with pytest.raises(BrokenDisk, match="bad"):
            pool.render("bad")
        with pytest.raises(BrokenDisk, match="bad"):
            pool.render("good")


def test_auto_reload(tmp_path: Path) -> None:
    file, base = tmp_path / "a", tmp_path / "base"
    file.write_text("{% include 'base' %}1")
    base.write_text("x")
    loader = FileSystemLoader(tmp_path)
    with (
        WorkerPool(workers.environment, loader=loader, workers=1, auto_reload=True) as pool,
        WorkerPool(workers.environment, loader=loader, workers=1) as fixed,
    ):
        assert pool.render("a") == fixed.render("a") == "x1"
        base.write_text("longer")
        assert (pool.render("a"), fixed.render("a")) == ("longer1", "x1")
        file.write_text("{% include 'base' %}22")
        assert (pool.render("a"), fixed.render("a")) == ("longer22", "x1")
        base.unlink()
        with pytest.raises(TemplateNotFound, match="base"):
            pool.render("a")


def test_workers_cannot_open_files(tmp_path: Path, pool: WorkerPool) -> None:
    file = tmp_path / "secret"
    file.write_text("text")
    with pytest.raises(RemoteError, match="OSError"):
        pool.render_text("{{ name|open_file }}", name=str(file))
    with pytest.raises(RemoteError, match="OSError"):
        pool.render_text("{{ 0|connect }}")
    with WorkerPool(workers.environment, workers=1, files=True) as opened:
        assert opened.render_text("{{ name|open_file }}{{ 0|connect }}", name=str(file)) == "text2"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (workers.failing, "LookupError: no settings"),
        (workers.unsafe, "needs a sandboxed environment, not Environment"),
    ],
)
def test_an_environment_that_cannot_be_created(make: Any, message: str) -> None:
    with WorkerPool(make, workers=1) as pool:
        for _ in range(2):
            with pytest.raises(WorkerDied, match=message):
                pool.render_text("")


def test_a_function_that_cannot_be_imported_is_refused() -> None:
    pool = WorkerPool(lambda: SandboxedEnvironment(), workers=1)
    with pool, pytest.raises(TypeError, match="importable"):
        pool.render_text("")


PAGE = (Path(__file__).parents[2] / "docs/sandbox-workers.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(# (\w+\.py)\n.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("source", "name", "output"), [pytest.param(*row, id=row[1]) for row in EXAMPLES])
def test_examples(source: str, name: str, output: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(source, "utf-8")
    result = subprocess.run(
        [sys.executable, str(file)], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    assert (result.stdout, result.stderr) == (output, "")


def test_all_examples_are_run() -> None:
    assert len(EXAMPLES) == PAGE.count("```python") == 3


def test_a_full_pool() -> None:
    with WorkerPool(workers.environment, workers=1, queue_seconds=0.01) as pool:
        chunks = pool.stream_text("a{{ 1 }}" + ENDLESS)
        next(chunks)
        with pytest.raises(PoolBusy, match=r"no worker was free for 0.01 s; the pool has 1"):
            pool.render_text("")
        chunks.close()  # type: ignore[attr-defined]
        assert pool.render_text("{{ 1 }}") == "1"


def test_a_closed_pool() -> None:
    pool = WorkerPool(workers.environment, workers=1)
    chunks = pool.stream_text("a{{ 1 }}" + ENDLESS)
    next(chunks)
    errors: list[BaseException] = []

    def wait() -> None:
        try:
            pool.render_text("")
        except BaseException as error:
            errors.append(error)

    waiting = [threading.Thread(target=wait) for _ in range(3)]
    for thread in waiting:
        thread.start()
    pool.close()
    pool.close()
    with pytest.raises(WorkerDied, match="the pool was closed"):
        list(chunks)
    for thread in waiting:
        thread.join(PATIENCE)
    assert [str(error) for error in errors] == ["the pool is closed"] * 3
    with pytest.raises(RuntimeError, match="the pool is closed"):
        pool.render_text("")


# A process of its own, because the child of a process with threads may inherit a lock that is never released.
FORKING = """
import os
from tests.sandbox import workers
from tmplmon.sandbox import WorkerPool

with WorkerPool(workers.environment, workers=1) as pool:
    here = pool.render_text("{{ process() }}")
    child = os.fork()
    outputs = [pool.render_text("{{ process() }}") for _ in range(2)]
    if child == 0:
        pool.close()
        os._exit(0 if outputs[0] == outputs[1] != here else 1)
    assert outputs == [here, here]
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_has_workers_of_its_own() -> None:
    command = [sys.executable, "-c", FORKING]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[2], timeout=PATIENCE)


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b"[]", b"{}", b'{"limit": "all"}', b"[" * 100_000, pickle.dumps(Thing())]
)
def test_a_message_that_no_worker_would_send(body: bytes) -> None:
    from tmplmon.sandbox.pool import _Worker

    with WorkerPool(workers.environment, workers=1) as pool:
        error = _Worker(pool).error(body)
    assert isinstance(error, WorkerDied)
    assert "invalid message" in str(error)


def test_async_renderings(pool: WorkerPool) -> None:
    async def main() -> list[str]:
        return await asyncio.gather(
            *(pool.render_async("hello", name=n) for n in range(20)),
            *(pool.render_text_async("{{ n }}", n=n) for n in range(20)),
        )

    assert asyncio.run(main()) == [f"Hello {n}!" for n in range(20)] + [str(n) for n in range(20)]


def test_async_errors(pool: WorkerPool) -> None:
    async def main() -> None:
        with pytest.raises(RemoteError, match="ZeroDivisionError"):
            await pool.render_async("zero")
        with pytest.raises(WorkerDied):
            await pool.render_text_async("{{ 9|kill }}")
        with pytest.raises(TypeError, match="x is of the type"):
            await pool.render_async("hello", x=object())
        assert await pool.render_async("hello", name=1) == "Hello 1!"

    asyncio.run(main())


def test_a_task_that_is_cancelled_stops_its_rendering() -> None:
    async def main() -> None:
        async with limited(seconds=60) as pool:
            running = asyncio.ensure_future(pool.render_text_async(ENDLESS))
            waiting = asyncio.ensure_future(pool.render_text_async("{{ 1 }}"))
            last = asyncio.ensure_future(pool.render_text_async("{{ 2 }}"))
            await asyncio.sleep(0)
            running.cancel()
            waiting.cancel()
            await asyncio.wait((running, waiting))
            assert running.cancelled() and waiting.cancelled()
            assert await last == "2"

    asyncio.run(main())


def test_async_streams_that_occupy_all_workers_continue_while_others_wait(pool: WorkerPool) -> None:
    async def main() -> None:
        streams = [pool.stream_text_async("a{% for i in range(50) %}{{ i }}{% endfor %}") for _ in range(2)]
        firsts = [await anext(stream) for stream in streams]
        waiting = [asyncio.ensure_future(pool.render_async("hello", name=n)) for n in range(8)]
        await asyncio.sleep(0)
        rests = [[chunk async for chunk in stream] for stream in streams]
        expected = "a" + "".join(map(str, range(50)))
        assert [first + "".join(rest) for first, rest in zip(firsts, rests, strict=True)] == [expected] * 2
        assert await asyncio.gather(*waiting) == [f"Hello {n}!" for n in range(8)]

    asyncio.run(main())


def test_a_closed_async_stream_returns_its_worker() -> None:
    async def main() -> None:
        async with limited(seconds=60) as pool:
            stream = pool.stream_text_async("a{{ 1 }}" + ENDLESS)
            assert isinstance(stream, AsyncIterator)
            await anext(stream)
            await stream.aclose()  # type: ignore[attr-defined]
            assert await pool.render_text_async("{{ 1 }}") == "1"

    asyncio.run(main())


def test_an_asynchronous_environment() -> None:
    limits = WorkerLimits(seconds=0.3)
    with WorkerPool(workers.asynchronous, workers=1, limits=limits) as pool:
        assert pool.render_text("{{ 'a'|later }}") == "A"
        assert "".join(pool.stream_text("{% for x in 'ab' %}{{ x|later }}{% endfor %}")) == "AB"
        with pytest.raises(WorkerLimitExceeded) as caught:
            pool.render_text(ENDLESS)
        assert (caught.value.limit, caught.value.lineno) == ("seconds", 2)
        assert pool.render_text("{{ 'a'|later }}") == "A"


def test_the_worker_of_a_stream_that_is_not_read_is_replaced_at_the_time_limit() -> None:
    with limited(seconds=0.3) as pool:
        chunks = pool.stream_text("{% for i in range(9) %}{{ i }}{% endfor %}")
        assert next(chunks) == "0"
        assert pool.render_text("{{ 1 }}") == "1"
        with pytest.raises(WorkerLimitExceeded, match="wall time"):
            list(chunks)
        assert pool.render_text("{{ 2 }}") == "2"
        assert len(pool._all) == 1


def test_a_finalizer_may_return_a_worker_while_its_thread_acquires_one() -> None:
    with limited(seconds=60) as pool:
        chunks = pool.stream_text("a{{ 1 }}")
        next(chunks)
        with pool._idle._changed:
            chunks.close()  # type: ignore[attr-defined]
        assert pool.render_text("{{ 1 }}") == "1"


GIVING_BACK = ("close", "__del__", "_release", "_replace", "kill", "put", "start")


@exhaustive
def test_interrupts_lose_no_worker(pool: WorkerPool) -> None:
    """KeyboardInterrupt at each line of the pool's own code, one after the other, until a worker is returned."""
    lines: list[int] = []
    remaining = 0

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal remaining
        if not frame.f_code.co_filename.endswith("pool.py") or frame.f_code.co_name in GIVING_BACK:
            return None
        if event == "line":
            lines.append(frame.f_lineno)
            remaining -= 1
            if remaining == 0:
                raise KeyboardInterrupt
        return trace

    pool.start()
    for number in range(1, 200):
        remaining = number
        lines.clear()
        sys.settrace(trace)
        try:
            pool.render_text("{{ 1 }}")
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
        if len(lines) < number:
            break
    else:
        pytest.fail("the rendering has more lines than expected")
    assert number > 30
    gc.collect()
    assert len(pool._all) == len(pool._idle._workers) == 2
    assert pool.render_text("{{ 1 }}") == "1"


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_workers_that_are_replaced_leave_no_open_files() -> None:
    with limited(seconds=60) as pool:
        counts = []
        gc.disable()
        try:
            for _ in range(4):
                with pytest.raises(WorkerDied):
                    pool.render_text("{{ 3|exit }}")
                assert pool.render_text("{{ 1 }}") == "1"
                counts.append(len(os.listdir("/proc/self/fd")))
        finally:
            gc.enable()
        assert len(set(counts)) == 1, counts


def test_an_idle_worker_that_has_been_killed_is_replaced(pool: WorkerPool) -> None:
    pool.start()
    for worker in pool._all:
        assert worker.process is not None
        worker.process.kill()
        worker.process.join(PATIENCE)
    assert pool.render("hello", name=1) == "Hello 1!"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"make_environment": SandboxedEnvironment()},
            TypeError,
            "must be a function, not SandboxedEnvironment",
        ),
        ({"loader": "templates"}, TypeError, "must be a loader, not str"),
        ({"limits": {"seconds": 1}}, TypeError, "must be WorkerLimits, not dict"),
        ({"preload": "abc"}, TypeError, "not one text"),
        ({"queue_seconds": -1}, ValueError, "must not be negative"),
    ],
)
def test_wrong_arguments(options: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        WorkerPool(**options)


def test_names_and_sources_must_be_str(pool: WorkerPool) -> None:
    for wrong in (5, None, b"a", ["a"]):
        call: Any
        for call in (pool.render, pool.render_text, pool.stream):
            with pytest.raises(TypeError, match=f"are texts, not {type(wrong).__name__}"):
                list(call(wrong))
