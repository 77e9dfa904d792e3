"""The lines that several processes have recorded, in one directory.

Rule: each process writes one file and replaces it, and reads those of the others. A file is JSON. It has the
modification time of each template at which its lines were recorded, so that lines of another version do not count.
"""

import json
import os
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

# Seconds from the first new line to the writing of the file, so that the lines of a rendering are written at once.
_DELAY = 1.0

type Recording = Mapping[str, tuple[int, list[int]]]
"""File → its modification time in ns, and the lines that have run."""


class SharedLines:
    """The files of a directory, which is created if it does not exist.

    process: a function that returns what identifies this process. recorded: one that returns what it has recorded.
    """

    def __init__(
        self, directory: str, process: Callable[[], dict[str, Any]], recorded: Callable[[], Recording]
    ) -> None:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        self.directory = directory
        self._process, self._recorded = process, recorded
        # Distinguishes this process from an earlier one with the same number.
        self._token = os.urandom(4).hex()
        self._scheduled_in: int | None = None

    def schedule(self) -> None:
        """Write the file a second from now, in a thread. Does nothing if that is scheduled."""
        process_id = os.getpid()
        if self._scheduled_in != process_id:  # A fork copies the number, but not the thread.
            self._scheduled_in = process_id
            timer = threading.Timer(_DELAY, self.write)
            timer.daemon = True
            try:
                timer.start()
            except RuntimeError:  # The interpreter is ending, or there can be no more threads.
                self._scheduled_in = None

    def write(self) -> None:
        """Write the file. An error, such as that of a full disk, is ignored: new lines cause another attempt."""
        self._scheduled_in = None
        path = os.path.join(self.directory, self._name())
        temporary = f"{path}.{threading.get_ident()}.tmp"
        with suppress(OSError):
            with open(temporary, "w", encoding="utf-8") as file:
                json.dump({**self._process(), "lines": self._recorded()}, file)
            os.replace(temporary, path)

    def _name(self) -> str:
        return f"{socket.gethostname()}-{os.getpid()}-{self._token}.json"

    def others(self) -> list[dict[str, Any]]:
        """Return the contents of the other processes' files: `host`, `pid`, `since` and `lines`. A file that cannot
        be read is left out."""
        contents: list[dict[str, Any]] = []
        for name in sorted(os.listdir(self.directory)):
            if name.endswith(".json") and name != self._name():
                with (
                    suppress(OSError, ValueError),
                    open(os.path.join(self.directory, name), encoding="utf-8") as file,
                ):
                    content = json.load(file)
                    if isinstance(content, dict) and isinstance(content.get("lines"), dict):
                        contents.append(content)
        return contents
