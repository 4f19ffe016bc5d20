"""Answers that are made while they travel, at the reader's pace."""

from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import AbstractContextManager, nullcontext

import anyio
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send


class StreamedAnswer(StreamingResponse):
    """Sends pieces, and ends their making as soon as the answer has ended, however it did.

    A generator that was left somewhere in its middle would keep its files and memory until the
    garbage collector comes by. The next piece is asked for, in a thread if need be, when the last
    one was taken: a slow reader keeps neither memory nor a thread.
    """

    def __init__(
        self,
        pieces: Generator[bytes, None, None] | AsyncGenerator[bytes, None],
        *,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        during: AbstractContextManager[None] | None = None,
    ) -> None:
        """``during`` is entered for the time that the answer takes, and may refuse it.

        A piece may be empty: so what takes long to the next one lets its reader's leaving be seen.
        """
        super().__init__(pieces, status_code, headers, media_type)
        self._pieces = pieces
        self._during = during or nullcontext()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send; a reader who has gone is noticed at once, or after the piece that is made."""
        with self._during:
            try:
                await super().__call__(scope, receive, send)
            finally:
                await self._close()

    async def _close(self) -> None:
        # No thread is inside: a cancelled wait for one ends when the thread does.
        if isinstance(self._pieces, AsyncGenerator):
            with anyio.CancelScope(shield=True):
                await self._pieces.aclose()
        else:
            self._pieces.close()
