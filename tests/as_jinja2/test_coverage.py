"""coverage.py measures the templates of an application that runs on tmplmon without being changed."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

APPLICATION = """
import jinja2
from jinja2 import nodes
from jinja2.ext import Extension

def main():
    class Cache(Extension):
        tags = {"cache"}

        def parse(self, parser):
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endcache",), drop_needle=True)
            return nodes.CallBlock(self.call_method("_text"), [], [], body).set_lineno(line)

        def _text(self, caller):
            return caller()

    environment = jinja2.Environment(loader=jinja2.FileSystemLoader("pages"), extensions=[Cache])
    print(environment.get_template("a.html").render())

main()
"""


def test_tags_of_extensions_need_no_option(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "a.html").write_text("{% cache %}\n{% if no %}\nb\n{% endif %}\n{% endcache %}\n")
    (tmp_path / "pages" / "never.html").write_text("{% cache %}\na\n{% endcache %}\n")
    (tmp_path / "application.py").write_text(APPLICATION)
    (tmp_path / ".coveragerc").write_text("[run]\nplugins = tmplmon\nbranch = true\nsource = .\n")

    def run(*words: str) -> str:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "coverage", *words]
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    run("run", "-m", "tmplmon.as_jinja2", "application.py")
    assert re.findall(r"pages/(\w+).html +(\d.*)", run("report", "-m")) == [
        ("a", "3      1      2      1    60%   3"),
        ("never", "2      2      0      0     0%   1-2"),
    ]
