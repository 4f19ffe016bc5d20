"""The HTTP server around the application: uvicorn, told when to begin and when to end."""

import asyncio
import logging
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, Literal

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE

from au2.server.http.limits import HttpLimits
from au2.server.http.listener import Listener
from au2.server.http.protocol import BoundedProtocol, EdgeLog
from au2.server.settings.endpoint import TlsFiles

_GRACE_SECONDS = 2
"""For answers that are on their way when the server stops; streams are told to end at once."""


_TICKS_PER_SECOND = 10
"""How often uvicorn calls ``on_tick``."""


class ApiServer(uvicorn.Server):
    """A uvicorn server with bounds that says when it is ready and when it begins to stop."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        on_ready: Callable[[], None],
        beat: Callable[[], None],
        stopping: threading.Event,
        limits: HttpLimits,
        trusted_proxies: Sequence[str] = (),
    ) -> None:
        """``beat`` is called as long as the event loop turns.

        ``stopping`` is set when the server begins to stop; set before, it stops at once.
        """
        super().__init__(config)
        self._on_ready = on_ready
        self._beat = beat
        self._stopping = stopping
        self._limits = limits
        self._trusted_proxies = trusted_proxies
        self._log = EdgeLog()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer on these sockets, which listen already."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        # Not uvicorn's own: it accepts whatever comes.
        listeners: list[Any] = [self._listen(listener) for listener in sockets or ()]
        self.servers = listeners
        self.started = True
        self._on_ready()
        if self._stopping.is_set():
            self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Look after slow connections once a second; uvicorn calls this ten times."""
        self._beat()
        if counter % _TICKS_PER_SECOND == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, BoundedProtocol):
                    connection.check(now)
        return await super().on_tick(counter)

    def _listen(self, listener: socket.socket) -> Listener:
        return Listener(
            listener,
            self._make_protocol,
            limits=self._limits,
            log=self._log,
            tls=self.config.ssl,
            unlimited=self._trusted_proxies,
        )

    def _make_protocol(self, on_lost: Callable[[], None]) -> BoundedProtocol:
        return BoundedProtocol(
            self.config,
            self.server_state,
            self.lifespan.state,
            asyncio.get_running_loop(),
            limits=self._limits,
            log=self._log,
            on_lost=on_lost,
        )

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
    beat: Callable[[], None] = lambda: None,
    stopping: threading.Event,
    limits: HttpLimits | None = None,
    trusted_proxies: Sequence[str] = (),
    tls: TlsFiles | None = None,
    loop: Literal["uvloop", "asyncio"] = "uvloop",
) -> ApiServer:
    """Return the HTTP server for an application, with ``tls`` an HTTPS server.

    Only ``trusted_proxies`` may say where a request came from: left to itself, uvicorn believes
    everybody on this machine, and who may call himself anything is not braked at guessing.
    """
    chosen = limits or HttpLimits()
    logging.getLogger("uvicorn.error").addFilter(_is_fault)
    config = uvicorn.Config(
        app,
        loop=loop,
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
        timeout_keep_alive=chosen.idle_seconds,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return ApiServer(
        config,
        on_ready=on_ready,
        beat=beat,
        stopping=stopping,
        limits=chosen,
        trusted_proxies=trusted_proxies,
    )


def _is_fault(record: logging.LogRecord) -> bool:
    """Whether an entry is of a fault: answers that a stop cuts off are none, and each had a trace.

    How many there were, uvicorn says in a line of its own.
    """
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)
