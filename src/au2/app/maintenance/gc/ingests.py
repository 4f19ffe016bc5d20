"""Bytes that are no blob yet: which are on their way, and which nobody goes on with."""

from dataclasses import dataclass
from datetime import datetime

from au2.domain.ids import is_guid
from au2.stores.content.protocol import Ingest
from au2.stores.database.content import repositories, uploads
from au2.stores.database.database import Database

ENDED = "its upload has ended"
QUIET = "nothing was added to it"
UNDER_WAY = "an upload under way"
YOUNG = "younger than the grace time"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of unfinished bytes."""

    goes: bool
    why: str


class IngestPolicy:
    """Judges unfinished bytes by the uploads under way as of now.

    A blob in pieces is named after what it belongs to: a registry client's by its upload's id, one
    of an image's by the id of its process, followed by more. Whoever begins an upload writes its
    row first, so who lists the pieces before making this misses none; and who goes on with pieces
    that are gone is told so, and sends them again.
    """

    def __init__(
        self, database: Database, at: datetime, *, now: float, grace_seconds: float
    ) -> None:
        """``at`` is the database's time, ``now`` the file system's, in seconds since the epoch."""
        self._oldest = now - grace_seconds
        with database.read() as transaction:
            self._under_way = {
                *repositories.list_blob_upload_ids(transaction),
                *uploads.list_receiving_processes(transaction, at=at),
            }

    def judge(self, found: Ingest) -> Verdict:
        """Say whether it goes, and why."""
        is_quiet = found.changed_at < self._oldest
        owner = None if found.part is None else found.part.partition("_")[0]
        if owner in self._under_way and not is_quiet:
            return Verdict(goes=False, why=UNDER_WAY)
        if owner is not None and is_guid(owner) and owner not in self._under_way:
            return Verdict(goes=True, why=ENDED)
        return Verdict(goes=is_quiet, why=QUIET if is_quiet else YOUNG)
