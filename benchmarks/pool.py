"""Renderings in worker processes: the cost of a small one, and what a second worker adds.

    python -m benchmarks.pool

The cost is the difference between rendering in a worker and in this process, by the fastest of interleaved rounds.
For the throughput, as many threads as there are workers send one page after the other.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median
from time import perf_counter

from tmplmon import DictLoader
from tmplmon.sandbox import SandboxedEnvironment, WorkerPool

SMALL = "Dear {{ user.name }}, you have {{ count }} message{{ 's' if count != 1 }}."
PAGE = "{% for user in users %}<tr><td>{{ user.name }}</td><td>{{ user.age * 2 }}</td></tr>{% endfor %}"
LOADER = DictLoader({"small": SMALL, "page": PAGE})
MESSAGE = {"user": {"name": "Ann"}, "count": 2}
USERS = {"users": [{"name": f"<user {n}>", "age": n} for n in range(200)]}
ROUNDS, CALLS, PAGES = 40, 100, 400


def make_pool(workers: int) -> WorkerPool:
    """Return a pool whose workers have compiled the pages."""
    pool = WorkerPool(
        partial(SandboxedEnvironment, autoescape=True),
        loader=LOADER,
        workers=workers,
        preload=("small", "page"),
    )
    pool.start()
    return pool


def cost() -> None:
    """Print the cost of a small rendering."""
    environment = SandboxedEnvironment(autoescape=True, loader=LOADER)
    with make_pool(1) as pool:
        here: list[float] = []
        there: list[float] = []
        for _ in range(ROUNDS):
            start = perf_counter()
            for _ in range(CALLS):
                environment.get_template("small").render(MESSAGE)
            middle = perf_counter()
            for _ in range(CALLS):
                pool.render("small", MESSAGE)
            here.append((middle - start) / CALLS * 1e6)
            there.append((perf_counter() - middle) / CALLS * 1e6)
    print("| a small rendering | fastest | median |")
    print("| --- | ---: | ---: |")
    for name, times in ("in this process", here), ("in a worker", there):
        print(f"| {name} | {min(times):.0f} µs | {median(times):.0f} µs |")
    print(f"\nThe worker adds {min(there) - min(here):.0f} µs (limit: 300).\n")


def throughput() -> None:
    """Print the pages per second with one worker and with two, measured in turns."""
    pools = {workers: make_pool(workers) for workers in (1, 2)}
    rates: dict[int, list[float]] = {workers: [] for workers in pools}
    for _ in range(5):
        for workers, pool in pools.items():
            with ThreadPoolExecutor(workers) as threads:
                start = perf_counter()
                list(threads.map(lambda _, pool=pool: pool.render("page", USERS), range(PAGES)))
                rates[workers].append(PAGES / (perf_counter() - start))
    for pool in pools.values():
        pool.close()
    one, two = max(rates[1]), max(rates[2])
    print("| workers | pages of 200 rows a second, best | median |")
    print("| --- | ---: | ---: |")
    for workers, values in rates.items():
        print(f"| {workers} | {max(values):.0f} | {median(values):.0f} |")
    print(f"\nTwo workers render {two / one:.2f} times as much as one (limit: 1.6).")


if __name__ == "__main__":
    cost()
    throughput()
