"""Policy for ingests: which are under way, and which nobody resumes."""

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
    """Fate of an ingest, and its reason."""

    goes: bool
    why: str


class IngestPolicy:
    """Judges ingests by the uploads under way at the time of creation.

    Resumable ingests are named by their owner: a registry client's upload by its id, a blob of an
    image by the id of its process, followed by more. An upload's row is written before its first
    ingest, so a list of ingests made before the policy misses no upload. A client that resumes a
    removed ingest is told so, and sends the blob again.
    """

    def __init__(
        self, database: Database, at: datetime, *, now: float, grace_seconds: float
    ) -> None:
        """Read the uploads under way.

        Args:
            database: the installation's database.
            at: time of the database's clock.
            now: time of the file system's clock, in seconds since the epoch.
            grace_seconds: age of the last write after which an ingest is removed in any case.
        """
        self._oldest = now - grace_seconds
        with database.read() as transaction:
            self._under_way = {
                *repositories.list_blob_upload_ids(transaction),
                *uploads.list_receiving_processes(transaction, at=at),
            }

    def judge(self, ingest: Ingest) -> Verdict:
        """Return whether an ingest is removed, and why."""
        is_quiet = ingest.changed_at < self._oldest
        owner = None if ingest.name is None else ingest.name.partition("_")[0]
        if owner in self._under_way and not is_quiet:
            return Verdict(goes=False, why=UNDER_WAY)
        if owner is not None and is_guid(owner) and owner not in self._under_way:
            return Verdict(goes=True, why=ENDED)
        return Verdict(goes=is_quiet, why=QUIET if is_quiet else YOUNG)
