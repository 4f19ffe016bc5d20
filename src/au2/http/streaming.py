"""Streaming responses, made at the reader's pace."""

import logging
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import AbstractContextManager, nullcontext

import anyio
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from au2.domain.errors import Au2Error

_logger = logging.getLogger(__name__)


class StreamingResult(StreamingResponse):
    """Streaming response; its generator is closed as soon as the response ends, for any reason.

    An abandoned generator would keep its files and memory until garbage collection. The next chunk
    is requested, in a thread if need be, after the last one was sent: a slow reader keeps neither
    memory nor a thread.
    """

    def __init__(
        self,
        chunks: Generator[bytes, None, None] | AsyncGenerator[bytes, None],
        *,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        content_name: str | None = None,
        during: AbstractContextManager[None] | None = None,
    ) -> None:
        """Begin.

        Args:
            chunks: the body. A chunk may be empty: during a long pause, the reader's disconnection
                is noticed there.
            status_code: of the response.
            headers: of the response.
            media_type: of the body.
            content_name: for the log, where damaged content is one line. The response breaks off
                then, as nothing else is possible: the server closes the connection of an
                incomplete response.
            during: context of the whole response, which may also refuse the request.
        """
        super().__init__(chunks, status_code, headers, media_type)
        self._chunks = chunks
        self._content_name = content_name
        self._during = during or nullcontext()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send; a reader's disconnection is noticed at once, or after the present chunk."""
        with self._during:
            try:
                await super().__call__(scope, receive, send)
            except Au2Error as error:
                if self._content_name is None:
                    raise
                _logger.error(
                    "Sending %s broke off: %s List the damage: au2-server fsck",
                    self._content_name,
                    f"{error.message.rstrip('.')}.",
                )
            finally:
                await self._close()

    async def _close(self) -> None:
        # No thread is inside: a cancelled wait for one ends when the thread does.
        if isinstance(self._chunks, AsyncGenerator):
            with anyio.CancelScope(shield=True):
                await self._chunks.aclose()
        else:
            self._chunks.close()
