"""Answers that are made while they travel, at the reader's pace."""

import logging
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import AbstractContextManager, nullcontext

import anyio
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from au2.domain.errors import Au2Error

_logger = logging.getLogger(__name__)


class StreamingResult(StreamingResponse):
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
        what: str | None = None,
        during: AbstractContextManager[None] | None = None,
    ) -> None:
        """Begin.

        Args:
            pieces: what is sent. One may be empty: so what takes long to the next one lets its
                reader's leaving be seen.
            status_code: of the answer.
            headers: of the answer.
            media_type: of what is sent.
            what: this is, for the operator: pieces that turn out to be damaged are one line of the
                log. The answer breaks off then, as all that it still can do: the server closes the
                connection of an answer that was not completed.
            during: is entered for the time that the answer takes, and may refuse it.
        """
        super().__init__(pieces, status_code, headers, media_type)
        self._pieces = pieces
        self._what = what
        self._during = during or nullcontext()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send; a reader who has gone is noticed at once, or after the piece that is made."""
        with self._during:
            try:
                await super().__call__(scope, receive, send)
            except Au2Error as error:
                if self._what is None:
                    raise
                _logger.error(
                    "Sending %s broke off: %s See what is damaged: au2-server fsck",
                    self._what,
                    f"{error.message.rstrip('.')}.",
                )
            finally:
                await self._close()

    async def _close(self) -> None:
        # No thread is inside: a cancelled wait for one ends when the thread does.
        if isinstance(self._pieces, AsyncGenerator):
            with anyio.CancelScope(shield=True):
                await self._pieces.aclose()
        else:
            self._pieces.close()
