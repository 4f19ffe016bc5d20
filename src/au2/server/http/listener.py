"""Listener with a bounded number of connections, in all and from one client.

uvicorn lets the event loop accept without a bound. Here the oldest connection without a request
gives way; a client with a request is never turned away for an idle one. The time for a TLS
handshake is bounded too.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from au2.domain.errors import Busy
from au2.domain.throttle import client_of_address
from au2.server.http.limits import HttpLimits
from au2.server.http.protocol import BoundedProtocol, EdgeLog, format_refusal

_AT_ONCE = 64
"""Connections that are accepted before others are looked after."""
_PAUSE_SECONDS = 0.2
"""After an accept that the machine had nothing left for."""
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

MakeProtocol = Callable[[Callable[[], None]], BoundedProtocol]
"""Makes the protocol of one connection; what it is given is called when that has ended."""


@dataclass(eq=False, slots=True)
class _Connection:
    client: str
    address: str
    protocol: BoundedProtocol | None = None
    task: "asyncio.Task[None] | None" = field(default=None, repr=False)
    """Opens it, and makes the TLS handshake."""

    @property
    def is_waiting(self) -> bool:
        """Whether the connection has no request."""
        return self.task is not None or (self.protocol is not None and self.protocol.is_waiting)


class Listener:
    """Listener of one socket, with the interface of an event loop's server."""

    def __init__(
        self,
        listener: socket.socket,
        make_protocol: MakeProtocol,
        *,
        limits: HttpLimits,
        log: EdgeLog,
        tls: ssl.SSLContext | None = None,
        unlimited: Collection[str] = (),
    ) -> None:
        """Begin to accept, in the running event loop.

        ``unlimited``: addresses of proxies, whose connections are many clients'.
        """
        self._socket = listener
        self._make_protocol = make_protocol
        self._limits = limits
        self._log = log
        self._tls = tls
        self._unlimited = frozenset(unlimited)
        self._loop = asyncio.get_running_loop()
        self._connections: dict[_Connection, None] = {}
        """In the order in which they came."""
        self._by_client: dict[str, dict[_Connection, None]] = {}
        self._is_open = True
        listener.setblocking(False)
        self._loop.add_reader(listener.fileno(), self._accept)

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """The listening socket."""
        return (self._socket,)

    def replace_tls(self, tls: ssl.SSLContext) -> None:
        """Use another certificate for connections that come from now on."""
        self._tls = tls

    def close(self) -> None:
        """Stop accepting, and end connections that are still opening."""
        if not self._is_open:
            return
        self._is_open = False
        self._loop.remove_reader(self._socket.fileno())
        for connection in list(self._connections):
            if connection.task is not None:
                self._end(connection)

    async def wait_closed(self) -> None:
        """Nothing is left to wait for."""

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                accepted, address = self._socket.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._pause(error)
                    return
                continue  # It was gone before it was accepted.
            self._take(accepted, str(address[0]))

    def _pause(self, error: OSError) -> None:
        self._log.note(f"no connection can be accepted ({error.strerror})", "")
        self._loop.remove_reader(self._socket.fileno())
        self._loop.call_later(_PAUSE_SECONDS, self._go_on)

    def _go_on(self) -> None:
        if self._is_open:
            self._loop.add_reader(self._socket.fileno(), self._accept)

    def _take(self, accepted: socket.socket, address: str) -> None:
        connection = _Connection(client_of_address(address), address)
        if not self._has_room(connection):
            self._refuse(accepted)
            return
        self._connections[connection] = None
        self._by_client.setdefault(connection.client, {})[connection] = None
        protocol = self._make_protocol(lambda: self._forget(connection))
        connection.protocol = protocol
        connection.task = self._loop.create_task(self._open(protocol, accepted))
        connection.task.add_done_callback(lambda task: self._opened(connection, accepted, task))

    async def _open(self, protocol: BoundedProtocol, accepted: socket.socket) -> None:
        await self._loop.connect_accepted_socket(
            lambda: protocol,
            accepted,
            ssl=self._tls,
            ssl_handshake_timeout=None if self._tls is None else self._limits.tls_seconds,
        )

    def _opened(
        self, connection: _Connection, accepted: socket.socket, task: "asyncio.Task[None]"
    ) -> None:
        connection.task = None
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or error is not None:
            # It gave way, or its handshake failed or took too long, or the client is gone.
            accepted.close()
            self._forget(connection)
        if error is not None and not isinstance(error, OSError):
            raise error

    def _has_room(self, connection: _Connection) -> bool:
        """Return whether one more connection fits, if need be after another gave way."""
        of_client = self._by_client.get(connection.client, {})
        is_counted = connection.address not in self._unlimited
        if is_counted and len(of_client) >= self._limits.connections_per_client:
            self._log.note(
                f"a client has {self._limits.connections_per_client} connections, the most that "
                "one may have",
                connection.address,
            )
            return self._make_room(of_client)
        if len(self._connections) >= self._limits.connections:
            self._log.note(
                f"there are {self._limits.connections} connections, the most that are taken",
                connection.address,
            )
            return self._make_room(self._connections)
        return True

    def _make_room(self, connections: Collection[_Connection]) -> bool:
        """Turn away the oldest connection without a request; return False if all have one."""
        for connection in connections:
            if connection.is_waiting:
                self._forget(connection)
                self._end(connection)
                return True
        return False

    def _end(self, connection: _Connection) -> None:
        # Without TLS it opens at once, and uvloop forgets one whose opening is cancelled.
        if connection.task is not None and self._tls is not None:
            connection.task.cancel()
        if connection.protocol is not None:
            connection.protocol.turn_away()

    def _refuse(self, accepted: socket.socket) -> None:
        """Send an error, as far as possible without waiting, and close."""
        with accepted:
            if self._tls is not None:
                return
            error = Busy("There are too many connections.", hint="Try again in a few seconds.")
            accepted.setblocking(False)
            try:
                accepted.send(format_refusal(503, error))
                accepted.shutdown(socket.SHUT_WR)
                accepted.recv(1 << 16)  # What is left unread destroys the answer.
            except OSError:
                return

    def _forget(self, connection: _Connection) -> None:
        self._connections.pop(connection, None)
        of_client = self._by_client.get(connection.client)
        if of_client is not None:
            of_client.pop(connection, None)
            if not of_client:
                del self._by_client[connection.client]
