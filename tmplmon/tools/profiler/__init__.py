"""Where the time of templates goes, line by line.

    with Profiler() as profiler:
        page.render(user=user)
    profiler.profile.save("profile.html")

The modules, in the order in which they process the data:

    recorder      sets events on template code, and passes each event to its thread
    thread        turns the events of a thread into a call tree; called on every line of a template
    calibration   measures what recording adds to a line and to a call
    tree          the call tree: which scope was called from which line, how often, and the time on each line
    profile       totals by line, file and scope
    sources       the text of the files
    formats       a profile as a table, JSON, speedscope, collapsed stacks, a flame graph, a heat map
    profiler      the class and the functions for applications
"""

from tmplmon.tools.profiler.profile import Profile
from tmplmon.tools.profiler.profiler import Profiler, profile_for, profile_on_signal

__all__ = ["Profile", "Profiler", "profile_for", "profile_on_signal"]
