"""Throttles: a bound on log lines, and the clients by which requests are counted."""

import ipaddress
import logging
import time
from collections.abc import Callable
from threading import Lock

_EVERY_SECONDS = 60.0


class LogThrottle:
    """Writes one line of each kind in a period and counts the suppressed ones. Safe for threads."""

    def __init__(
        self, every_seconds: float = _EVERY_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._every_seconds = every_seconds
        self._clock = clock
        self._kinds: dict[str, tuple[float, int]] = {}
        """Kind → end of its period, and number of lines suppressed since the last one."""
        self._lock = Lock()

    def log(
        self,
        logger: logging.Logger,
        template: str,
        *values: object,
        kind: str | None = None,
        level: int = logging.WARNING,
    ) -> bool:
        """Log a line, unless one of its kind was logged in the present period.

        Args:
            logger: that writes the line.
            template: of the line, in the ``%`` style of :mod:`logging`.
            values: of the template.
            kind: one of few texts, all kept in memory; the template by default.
            level: of the line.

        Returns:
            Whether the line was logged.
        """
        suppressed = self._take(template if kind is None else kind)
        if suppressed is None:
            return False
        more = f" ({suppressed} more since the last such line)" if suppressed else ""
        logger.log(level, template + "%s", *values, more)
        return True

    def _take(self, kind: str) -> int | None:
        """Return how many lines were suppressed since the last; None: suppress this one too."""
        with self._lock:
            ends_at, suppressed = self._kinds.get(kind, (float("-inf"), 0))
            if self._clock() < ends_at:
                self._kinds[kind] = (ends_at, suppressed + 1)
                return None
            self._kinds[kind] = (self._clock() + self._every_seconds, 0)
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
