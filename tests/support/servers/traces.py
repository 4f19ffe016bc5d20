"""Faults that were logged: no request may leave one."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def traces() -> Iterator[list[logging.LogRecord]]:
    """Log entries with a trace while the block runs."""
    found: list[logging.LogRecord] = []

    class Gathering(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info or record.levelno >= logging.ERROR:
                found.append(record)

    handler = Gathering()
    logging.getLogger().addHandler(handler)
    try:
        yield found
    finally:
        logging.getLogger().removeHandler(handler)
