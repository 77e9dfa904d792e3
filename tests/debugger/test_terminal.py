"""``tmplmon debug`` with a terminal and without one, and Python's own pdb in templates."""

import subprocess
import sys
from pathlib import Path

import pytest

from .transcript import ESCAPES, pexpect, replay, terminal

COMMAND = ["-m", "tmplmon", "debug"]
PAGE = ["templates/plain.html", "--data", "data.json"]
PROMPT = "(tmplmon) "


@pytest.fixture
def debugger(here: Path, pseudo_terminals: None):
    """The command at its first prompt, in a terminal that supports colours and cursor movement."""
    program = terminal([*COMMAND, *PAGE], here, TERM="xterm")
    program.expect_exact(PROMPT)
    yield program
    program.close(force=True)


def test_colours(debugger) -> None:
    shown = debugger.before
    assert '\x1b[1;34mextends\x1b[0m \x1b[32m"base.html"\x1b[0m' in shown
    assert "1 \x1b[1;31m \x1b[0m \x1b[1;33m->\x1b[0m" in shown
    debugger.sendline("break 2")
    debugger.expect_exact(PROMPT)
    debugger.sendline("list")
    debugger.expect_exact(PROMPT)
    assert "2 \x1b[1;31mB\x1b[0m" in debugger.before
    assert "2 B    {% from" in ESCAPES.sub("", debugger.before)


def test_no_colours(here: Path, pseudo_terminals: None) -> None:
    program = terminal([*COMMAND, *PAGE], here, TERM="xterm", NO_COLOR="1")
    program.expect_exact(PROMPT)
    assert '   1   -> {% extends "base.html" %}\r\n' in program.before
    program.close(force=True)


COMPLETED = {
    "tbre": "tbreak",
    "break fo": "break forms.html:",
    "b stop_": "b stop_inner.html:",
    "p tit": "p title",
    "p users.app": "p users.append",
    "context li": "context links",
    "engine of": "engine off",
}


def test_completion(debugger) -> None:
    """Commands, templates, variables and their attributes, names of the context, arguments."""
    for typed, completed in COMPLETED.items():
        debugger.send(f"{typed}\t")
        debugger.expect_exact(completed)
        debugger.sendcontrol("u")  # discard the line


def test_control_c_and_control_d(debugger) -> None:
    """Control-C discards the line, and Control-D ends the session."""
    debugger.send("p tit")
    debugger.expect_exact("p tit")
    debugger.sendcontrol("c")
    debugger.sendline("")  # an interrupt that arrives just before readline waits is handled at the next key
    debugger.expect_exact("--KeyboardInterrupt--")
    debugger.expect_exact(PROMPT)
    debugger.sendcontrol("d")
    debugger.expect(pexpect.EOF)
    debugger.close()
    assert debugger.exitstatus == 0


def piped(here: Path, typed: str, *argv: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *COMMAND, *argv],
        cwd=here,
        input=typed,
        text=True,
        capture_output=True,
        timeout=60,
        env={"HOME": str(here), "PYTHONPATH": ":".join(sys.path)},
    )


def test_without_a_terminal(here: Path) -> None:
    result = piped(here, "next\noutput\ncontinue\n", *PAGE, "-o", "out.html")
    assert (result.returncode, result.stderr) == (0, "")
    assert "\x1b" not in result.stdout
    assert result.stdout.endswith("(tmplmon) plain.html is done: 193 characters\n")
    rendered = [sys.executable, "-m", "tmplmon", "render", *PAGE]
    expected = subprocess.run(rendered, cwd=here, capture_output=True, env={"PYTHONPATH": ":".join(sys.path)})
    assert (here / "out.html").read_bytes() == expected.stdout


def test_initial_commands(here: Path) -> None:
    result = piped(
        here,
        "",
        *PAGE,
        "-c",
        "tbreak forms.html:3",
        "-c",
        "continue",
        "-c",
        "where",
        "-c",
        "p id",
        "-c",
        "continue",
    )
    assert result.returncode == 0
    assert "'f_Ann'\n" in result.stdout
    assert "> forms.html:3 macro field" in result.stdout


