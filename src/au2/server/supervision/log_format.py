"""Format of the server's own log: one line per entry on stderr, equal in all processes.

``<time> <LEVEL> <process>[<pid>] <logger>: <message>``. Text of users can't break or forge a line:
control characters are escaped, and tracebacks are indented.
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
    """Send all log entries of this process to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter(process))
    handler.addFilter(is_relevant)
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # Their entries at "info" are of starts and requests: irrelevant to operators.
    for chatty in ("uvicorn", "uvicorn.error", "alembic", "asyncio", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, logging.getLogger().level))


def is_relevant(record: logging.LogRecord) -> bool:
    """Return whether an entry is relevant to an operator.

    Two known entries are not: registry clients try TLS first with every command, which uvicorn
    takes for a broken request; and our own entry explains an interrupted response.
    """
    is_known = record.getMessage() in _KNOWN
    return not is_known or logging.getLogger().level <= logging.DEBUG


def _escape(text: str) -> str:
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)
