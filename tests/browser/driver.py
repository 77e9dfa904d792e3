"""A browser for tests: headless Chromium, controlled by the W3C WebDriver protocol.

The protocol is JSON over HTTP. The tests need a dozen requests only, so they use no package for it.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any, Self

DRIVER = shutil.which("chromedriver")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of a reference to an element, from the standard


class Browser:
    """A browser window. The end of the ``with`` block closes it and its driver."""

    def __init__(self, width: int = 1100, height: int = 800) -> None:
        assert DRIVER is not None and CHROMIUM is not None
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        # If the tests are killed, the driver and the browser end by themselves.
        limit = ["timeout", "240"] if sys.platform == "linux" else []
        command = [*limit, DRIVER, "--port=0"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if (match := re.search(r"successfully on port (\d+)", line)) is not None:
                break
        else:
            raise AssertionError("chromedriver did not start")
        self._address = f"http://127.0.0.1:{match[1]}/session"
        arguments = [
            "--headless=new",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--force-device-scale-factor=1",
            f"--window-size={width},{height}",
            f"--user-data-dir={self._folder.name}",
        ]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            arguments.append("--no-sandbox")
        options = {"binary": CHROMIUM, "args": arguments}
        logs = {"browser": "ALL"}
        capabilities = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": logs}
        session = self._ask("POST", "", {"capabilities": {"alwaysMatch": capabilities}})
        self._address += f"/{session['sessionId']}"

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self._address + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._ask("DELETE", "")
        finally:
            self._process.terminate()
            assert self._process.stdout is not None
            self._process.stdout.read()
            self._process.wait(30)
            self._folder.cleanup()

    def open(self, address: str) -> None:
        self._ask("POST", "/url", {"url": address})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script. Returns its result. An element can be an argument of another script."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def find(self, selector: str) -> Any:
        return self._ask("POST", "/element", {"using": "css selector", "value": selector})

    def inside(self, script: str) -> Any:
        """The value of an expression. `root` is the shadow tree of the overlay."""
        return self.run(f"const root = document.querySelector('tmplmon-overlay').shadowRoot; return {script}")

    def point_at(self, element: Any, *, click: bool = False) -> None:
        """Move the pointer over an element, and click. Scrolls the page first if necessary."""
        self.run("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element)
        actions: list[dict[str, Any]] = [
            {"type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": element}
        ]
        if click:
            actions += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        source = {
            "type": "pointer",
            "id": "mouse",
            "parameters": {"pointerType": "mouse"},
            "actions": actions,
        }
        self._ask("POST", "/actions", {"actions": [source]})

    def press(self, *keys: str) -> None:
        """Press keys one after the other, and release them in reverse order."""
        down = [{"type": "keyDown", "value": key} for key in keys]
        up = [{"type": "keyUp", "value": key} for key in reversed(keys)]
        self._ask("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": down + up}]})

    def errors(self) -> list[str]:
        """The errors of scripts since the last call."""
        entries = self._ask("POST", "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._ask("GET", "/screenshot")))
