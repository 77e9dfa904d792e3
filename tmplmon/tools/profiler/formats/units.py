"""Times and shares as a person reads them."""


def duration(seconds: float) -> str:
    """Three significant figures and a unit: ``1.23 ms``."""
    for unit, scale in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * scale >= 0.9995:
            return f"{_significant(seconds * scale)} {unit}"
    return f"{seconds * 1e9:.0f} ns" if seconds else "0"


def _significant(value: float) -> str:
    return f"{value:.0f}" if value >= 99.95 else f"{value:.1f}" if value >= 9.995 else f"{value:.2f}"


def percent(part: float, whole: float) -> str:
    """``12.3%``; nothing for what is nothing."""
    if not part or not whole:
        return ""
    share = 100 * part / whole
    return f"{share:.1f}%" if share >= 0.05 else "<0.1%"


def count(number: int, noun: str) -> str:
    """``1,234 lines``"""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def heat(part: float, whole: float) -> float:
    """How hot a share is, from 0 to 1. By its root, so that what takes a tenth is still to be seen."""
    return (part / whole) ** 0.5 if whole > 0 and part > 0 else 0.0


def base_name(file: str) -> str:
    """The last part of a template's path; its name if it is no file."""
    if file.startswith("<template ") and file.endswith(">"):
        file = file[len("<template ") : -1]
    return file.replace("\\", "/").rpartition("/")[2]


def label(name: str, file: str) -> str:
    """A scope for the reader: a page by its file, anything in it by its name too."""
    base = base_name(file)
    return base if name == "<template>" else f"{name.removeprefix('<template>.')} ({base})"
