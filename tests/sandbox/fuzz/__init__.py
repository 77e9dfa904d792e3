"""Renders random templates, including hostile ones, in sandboxes with budgets.

python -m tests.sandbox.fuzz --renders 1000000 --jobs 2
python -m tests.sandbox.fuzz --case 4711          one case again, reduced if it is a finding

generate   the case of a number: sources, options, limits, ways of rendering
values     the variables of the templates, including secrets
judge      renders a case, and reports wrong outcomes
__main__   many cases, in separate processes
"""
