"""The pages as a WSGI and as an ASGI application, and a client that asks for both halves and stops the server."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request


def wsgi(environ, start_response):
    from shop import pages

    text = pages.first_half() if environ["PATH_INFO"] == "/first" else pages.second_half()
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [text.encode()]


async def asgi(scope, receive, send):
    from shop import pages

    if scope["type"] != "http":
        return
    text = pages.first_half() if scope["path"] == "/first" else pages.second_half()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text.encode()})


def main(command):
    """Starts a server on a free port, which stands for PORT in the command, and stops it when it has answered."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([word.replace("PORT", str(port)) for word in command])
    try:
        deadline = time.monotonic() + 60
        for path in ("first", "second"):
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=30) as answer:
                        assert answer.read()
                    break
                except OSError:
                    if server.poll() is not None or time.monotonic() > deadline:
                        raise
                    time.sleep(0.05)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


if __name__ == "__main__":
    os.environ["PYTHONUNBUFFERED"] = "1"
    main(sys.argv[1:])
