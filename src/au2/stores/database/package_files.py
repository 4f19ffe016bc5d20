"""Which blobs are files of packages, and layers of dependencies, and who needs them."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import and_, select

from au2.domain.version import ImageStatus
from au2.stores.database.database import Transaction
from au2.stores.database.roots import RootKind
from au2.stores.database.tables import dependency_layers, processes, uploads, versions

_FILE_LISTS_AT_ONCE = 20
"""Each may name a hundred thousand files."""


@dataclass(frozen=True, slots=True)
class NeededBlob:
    """A blob that is needed by itself."""

    kind: RootKind
    digest: str
    size_bytes: int
    owner: str
    """Who needs it, for people."""


def list_package_files(transaction: Transaction) -> Iterator[NeededBlob]:
    """The files of all packages that were built: whatever was needed for that has come."""
    query = (
        select(uploads.c.files, versions.c.number, processes.c.id, processes.c.name)
        .join(
            versions,
            and_(
                versions.c.process_id == uploads.c.process_id,
                versions.c.number == uploads.c.version_number,
            ),
        )
        .join(processes, processes.c.id == versions.c.process_id)
        .where(
            versions.c.image_status == ImageStatus.AVAILABLE.value,
            versions.c.deleted_at.is_(None),
            processes.c.deleted_at.is_(None),
        )
    )
    rows = transaction.execute(query, execution_options={"yield_per": _FILE_LISTS_AT_ONCE})
    for row in rows:
        owner = f"files of version {row.number} of the process '{row.name}' ({row.id})"
        for file in row.files:
            if file["type"] == "file":
                digest = f"sha256:{file['sha256']}"
                yield NeededBlob(RootKind.CONTENTS, digest, file["size_bytes"], owner)


def list_dependency_layers(transaction: Transaction) -> Iterator[NeededBlob]:
    """All layers of dependencies that are kept for later builds."""
    rows = transaction.execute(
        select(
            dependency_layers.c.key,
            dependency_layers.c.layer_digest,
            dependency_layers.c.size_bytes,
        )
    )
    for row in rows:
        owner = f"dependencies kept as {row.key}"
        yield NeededBlob(RootKind.DEPENDENCIES, row.layer_digest, row.size_bytes, owner)
