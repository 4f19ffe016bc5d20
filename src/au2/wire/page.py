"""Pages: the one form of every list."""

from typing import Annotated, Any, Final

from au2.wire.base import Limits, ResponseType

LONGEST_CURSOR: Final = 2000
CURSOR_PATTERN: Final = r"^[A-Za-z0-9_-]+$"


class Page(ResponseType):
    """A part of a list. The query ``after`` with the value of ``next`` gives the following one."""

    items: list[Any]
    next: Annotated[str, Limits(pattern=CURSOR_PATTERN, max_length=LONGEST_CURSOR)] | None
    """Cursor of the following page, to be passed on as it is; null: this is the last page."""
