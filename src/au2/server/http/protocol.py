"""Bounded HTTP protocol of uvicorn, which itself limits neither headers nor time.

Bounded are, before the sender is known: bytes and number of headers, the time until their end, and
the time between pieces of a body. One look a second at all connections
(:meth:`BoundedProtocol.check`) finds the slow ones, so requests need no timers.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from au2.domain.errors import Au2Error, InvalidRequest
from au2.domain.throttle import LogThrottle
from au2.http.audit_log import is_known_actor
from au2.http.errors import format_error
from au2.server.http.limits import HttpLimits

logger = logging.getLogger(__name__)
_LINGER_SECONDS = 2.0
"""For the client to read a refusal: closed at once, what it still sends would destroy the answer
on its way (RFC 9112, section 9.6)."""
_LINGER_BYTES = 1 << 20
_DRAIN_SECONDS = 30.0
"""For the rest of a body whose request was answered without it."""
_MOST_OVERHEAD_BYTES = 64 << 10
"""Of a chunked body without any content in between: trailers, extensions of chunks."""


class EdgeLog:
    """Log of refused clients, throttled for each kind of refusal."""

    def __init__(self) -> None:
        self._throttle = LogThrottle()

    def note(self, what: str, address: str) -> None:
        """Log the refusal of a client. ``what`` is one of few fixed texts."""
        self._throttle.log(logger, "%s: the last from %s", what, address or "?", kind=what)


class _Refused(Exception):
    """Raised in a callback of the parser."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class _AnswerTransport(asyncio.Transport):
    """Transport of one response; closing may have to wait for the request's body."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        super().__init__()
        self._transport = transport
        self._close = close

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._transport.write(data)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        self._close()


class BoundedProtocol(HttpToolsProtocol):
    """One connection. ``client`` and ``transport`` are uvicorn's."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: HttpLimits,
        log: EdgeLog,
        on_lost: Callable[[], None] = lambda: None,
    ) -> None:
        """``on_lost`` is called when the connection has ended."""
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._log = log
        self._on_lost = on_lost
        self._head_bytes = 0
        self._head_since: float | None = self.loop.time()
        """Since when the headers of a request are awaited; None: between requests, or in one."""
        self._in_body = False
        self._body_since = 0.0
        self._body_at = 0.0
        """When the last piece of the body came, or could have come."""
        self._had_content = False
        self._overhead_bytes = 0
        self._drain_since: float | None = None
        self._end_at: float | None = None
        """When to close; what comes before is thrown away."""
        self._thrown_bytes = 0
        self._is_turned_away = False

    @property
    def is_waiting(self) -> bool:
        """Whether no request is under way, so turning the client away loses nothing."""
        is_answered = self.cycle is None or self.cycle.response_complete
        return is_answered and not self._in_body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, unless the connection was turned away meanwhile."""
        super().connection_made(transport)
        if self._is_turned_away:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        super().connection_lost(exc)
        # Held by what still runs for it, it must not look as if a timer could still close it.
        self._head_since = self._end_at = None
        self._on_lost()

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        self._unset_keepalive_if_required()
        if self._end_at is not None:
            self._throw_away(len(data))
        if self._end_at is not None or self.parser is None:
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            return  # No other protocol is spoken here; the request is answered, then it ends.
        except httptools.HttpParserCallbackError as error:
            refused = error.__context__
            unreadable = _Refused(400, "The request can't be read.")
            self._refuse(refused if isinstance(refused, _Refused) else unreadable)
        except httptools.HttpParserError:
            self._refuse(_Refused(400, "This is no HTTP request."))
        else:
            self._count(len(data))

    def _throw_away(self, size_bytes: int) -> None:
        self._thrown_bytes += size_bytes
        if self._thrown_bytes > _LINGER_BYTES:
            self.transport.abort()

    def _count(self, size_bytes: int) -> None:
        """Count bytes of a head or a body."""
        if self._in_body:
            self._body_at = self.loop.time()
            self._overhead_bytes = 0 if self._had_content else self._overhead_bytes + size_bytes
            self._had_content = False
            if self._overhead_bytes > _MOST_OVERHEAD_BYTES:
                self._refuse(_Refused(400, "The body has too much besides its content."))
        elif self._head_since is not None:
            self._head_bytes += size_bytes
            if self._head_bytes > self._limits.head_bytes:
                self._refuse(self._head_error())
        elif self.is_waiting:
            self._await_next()  # Empty lines between requests are no request.

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        if self._head_since is None:
            self._head_since = self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; none after the body, and not many more than may be."""
        if not self._in_body and len(self.headers) <= self._limits.headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        head_bytes = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if len(self.url) > self._limits.target_bytes:
            raise _Refused(414, "The path and query are too long.")
        if len(self.headers) > self._limits.headers or head_bytes > self._limits.head_bytes:
            raise self._head_error()
        if len(self.pipeline) >= self._limits.pipelined:
            raise _Refused(400, "Too many requests came before their answers.")
        super().on_headers_complete()
        self.cycle.transport = _AnswerTransport(self.transport, self._close)
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False
        self._head_since, self._head_bytes = None, 0
        self._in_body = True
        self._overhead_bytes = 0
        self._body_since = self._body_at = self.loop.time()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._had_content = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End the request."""
        self._in_body = False
        super().on_message_complete()
        if self._drain_since is not None:
            # Answered before its body had come; uvicorn's timer was ended by the body's pieces.
            self._drain_since = None
            if self.cycle.keep_alive:
                self._await_next()
            else:
                self.transport.close()

    def on_response_complete(self) -> None:
        """End the answer."""
        super().on_response_complete()
        if self._in_body:
            self._drain_since = self.loop.time()
        elif self._head_since is not None:
            # Nobody waited for it while this one was answered.
            self._head_since = self.loop.time()

    def check(self, now: float) -> None:
        """Refuse a connection that is too slow. ``now``: the loop's time in seconds."""
        if self.transport is None or self.parser is None:
            return
        if self._end_at is not None:
            if now >= self._end_at:
                self.transport.abort()
        elif self._head_since is not None and self.is_waiting:
            self._check_head(self._head_since, now)
        elif self._drain_since is not None:
            if now - self._drain_since >= _DRAIN_SECONDS:
                self.transport.abort()
        elif self._in_body and self.cycle is not None and not self.cycle.response_complete:
            self._check_body(now)

    def turn_away(self) -> None:
        """Close a waiting or opening connection in favour of another."""
        self._is_turned_away = True
        if self.transport is not None:
            self.transport.abort()

    def _check_body(self, now: float) -> None:
        if self.flow.read_paused or self.cycle.waiting_for_100_continue:
            self._body_at = now  # It is not the client who is waited for.
            return
        is_stalled = now - self._body_at >= self._limits.body_seconds
        is_long = now - self._body_since >= self._limits.anonymous_body_seconds
        if is_stalled or (is_long and not is_known_actor(self.scope["state"])):
            self._note("ended requests whose body did not come in time")
            self._end(408, "The request's body did not come in time.")

    def _check_head(self, since: float, now: float) -> None:
        if now - since >= self._limits.head_seconds:
            self._note("ended connections whose request did not come in time")
            if self._head_bytes:
                self._end(408, "The request did not come in time.")
            else:
                self.transport.abort()

    def _head_error(self) -> _Refused:
        limits = self._limits
        return _Refused(
            431,
            f"The request's headers are larger than {limits.head_bytes} bytes, or more than "
            f"{limits.headers}.",
        )

    def _refuse(self, refused: _Refused) -> None:
        if refused.status != 400:
            self._note("refused requests with too long a target or too many headers")
        self._end(refused.status, refused.message)

    def _end(self, status: int, message: str) -> None:
        """Respond past the application, if possible, and close."""
        if self._in_body and not self.cycle.response_started and not self.pipeline:
            # The application learns that nobody is there any more.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        elif not self.is_waiting:
            # In the middle of an answer, or of the one to a request before.
            self.transport.abort()
            return
        self.transport.write(format_refusal(status, InvalidRequest(message)))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.flow.resume_reading()
        self._head_since = None
        self._end_at = self.loop.time() + _LINGER_SECONDS

    def _close(self) -> None:
        """Close after a response; an early one only after the request's body.

        Unread bytes would destroy the response on its way (RFC 9112, section 9.6).
        """
        is_early = self._in_body and self.cycle.response_complete and not self.pipeline
        if not is_early or self.transport.is_closing():
            self.transport.close()
        elif self.transport.can_write_eof():
            self.transport.write_eof()

    def _await_next(self) -> None:
        if not self.transport.is_closing() and self.cycle is not None:
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def _note(self, what: str) -> None:
        self._log.note(what, self.client[0] if self.client else "")


def format_refusal(status: int, error: Au2Error) -> bytes:
    """Return a whole response, made without the application."""
    body = format_error(error)
    seconds = error.retry_after_seconds
    retry = "" if seconds is None else f"retry-after: {seconds}\r\n"
    head = (
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n{retry}"
        "connection: close\r\n\r\n"
    )
    return STATUS_LINE[status] + head.encode() + body
