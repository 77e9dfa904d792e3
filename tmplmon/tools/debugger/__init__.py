"""Stepping through templates: Python's debugger, extended for templates.

from tmplmon.tools import debugger

debugger.set_trace()            stop here
debugger.post_mortem(error)     inspect the place where an exception was raised
debugger.Pdb(…)                 a `pdb.Pdb`
"""

from tmplmon.tools.debugger.entry import breakpoint_, post_mortem, set_trace
from tmplmon.tools.debugger.pdb import Pdb

__all__ = ["Pdb", "breakpoint_", "post_mortem", "set_trace"]
