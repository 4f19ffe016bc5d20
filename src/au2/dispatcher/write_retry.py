"""Writing what must not get lost, however long it takes until it can be written."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from au2.domain.errors import DatabaseUnavailable, StorageFull
from au2.execution.control import Detached, JobControl

logger = logging.getLogger(__name__)

T = TypeVar("T")
_FIRST_SECONDS = 0.1
_LONGEST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class WriteRetry:
    """Tries again what a full disk or an unavailable database refuses."""

    give_up_reserve: Callable[[], bool]
    """Gives back room on the disk that is held for this; whether there was any."""

    def insist(self, write: Callable[[], T], control: JobControl, *, what: str) -> T:
        """Return what ``write`` does, once it can be done.

        Raises:
            Detached: the job is to be left as it is.
        """
        seconds = _FIRST_SECONDS
        while True:
            try:
                return write()
            except (StorageFull, DatabaseUnavailable) as error:
                if isinstance(error, StorageFull) and self.give_up_reserve():
                    continue
                if seconds == _FIRST_SECONDS:
                    logger.error("%s can't be written yet: %s", what, error.message)
            if control.detach.wait(seconds):
                raise Detached
            seconds = min(seconds * 2, _LONGEST_SECONDS)
