"""Retries of writes on a full disk or with an unavailable database."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from au2.domain.errors import DatabaseUnavailable, StorageFull
from au2.domain.retry import Backoff
from au2.execution.termination import Detached, JobControl

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WriteRetry:
    """Retries with exponential backoff and without an end."""

    release_reserve: Callable[[], bool]
    """Frees the disk reserve; returns whether there was any."""

    def run(self, write: Callable[[], T], control: JobControl, *, name: str) -> T:
        """Return the result of ``write`` after its first success.

        Args:
            write: is called again after StorageFull and DatabaseUnavailable.
            control: ends the retries.
            name: the written object, for the server's log.

        Raises:
            Detached: the job is left running.
        """
        backoff = Backoff()
        while True:
            try:
                return write()
            except (StorageFull, DatabaseUnavailable) as error:
                if isinstance(error, StorageFull) and self.release_reserve():
                    continue
                if not backoff.has_begun:
                    logger.error("%s can't be written yet: %s", name, error.message)
            if control.detach.wait(backoff.take()):
                raise Detached
