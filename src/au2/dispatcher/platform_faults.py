"""Messages in job records about faults of the platform."""

import logging
import re

from au2.domain.errors import Au2Error
from au2.domain.wording import as_sentence

logger = logging.getLogger(__name__)

_ERROR_NUMBER = re.compile(r"\[Errno \d+\] ")
_HOST_PATH = re.compile(r"""(?<![\w./])['"]?(?:/[^\s/'":,;()]+){2,}/?['"]?""")
_HIDDEN = "(a path of the server)"


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