def test_the_end_of_the_input_ends_the_session(here: Path) -> None:
    result = piped(here, "next\n", *PAGE, "-o", "out.html")
    assert (result.returncode, result.stderr) == (0, "")
    assert not (here / "out.html").exists()


def test_a_template_that_fails(here: Path) -> None:
    result = piped(here, "continue\np item\n", "templates/broken.html", "--data", "data.json")
    assert result.returncode == 1
    assert result.stderr.startswith("error: TypeError: unsupported operand")
    assert "{'net': None}" in result.stdout


def test_a_template_with_a_syntax_error(here: Path) -> None:
    (here / "wrong.html").write_text("<p>\n{{ a b }}\n")
    result = piped(here, "", "wrong.html")
    assert result.returncode == 1
    assert "--> wrong.html:2:6" in result.stderr
    assert PROMPT not in result.stdout


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["nothing.html"], "there is no nothing.html"),
        (["templates"], "templates is a directory"),
        (["templates/plain.html", "--data", "-"], "standard input is for the debugger's commands"),
    ],
)
def test_wrong_command_lines(here: Path, argv: list[str], message: str) -> None:
    result = piped(here, "", *argv)
    assert result.returncode == 2
    assert message in result.stderr


def test_edited_between_two_runs(here: Path, debugger) -> None:
    """`run` restarts the program with the current files."""
    (here / "templates/plain.html").write_text("first {{ title }}\nsecond\n")
    (here / "data.json").write_text('{"title": "New"}')
    debugger.sendline("run")
    debugger.expect_exact("from the beginning")
    debugger.expect_exact(PROMPT)
    debugger.sendline("p title")
    debugger.expect_exact("'New'")


OWN = """\
import os, pdb
from tmplmon import Environment, FileSystemLoader
template = Environment(loader=FileSystemLoader("templates"), backend="BACKEND").get_template("page.html")
debugger = pdb.Pdb(nosigint=True)
debugger.set_break(os.path.abspath("templates/page.html"), 7)
debugger.set_trace()
template.render(title="T", users=[{"name": "Ann"}, {"name": "Bob"}], links=[], hello=lambda name: f"Hello {name}")
"""
TYPED = [
    *("continue", "p user", "next", "p greeting", "list 6, 9", "break 10", "tbreak 13", "continue"),
    *("p user", "clear 1", "continue", "next", "continue"),
]
EXPECTED = """\
(Pdb) continue
> templates/page.html(7)block body()
-> {% set greeting = hello(user.name) %}
(Pdb) p user
{'name': 'Ann'}
(Pdb) next
> templates/page.html(8)block body()
-> <li>{{ loop.index }} {{ greeting }}</li>
(Pdb) p greeting
'Hello Ann'
(Pdb) list 6, 9
  6     {% for user in users %}
  7 B     {% set greeting = hello(user.name) %}
  8  ->   <li>{{ loop.index }} {{ greeting }}</li>
  9     {% endfor %}
(Pdb) break 10
Breakpoint 2 at templates/page.html:10
(Pdb) tbreak 13
Breakpoint 3 at templates/page.html:13
(Pdb) continue
> templates/page.html(7)block body()
-> {% set greeting = hello(user.name) %}
(Pdb) p user
{'name': 'Bob'}
(Pdb) clear 1
Deleted breakpoint 1 at templates/page.html:7
(Pdb) continue
> templates/page.html(10)block body()
-> </ul>
(Pdb) next
> templates/page.html(13)block body()
-> {{ field('email', 'a@b') }}
(Pdb) continue
"""


@pytest.mark.parametrize("backend", ["bytecode", "closures"])
def test_python_s_own_pdb(here: Path, pseudo_terminals: None, backend: str) -> None:
    """Inside a template, these commands work without help of this package: values, source, steps, breakpoints."""
    (here / "own.py").write_text(OWN.replace("BACKEND", backend))
    output = replay(["own.py"], here, TYPED)
    assert output[output.index("(Pdb)") :].expandtabs() == EXPECTED
