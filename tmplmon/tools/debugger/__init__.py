"""Stepping through templates: Python's debugger with what templates need.

from tmplmon.tools import debugger

debugger.set_trace()            stop here
debugger.post_mortem(error)     look at where an exception came up
debugger.Pdb(…)                 a `pdb.Pdb`
"""

from tmplmon.tools.debugger.entry import breakpoint_, post_mortem, set_trace
from tmplmon.tools.debugger.pdb import Pdb

__all__ = ["Pdb", "breakpoint_", "post_mortem", "set_trace"]
