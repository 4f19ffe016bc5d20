"""Paging of lists: every list is read in pages, with ``limit`` and the cursor ``after``.

A cursor holds the key of the last item of a page, so the next page begins after it even if that
item has been deleted meanwhile. It is encoded, because clients are to pass it on as it is; it gives
no rights, for it only leaves items out.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic, NamedTuple, TypeVar

from fastapi import Depends, Query

from au2.domain.errors import InvalidRequest
from au2.wire.field import LARGEST_NUMBER
from au2.wire.page import CURSOR_PATTERN, LONGEST_CURSOR, Page

_Item = TypeVar("_Item")
_Page = TypeVar("_Page", bound=Page)
_Key = tuple[str | int | datetime, ...]

MOST_ITEMS: Final = 1000
_USUAL_ITEMS: Final = 200
_USUAL_JOBS: Final = 50

After = Annotated[
    str | None,
    Query(
        max_length=LONGEST_CURSOR,
        pattern=CURSOR_PATTERN,
        description="The `next` of the page before; without it, the first page.",
    ),
]


class PageQuery(NamedTuple):
    """The part of a list that a request asks for."""

    after: str | None
    limit: int


def _page_query(usual_items: int) -> Any:
    async def read(
        after: After = None,
        limit: Annotated[
            int, Query(ge=1, le=MOST_ITEMS, description="Most items of the page.")
        ] = usual_items,
    ) -> PageQuery:
        return PageQuery(after, limit)

    return Depends(read)


PageOf = Annotated[PageQuery, _page_query(_USUAL_ITEMS)]
JobPageOf = Annotated[PageQuery, _page_query(_USUAL_JOBS)]


class Order(Generic[_Item]):
    """Order of a list by a unique key of texts, whole numbers and times."""

    def __init__(
        self, *kinds: type[str] | type[int] | type[datetime], key: Callable[[_Item], _Key]
    ) -> None:
        self._kinds = kinds
        self._key = key

    def read_cursor(self, after: str) -> _Key:
        """Return the key in a cursor. Raises InvalidRequest."""
        try:
            key = json.loads(urlsafe_b64decode(after + "=" * (-len(after) % 4)))
            parts = key if isinstance(key, list) else []
            return tuple(
                _read_part(kind, part) for kind, part in zip(self._kinds, parts, strict=True)
            )
        except (ValueError, OverflowError, RecursionError):
            raise InvalidRequest(
                "The parameter 'after' is not the 'next' of a page of this list.",
                hint="Leave it out to begin with the first page.",
            ) from None

    def make_cursor(self, item: _Item) -> str:
        """Return the cursor of the page after an item; inverse of :meth:`read_cursor`."""
        parts = [time_key(it) if isinstance(it, datetime) else it for it in self._key(item)]
        text = json.dumps(parts, separators=(",", ":"), ensure_ascii=False)
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    def read(
        self, asked: PageQuery, find: Callable[[_Key | None, int], list[_Item]]
    ) -> tuple[list[_Item], str | None]:
        """Return the items of a page, and the cursor of the next page.

        Args:
            asked: the page.
            find: returns at most so many items after a key, in order; None: from the first.

        Raises:
            InvalidRequest: the cursor is none of this list.
        """
        last = None if asked.after is None else self.read_cursor(asked.after)
        # One more than asked for tells whether there is a next page.
        return self.cut_read(find(last, asked.limit + 1), asked.limit)

    def cut(self, items: Iterable[_Item], asked: PageQuery) -> tuple[list[_Item], str | None]:
        """Return the items of a page of the whole list, and the cursor of the next page."""
        ordered = sorted(items, key=self._key)
        if asked.after is not None:
            last = self.read_cursor(asked.after)
            ordered = [item for item in ordered if self._key(item) > last]
        return self.cut_read(ordered, asked.limit)

    def cut_read(self, items: list[_Item], limit: int) -> tuple[list[_Item], str | None]:
        """Return a page of items that were read in order, one more than ``limit``, if there."""
        page = items[:limit]
        return page, self.make_cursor(page[-1]) if len(items) > limit else None

    def page(
        self,
        kind: type[_Page],
        items: Iterable[_Item],
        asked: PageQuery,
        view: Callable[[_Item], object],
    ) -> _Page:
        """Return a page of the whole list, each item as ``view`` shows it. Raises as above."""
        found, following = self.cut(items, asked)
        return kind(items=[view(item) for item in found], next=following)


def time_key(time: datetime) -> str:
    """Return a text that sorts as the time does."""
    return time.isoformat(timespec="microseconds")


def _read_part(kind: type[Any], part: int | str) -> str | int | datetime:
    """Return a part of a key as the database takes it. Raises ValueError, OverflowError."""
    if type(part) is not (int if kind is int else str):
        raise ValueError("a part of another kind")
    if isinstance(part, int):
        return min(max(part, -LARGEST_NUMBER), LARGEST_NUMBER)
    part.encode()  # Not with half a surrogate pair.
    if "\0" in part:
        raise ValueError("a NUL character, which PostgreSQL refuses")
    if kind is str:
        return part
    time = datetime.fromisoformat(part)
    if time.tzinfo is None:
        raise ValueError("a time without a zone")
    return time.astimezone(UTC)
