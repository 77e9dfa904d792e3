"""The configuration that every section gets, and the check of an output before it is timed."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.engines import CannotExpress, Engine, Render
from benchmarks.outputs import difference, normalise
from benchmarks.report import Section
from benchmarks.workloads import PAGES, Context, Workload


@dataclass
class Run:
    """The settings of a run. Outputs and times are compared with those of the engine `reference` (Jinja2)."""

    engines: dict[str, Engine]
    reference: Engine
    workloads: tuple[Workload, ...] = PAGES
    quick: bool = False
    collect: bool = False
    _expected: dict[tuple[str, int, bool, bool], str] = field(default_factory=dict)

    @property
    def rounds(self) -> int:
        return 5 if self.quick else 11

    @property
    def slice_seconds(self) -> float:
        return 0.008 if self.quick else 0.03

    @property
    def process_rounds(self) -> int:
        return 5 if self.quick else 15

    def expected(self, engine: Engine, workload: Workload, size: int, context: Context) -> str:
        """Return the reference's output, normalised as for `engine`; cached."""
        key = (workload.name, size, engine.exact, engine.quotes_raw_in_text)
        if key not in self._expected:
            output = self.reference.setup(workload, context)()
            self._expected[key] = normalise(
                output, exact=engine.exact, quotes_raw_in_text=engine.quotes_raw_in_text
            )
        return self._expected[key]

    def checked(self, engine: Engine, workload: Workload, size: int, context: Context) -> Render:
        """Return the engine's render function after checking its output. Raises CannotExpress or AssertionError."""
        render = engine.setup(workload, context)
        actual = normalise(render(), exact=engine.exact, quotes_raw_in_text=engine.quotes_raw_in_text)
        mismatch = difference(actual, self.expected(engine, workload, size, context))
        if mismatch:
            raise AssertionError(mismatch)
        return render

    def renders(self, workload: Workload, section: Section, size: int | None = None) -> dict[str, Render]:
        """Return the checked render function of every engine. Notes and failures are added to the section."""
        size = workload.size if size is None else size
        context = workload.context(size)
        renders: dict[str, Render] = {}
        for name, engine in self.engines.items():
            try:
                renders[name] = self.checked(engine, workload, size, context)
            except CannotExpress as reason:
                section.notes.append(f"{name} cannot express `{workload.name}`: {reason}")
            except Exception as error:  # an engine's failure is a result, not the end of the run
                section.failures.append(f"{name}, {workload.name}: {type(error).__name__}: {error}")
        self._expected.clear()
        return renders
