"""HTTP server around the application: uvicorn with limits, readiness and an orderly end."""

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

from au2.domain.errors import ServerNotStarted
from au2.server.http.limits import HttpLimits
from au2.server.http.listener import Listener
from au2.server.http.protocol import BoundedProtocol, EdgeLog
from au2.server.http.request_log import RequestLog
from au2.server.settings.endpoint import TlsFiles

logger = logging.getLogger(__name__)
_GRACE_SECONDS = 2
"""For answers that are on their way when the server stops; streams are told to end at once."""


_TICKS_PER_SECOND = 10
"""How often uvicorn calls ``on_tick``."""


class ApiServer(uvicorn.Server):
    """uvicorn server of an application with limits; with ``tls`` over HTTPS.

    Args:
        app: the application.
        on_ready: called when requests are answered.
        beat: called as long as the event loop turns.
        stopping: set when the server begins to stop; set before, the server stops at once.
        limits: limits of connections and requests.
        trusted_proxies: the only addresses that may say where a request came from: left to itself,
            uvicorn believes all of this machine, and an attacker could guess under many names.
        tls: certificate and key.
        request_log: whether to log each request.
        loop: event loop.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        on_ready: Callable[[], None],
        beat: Callable[[], None] = lambda: None,
        stopping: threading.Event,
        limits: HttpLimits | None = None,
        trusted_proxies: Sequence[str] = (),
        tls: TlsFiles | None = None,
        request_log: bool = False,
        loop: Literal["uvloop", "asyncio"] = "uvloop",
    ) -> None:
        self._on_ready = on_ready
        self._beat = beat
        self._stopping = stopping
        self._limits = limits or HttpLimits()
        self._trusted_proxies = trusted_proxies
        self._log = EdgeLog()
        self._tls = tls
        self._reload = threading.Event()
        """Set when the certificate is to be read again."""
        logging.getLogger("uvicorn.error").addFilter(_is_fault)
        super().__init__(
            uvicorn.Config(
                RequestLog(app) if request_log else app,
                loop=loop,
                http="httptools",
                ws="none",
                # Our own log format, set up before.
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(trusted_proxies),
                forwarded_allow_ips=list(trusted_proxies),
                timeout_keep_alive=self._limits.idle_seconds,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer on these sockets, which listen already."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        # Not uvicorn's own: it accepts whatever comes.
        context = None if self._tls is None else self._tls.make_context()
        listeners: list[Any] = [
            Listener(
                listener,
                self._make_protocol,
                limits=self._limits,
                log=self._log,
                tls=context,
                unlimited=self._trusted_proxies,
            )
            for listener in sockets or ()
        ]
        self.servers = listeners
        self.started = True
        self._on_ready()
        if self._stopping.is_set():
            self.should_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Look after slow connections once a second; uvicorn calls this ten times."""
        self._beat()
        if self._reload.is_set():
            self._reload.clear()
            self._reload_certificate()
        if counter % _TICKS_PER_SECOND == 0:
            now = asyncio.get_running_loop().time()
            for connection in list(self.server_state.connections):
                if isinstance(connection, BoundedProtocol):
                    connection.check(now)
        return await super().on_tick(counter)

    def reload(self) -> None:
        """Read the certificate again soon; from any thread, or a signal's handler."""
        self._reload.set()

    def _reload_certificate(self) -> None:
        """Give new connections the certificate of the files; keep the old one if they are bad."""
        if self._tls is None:
            logger.info("asked to read the certificate again, but the settings name none")
            return
        try:
            context = self._tls.make_context()
        except ServerNotStarted as error:
            logger.error("the certificate from before stays in use: %s", error.message)
            return
        for listener in self.servers:
            if isinstance(listener, Listener):
                listener.replace_tls(context)
        logger.info("new connections get the certificate as it is now: %s", self._tls.certificate)

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


def _is_fault(record: logging.LogRecord) -> bool:
    """Return whether a log entry is a fault: responses cut off by a stop are none.

    uvicorn logs their number in a line of its own.
    """
    return record.exc_info is None or not isinstance(record.exc_info[1], asyncio.CancelledError)
