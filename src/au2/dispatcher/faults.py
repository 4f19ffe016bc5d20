"""Faults of the platform: messages in job records, and retries of writes."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from au2.domain.errors import Au2Error, DatabaseUnavailable, StorageFull
from au2.domain.network_retry import Backoff
from au2.domain.wording import as_sentence
from au2.execution.termination import Detached, JobControl

logger = logging.getLogger(__name__)

_ERROR_NUMBER = re.compile(r"\[Errno \d+\] ")
_HOST_PATH = re.compile(r"""(?<![\w./])['"]?(?:/[^\s/'":,;()]+){2,}/?['"]?""")
_HIDDEN = "(a path of the server)"
T = TypeVar("T")


def describe_platform_fault(job_id: int, error: Au2Error) -> str:
    """Return the message for the record, and write the whole error to the server's log.

    All who may see the job read the record; paths of the server are not for them.
    """
    logger.error("job %d: %s: %s", job_id, error.code, error.message)
    text = as_sentence(f"The platform could not run it: {hide_host_paths(error.message)}")
    advice = error.hint or f"Your operator finds more in the server's log, by job {job_id}."
    return f"{text} {advice}"


def hide_host_paths(text: str) -> str:
    """Return an engine's message without paths of the server and error numbers. Pure."""
    return _HOST_PATH.sub(_HIDDEN, _ERROR_NUMBER.sub("", text))


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
