"""An application served on a loopback port by a thread: real HTTP, no process of its own."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn
from fastapi import FastAPI


@contextmanager
def served(app: FastAPI, listener: socket.socket | None = None) -> Iterator[str]:
    """Serve ``app`` while the block runs, on ``listener`` if there is one; yield its address."""
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=0,
            lifespan="on",
            # Closing uvloop's now and then waits without end after readers who went away idle; a
            # server's process is ended by its supervisor then, a thread by nobody.
            loop="asyncio",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=1,
        )
    )
    thread = threading.Thread(
        target=server.run, args=([listener] if listener else None,), name="served"
    )
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def client_of(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of ``app`` below the API's prefix, which forgives slow machines."""
    with served(app) as address, httpx.Client(base_url=f"{address}/api/v1", timeout=60) as client:
        yield client
