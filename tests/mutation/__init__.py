"""A mutation tester: does a test fail when a line of the engine is wrong?

    python -m tests.mutation record            which test runs which statement, and how long each test takes
    python -m tests.mutation run               try seeded mutants of each package; show the score and the survivors

A mutant is a one-node change of a module's syntax tree (`operators`). Nothing is written into the working tree:
modules are changed while they are imported, or functions get other code in a forked process (`loading`). For each
mutant, only the tests that run its statement are run, the fastest first, until one fails (`running`).
"""
