"""An application served on a loopback port by a thread: real HTTP, no process of its own."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from fastapi import FastAPI

from au2.server.http.limits import HttpLimits
from au2.server.http.server import ApiServer


@contextmanager
def served(
    app: FastAPI, listener: socket.socket | None = None, *, limits: HttpLimits | None = None
) -> Iterator[str]:
    """Serve ``app`` while the block runs, on ``listener`` if there is one; yield its address."""
    own = listener or socket.create_server(("127.0.0.1", 0), backlog=1024)
    port = own.getsockname()[1]
    ready = threading.Event()
    server = ApiServer(
        app,
        beat=lambda: None,
        on_ready=ready.set,
        stopping=threading.Event(),
        limits=limits,
        # Closing uvloop's now and then waits without end after readers who went away idle; a
        # server's process is ended by its supervisor then, a thread by nobody.
        loop="asyncio",
    )
    server.config.timeout_graceful_shutdown = 1
    thread = threading.Thread(target=server.run, args=([own],), name="served")
    thread.start()
    while not ready.wait(0.01):
        assert thread.is_alive(), "the server did not start"
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop()
        thread.join()


@contextmanager
def client_of(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of ``app`` below the API's prefix, which forgives slow machines."""
    with served(app) as address, httpx.Client(base_url=f"{address}/api/v1", timeout=60) as client:
        yield client
