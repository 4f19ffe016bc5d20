"""What is logged of clients that are refused before they have said who they are.

Anybody can cause such an entry, so there is one a minute at most of each kind.
"""

import logging
from collections.abc import Callable

from au2.domain.seldom import Seldom

logger = logging.getLogger(__name__)


class EdgeLog:
    """Logs each kind of refusal seldom, with the number of those in between."""

    def __init__(self, make_seldom: Callable[[], Seldom] = Seldom) -> None:
        self._make_seldom = make_seldom
        self._kinds: dict[str, Seldom] = {}

    def note(self, what: str, address: str) -> None:
        """Log that a client was refused. ``what`` is one of few fixed texts."""
        seldom = self._kinds.setdefault(what, self._make_seldom())
        kept_back = seldom.take()
        if kept_back is not None:
            more = f" ({kept_back} more since the last such line)" if kept_back else ""
            logger.warning("%s: the last from %s%s", what, address or "?", more)
