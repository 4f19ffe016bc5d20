"""The server's own log: one line per entry on stderr, the same from all its processes.

``<time> <LEVEL> <process>[<pid>] <logger>: <message>``. What comes from outside can't break a line
or forge one: control characters are escaped, and tracebacks are indented.
"""

import logging
import os
import re
import sys
import time

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_KNOWN = frozenset(
    {"Invalid HTTP request received.", "ASGI callable returned without completing response."}
)


class LineFormatter(logging.Formatter):
    """Formats entries of one process."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = f"{process}[{os.getpid()}]"

    def format(self, record: logging.LogRecord) -> str:
        """Return the entry, without a newline at its end."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        message = _escape(record.getMessage())
        line = (
            f"{moment}.{int(record.msecs):03d}Z {record.levelname} {self._process} "
            f"{record.name}: {message}"
        )
        if record.exc_info:
            trace = self.formatException(record.exc_info).split("\n")
            line += "".join(f"\n    {_escape(part)}" for part in trace)
        return line


def configure_logging(process: str, level: str) -> None:
    """Send everything that this process logs to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(process))
    handler.addFilter(is_news)
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # What they say at "info" is news to nobody: that they start, that a request came.
    for chatty in ("uvicorn", "uvicorn.error", "alembic", "asyncio", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLogger().level))


def is_news(record: logging.LogRecord) -> bool:
    """Whether an entry tells an operator anything.

    Docker and its kin try TLS first with every command, which uvicorn takes for a broken request.
    And where an answer breaks off, our own entry says why.
    """
    is_known = record.getMessage() in _KNOWN
    return not is_known or logging.getLogger().level <= logging.DEBUG


def _escape(text: str) -> str:
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)
