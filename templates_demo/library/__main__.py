"""The library on http://127.0.0.1:8000: ``python -m templates_demo.library [flask|starlette|django]``.

--production: no source maps and error pages (default: development mode). --port 0: use a free port. --data
FILE: keep the data in a file.
"""

import argparse
import threading
from importlib import import_module
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from templates_demo.library.catalogue import Catalogue
from templates_demo.library.views import Library
from tmplmon.tools.livecoverage import LiveCoverage


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"


def application(
    framework: str, debug: bool, live: LiveCoverage | None = None, data: str | None = None
) -> Any:
    """Return the application for a framework. `data`: a file for the books; by default they are in memory."""
    catalogue = Catalogue(data) if data else Catalogue()
    return import_module(f"templates_demo.library.with_{framework}").make(Library(catalogue, live), debug)


def main() -> None:
    parser = argparse.ArgumentParser(
        "python -m templates_demo.library", description="The catalogue of a small library."
    )
    parser.add_argument("framework", nargs="?", choices=("flask", "starlette", "django"), default="flask")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--production", action="store_true")
    parser.add_argument("--data", metavar="FILE", help="the file that stores the books")
    options = parser.parse_args()
    live = LiveCoverage()
    live.start()
    app = application(options.framework, not options.production, live, options.data)
    if options.framework == "starlette":
        import uvicorn

        uvicorn.run(app, port=options.port, log_level="info")
        return
    with make_server("127.0.0.1", options.port, app, _Server, _Handler) as server:
        print(f"http://127.0.0.1:{server.server_port} ({options.framework}; Ctrl+C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            threading.Thread(target=server.shutdown).start()


if __name__ == "__main__":
    main()
