"""Cleanup of stale rows: rows about blobs and uploads that are gone."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime

from au2.domain.errors import StorageFull
from au2.stores.database.content import stale_rows as forgetting
from au2.stores.database.content.stale_rows import BlobRow
from au2.stores.database.database import Database, Transaction

_AT_ONCE = 5000
"""Rows in one transaction: other writers wait meanwhile, and each deletion reads all uploads."""

logger = logging.getLogger(__name__)

_ListPage = Callable[[Transaction, tuple[str, ...] | None], list[BlobRow]]
_DeleteRows = Callable[[Transaction, list[BlobRow]], int]


class StaleRowCleanup:
    """Cleanup of rows, page by page: the store is asked between transactions, not inside."""

    def __init__(
        self, database: Database, since: datetime, begun_at: datetime, *, plan: bool
    ) -> None:
        self._database = database
        self._since = since
        self._begun_at = begun_at
        self._plan = plan
        self._cleared = 0

    def clear(self, *, is_gone: Callable[[str], bool], has_bytes: Callable[[str], bool]) -> int:
        """Delete stale rows, or count them; return their number.

        On a full disk the rows stay until the next run: they do no harm.

        Args:
            is_gone: whether a blob is gone, by its digest.
            has_bytes: whether a resumable ingest exists, by its name.
        """
        try:
            self._clear_pages(forgetting.list_content_rows, self._delete_contents, is_gone)
            self._clear_pages(
                forgetting.list_repository_rows, forgetting.delete_repository_rows, is_gone
            )
            with self._database.read() as transaction:
                layers = forgetting.list_dependency_rows(transaction)
            gone = [row for row in layers if is_gone(row.digest)]
            self._delete(gone, forgetting.delete_dependency_rows)
            self._clear_uploads(has_bytes)
            self._clear_left()
        except StorageFull as error:
            logger.warning("stale rows stay until the next run: %s", error.message)
        return self._cleared

    def _clear_pages(
        self, list_page: _ListPage, delete: _DeleteRows, is_gone: Callable[[str], bool]
    ) -> None:
        gone: list[BlobRow] = []
        for rows in self._pages(list_page):
            gone += [row for row in rows if is_gone(row.digest)]
            if len(gone) >= _AT_ONCE:
                self._delete(gone, delete)
                gone = []
        self._delete(gone, delete)

    def _pages(self, list_page: _ListPage) -> Iterator[list[BlobRow]]:
        after: tuple[str, ...] | None = None
        while True:
            with self._database.read() as transaction:
                rows = list_page(transaction, after)
            if not rows:
                return
            yield rows
            after = rows[-1].key

    def _delete(self, rows: list[BlobRow], delete: _DeleteRows) -> None:
        if self._plan:
            self._cleared += len(rows)
        elif rows:
            # Not durable: a deletion lost in a power cut is made again.
            with self._database.write(durable=False) as transaction:
                self._cleared += delete(transaction, rows)

    def _delete_contents(self, transaction: Transaction, rows: list[BlobRow]) -> int:
        return forgetting.delete_content_rows(transaction, rows, since=self._begun_at)

    def _clear_uploads(self, has_bytes: Callable[[str], bool]) -> None:
        with self._database.read() as transaction:
            old = forgetting.list_old_blob_uploads(transaction, since=self._since)
        left = [upload_id for upload_id in old if not has_bytes(upload_id)]
        if self._plan:
            self._cleared += len(left)
            return
        with self._database.write(durable=False) as transaction:
            self._cleared += forgetting.delete_blob_uploads(transaction, left)

    def _clear_left(self) -> None:
        if self._plan:
            with self._database.read() as transaction:
                self._cleared += forgetting.count_left_rows(transaction, since=self._since)
            return
        with self._database.write(durable=False) as transaction:
            self._cleared += forgetting.delete_left_rows(transaction, since=self._since)
