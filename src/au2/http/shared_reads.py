"""Coalescing of equal concurrent reads: one query answers all readers."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from time import monotonic
from typing import Generic, NamedTuple, TypeVar

from fastapi.concurrency import run_in_threadpool

_Value = TypeVar("_Value")

_KEPT_SECONDS = 2.0
"""Longer than the interval of polling, but not much, since records may be large."""
_MOST_KEPT = 256


class Shared(NamedTuple, Generic[_Value]):
    """Result of a read, with its time."""

    value: _Value
    read_at: float
    """End of the read, in monotonic seconds."""


class _Read(NamedTuple, Generic[_Value]):
    started_at: float
    task: "asyncio.Future[Shared[_Value]]"


class SharedReads(Generic[_Value]):
    """Reads in threads, each shared by all requests for the same key. For one event loop."""

    def __init__(self, is_kept: Callable[[_Value], bool] = lambda _: True) -> None:
        """Take ``is_kept``: whether a result also serves requests after the read."""
        self._is_kept = is_kept
        self._reads: OrderedDict[Hashable, _Read[_Value]] = OrderedDict()

    async def get(
        self, key: Hashable, make: Callable[[], _Value], *, not_before: float
    ) -> Shared[_Value]:
        """Return the result of ``make``, or of an equal read of another request.

        Args:
            key: identity of the read.
            make: the read, run in a thread.
            not_before: monotonic seconds; a read that began before is too old.

        Raises:
            Exception: any error of ``make``.
        """
        read = self._reads.get(key)
        if read is None or read.started_at < not_before or _has_failed(read.task):
            read = self._start(key, make)
        # A cancelled request must not end the read of the others.
        return await asyncio.shield(read.task)

    def _start(self, key: Hashable, make: Callable[[], _Value]) -> _Read[_Value]:
        self._forget_old(monotonic())
        read = _Read(monotonic(), asyncio.ensure_future(run_in_threadpool(_timed, make)))
        self._reads[key] = read
        self._reads.move_to_end(key)
        read.task.add_done_callback(lambda done: self._judge(key, done))
        return read

    def _judge(self, key: Hashable, task: "asyncio.Future[Shared[_Value]]") -> None:
        if _has_failed(task) or not self._is_kept(task.result().value):
            read = self._reads.get(key)
            if read is not None and read.task is task:
                del self._reads[key]

    def _forget_old(self, now: float) -> None:
        while self._reads:
            key, read = next(iter(self._reads.items()))
            is_old = read.started_at + _KEPT_SECONDS < now
            if not is_old and len(self._reads) < _MOST_KEPT:
                return
            del self._reads[key]


def _timed(make: Callable[[], _Value]) -> Shared[_Value]:
    return Shared(make(), monotonic())


def _has_failed(task: "asyncio.Future[Shared[_Value]]") -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
