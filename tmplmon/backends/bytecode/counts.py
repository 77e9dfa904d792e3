"""Attributes of ``loop`` that are read from plain variables, because the loop has no loop object."""

import ast

from tmplmon.backends.bytecode import pyast
from tmplmon.backends.bytecode.pyast import Place
from tmplmon.records import record


@record
class Counts:
    """The Python variables of one loop; "" for one that the loop does not have.

    number: counts the rounds from 1.
    last: whether the current item is the last one.
    length: the number of items.
    """

    number: str = ""
    last: str = ""
    length: str = ""

    def attribute(self, name: str, at: Place) -> ast.expr:
        """An expression for the attribute `name` of the loop."""
        number = pyast.name(self.number, at)
        match name:
            case "index":
                return number
            case "index0":
                return pyast.binary(number, ast.Sub(), pyast.const(1, at), at)
            case "first":
                return pyast.compare(number, [ast.Eq()], [pyast.const(1, at)], at)
            case "last":
                return pyast.name(self.last, at)
            case "length":
                return pyast.name(self.length, at)
            case "revindex":
                return pyast.binary(self._items_after(at), ast.Add(), pyast.const(1, at), at)
            case "revindex0":
                return self._items_after(at)
            case "depth":
                return pyast.const(1, at)
            case _:
                return pyast.const(0, at)

    def _items_after(self, at: Place) -> ast.expr:
        return pyast.binary(pyast.name(self.length, at), ast.Sub(), pyast.name(self.number, at), at)
