"""What is logged of clients that are refused before they have said who they are.

Anybody can cause such an entry, so there is one a minute at most of each kind.
"""

import logging
from collections.abc import Callable

from au2.domain.log_throttle import LogThrottle

logger = logging.getLogger(__name__)


class EdgeLog:
    """Log of refused clients, throttled for each kind of refusal."""

    def __init__(self, make_throttle: Callable[[], LogThrottle] = LogThrottle) -> None:
        self._make_throttle = make_throttle
        self._kinds: dict[str, LogThrottle] = {}

    def note(self, what: str, address: str) -> None:
        """Log that a client was refused. ``what`` is one of few fixed texts."""
        throttle = self._kinds.setdefault(what, self._make_throttle())
        throttle.warn(logger, "%s: the last from %s", what, address or "?")
