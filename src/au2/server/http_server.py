"""The HTTP server around the application: uvicorn, told when to begin and when to end."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Sequence

import uvicorn
from starlette.types import ASGIApp

from au2.server.tls import TlsFiles

_GRACE_SECONDS = 2
"""For answers that are on their way when the server stops; streams are told to end at once."""


class ApiServer(uvicorn.Server):
    """A uvicorn server that says when it is ready and when it begins to stop."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        on_ready: Callable[[], None],
        stopping: threading.Event,
    ) -> None:
        """``stopping`` is set when the server begins to stop; set before, it stops at once."""
        super().__init__(config)
        self._on_ready = on_ready
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self._on_ready()
        if self._stopping.is_set():
            self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop answering."""
        self._stopping.set()
        await super().shutdown(sockets)

    def stop(self) -> None:
        """Begin to stop soon; from any thread."""
        self.should_exit = True


def make_server(
    app: ASGIApp,
    *,
    on_ready: Callable[[], None],
    stopping: threading.Event,
    trusted_proxies: Sequence[str] = (),
    tls: TlsFiles | None = None,
) -> ApiServer:
    """Return the HTTP server for an application, with ``tls`` an HTTPS server.

    Only ``trusted_proxies`` may say where a request came from: left to itself, uvicorn believes
    everybody on this machine, and who may call himself anything is not braked at guessing.
    """
    logging.getLogger("uvicorn.error").addFilter(_is_fault)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        # Our own log format, set up before.
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies),
        ssl_certfile=None if tls is None else tls.certificate,
        ssl_keyfile=None if tls is None else tls.key,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return ApiServer(config, on_ready=on_ready, stopping=stopping)


def _is_fault(record: logging.LogRecord) -> bool:
    """Whether an entry is of a fault: answers that a stop cuts off are none, and each had a trace.

    How many there were, uvicorn says in a line of its own.
    """
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)
