"""Where the time of templates goes, line by line.

    with Profiler() as profiler:
        page.render(user=user)
    profiler.profile.save("profile.html")

The data goes one way, and these are the modules in its order:

    recorder   sys.monitoring: which code has events, which thread they are in
    thread     a thread's events to its call tree: what runs on every line of a template
    tree       the call tree: what ran, called from which line, how often, how long
    profile    the tree in figures by line, file and scope
    sources    the text of the files
    formats    a profile as a table, JSON, speedscope, collapsed stacks, a flame graph, a heat map
    profiler   the functions and the class that an application uses
"""

from tmplmon.tools.profiler.profile import Profile
from tmplmon.tools.profiler.profiler import Profiler, profile_for, profile_on_signal

__all__ = ["Profile", "Profiler", "profile_for", "profile_on_signal"]
