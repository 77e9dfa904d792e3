"""Random templates, hostile ones among them, rendered in sandboxes with budgets.

python -m tests.sandbox.fuzz --renders 1000000 --jobs 2
python -m tests.sandbox.fuzz --case 4711          one case again, made small if it is a finding

generate   a case of a number: sources, options, limits, how it is rendered
values     what the templates are given, secrets among it
judge      renders a case; says what is wrong with how it ended
__main__   many cases, in processes of their own
"""
