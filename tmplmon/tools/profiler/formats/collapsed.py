"""Collapsed stacks, one a line: ``page.html:3;row.html:1 1234``; microseconds, rounded."""

from tmplmon.tools.profiler.formats.stacks import frame_name, stacks
from tmplmon.tools.profiler.profile import Profile


def collapsed(profile: Profile) -> str:
    """The format of flamegraph.pl, which speedscope, the Firefox profiler and most others read too."""
    rows = []
    for frames, seconds in stacks(profile.root):
        if round(seconds * 1e6):
            names = ";".join(frame_name(frame).replace(";", ",") for frame in frames)
            rows.append(f"{names} {round(seconds * 1e6)}\n")
    return "".join(sorted(rows))
