"""Notices in the event loop: one reader of the descriptor, any number of watches."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from au2.stores.notices import EVERYTHING, Notices


class Watch:
    """Notices received for one waiting request."""

    def __init__(self, topics: frozenset[str]) -> None:
        self.told_at = 0.0
        """Time of the last notice, in monotonic seconds: equal in all watches of its topic."""
        self._topics = topics
        self._seen: set[str] = set()
        self._event = asyncio.Event()

    def tell(self, topics: set[str], at: float) -> None:
        """Wake the request if one of the topics is among its own. ``at``: monotonic seconds."""
        news = topics & self._topics
        if news:
            self._seen |= news
            self.told_at = at
            self._event.set()

    async def wait(self, timeout_seconds: float) -> set[str]:
        """Return the topics since the last call; empty after the timeout."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()
        news, self._seen = self._seen, set()
        return news


class NoticeBoard:
    """Reader of notices for all watches of one event loop. Not thread-safe."""

    def __init__(self, notices: Notices, stopping: threading.Event) -> None:
        self._notices = notices
        self._stopping = stopping
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watches: set[Watch] = set()

    def open(self) -> None:
        """Listen in the running event loop. Idempotent."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            loop.add_reader(self._notices.fileno(), self._drain)
            self._loop = loop

    def close(self) -> None:
        """Stop listening."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._notices.fileno())
        self._loop = None

    @property
    def is_closing(self) -> bool:
        """Whether the server is stopping: no request may wait any longer."""
        return self._stopping.is_set()

    @contextmanager
    def watch(self, *topics: str) -> Iterator[Watch]:
        """Gather notices of these topics. Objects must be read after this call only."""
        self.open()
        watch = Watch(frozenset({*topics, EVERYTHING}))
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    def _drain(self) -> None:
        topics = self._notices.wait(0)
        at = monotonic()
        for watch in self._watches:
            watch.tell(topics, at)
