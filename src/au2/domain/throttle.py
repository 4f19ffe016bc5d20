"""Throttles: a bound on log lines, and the clients by which requests are counted."""

import ipaddress
import time
from collections.abc import Callable
from logging import Logger
from threading import Lock

_EVERY_SECONDS = 60.0


class LogThrottle:
    """Writes one warning in a period and counts the suppressed ones. For any number of threads."""

    def __init__(
        self, every_seconds: float = _EVERY_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._every_seconds = every_seconds
        self._clock = clock
        self._next = float("-inf")
        self._suppressed = 0
        self._lock = Lock()

    def warn(self, logger: Logger, template: str, *values: object) -> None:
        """Log a warning, unless one was logged in the present period.

        Args:
            logger: that writes the line.
            template: of the line, in the ``%`` style of :mod:`logging`.
            values: of the template.
        """
        suppressed = self._take()
        if suppressed is not None:
            more = f" ({suppressed} more since the last such line)" if suppressed else ""
            logger.warning(template + "%s", *values, more)

    def _take(self) -> int | None:
        """Return how many lines were suppressed since the last; None: suppress this one too."""
        with self._lock:
            if self._clock() < self._next:
                self._suppressed += 1
                return None
            self._next = self._clock() + self._every_seconds
            suppressed, self._suppressed = self._suppressed, 0
            return suppressed


_IPV6_PREFIX = 64
"""A customer has a network of at least this size (RFC 6177), so single addresses don't count."""


def client_of_address(address: str) -> str:
    """Return the key of a client: the IPv4 address, or the IPv6 network of 64 bits.

    Other text (a proxy may forward any) is returned unchanged.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed), _IPV6_PREFIX), strict=False))
