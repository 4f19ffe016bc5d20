"""Waiting for notices in the event loop: one reader of the descriptor, any number of waiters."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from au2.stores.notices import EVERYTHING, Notices


class Watch:
    """What one waiter has been told."""

    def __init__(self, topics: frozenset[str]) -> None:
        self.told_at = 0.0
        """When there last was news, in monotonic seconds: the same for all who were told."""
        self._topics = topics
        self._seen: set[str] = set()
        self._event = asyncio.Event()

    def tell(self, topics: set[str], at: float) -> None:
        """Wake the waiter if one of these concerns it. ``at``: monotonic seconds."""
        news = topics & self._topics
        if news:
            self._seen |= news
            self.told_at = at
            self._event.set()

    async def wait(self, timeout_seconds: float) -> set[str]:
        """Return the topics there is news of since the last call; empty after the timeout."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()
        news, self._seen = self._seen, set()
        return news


class NoticeBoard:
    """Reads notices for all waiters of one event loop. Not for use from other threads."""

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
        """Listen no more."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._notices.fileno())
        self._loop = None

    @property
    def is_closing(self) -> bool:
        """Whether the server is stopping, so that nobody should wait any longer."""
        return self._stopping.is_set()

    @contextmanager
    def watch(self, *topics: str) -> Iterator[Watch]:
        """Gather news of these topics from now on. Look at the thing itself only after this."""
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
