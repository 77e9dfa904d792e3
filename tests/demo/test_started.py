"""``python -m templates_demo.library`` starts the library in development mode, with each of the frameworks."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("framework", ["flask", "starlette", "django"])
def test_one_command(framework: str) -> None:
    command = [
        *(["timeout", "60"] if sys.platform == "linux" else []),  # ends by itself if the tests are killed
        sys.executable,
        "-u",
        "-m",
        "templates_demo.library",
        framework,
        "--port",
        "0",
    ]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            assert process.stdout is not None
            seen: list[str] = []
            address = None
            while address is None and (line := process.stdout.readline()):
                seen.append(line)
                address = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert address is not None, "".join(seen)
            with httpx.Client(base_url=address.group()) as client:
                page = client.get("/").text
                assert 'id="tmplmon-map"' in page and f"served by {framework.title()}" in page
                assert '"run":[' in page
                assert client.get("/static/style.css").text.startswith("body {")
                failure = client.get("/failure")
                assert failure.status_code == 500 and "failure.html" in failure.text
                assert client.get("/run").json()["templates"]["books.html"]["ran"]
        finally:
            process.terminate()
            process.stdout.read()  # type: ignore[union-attr]
