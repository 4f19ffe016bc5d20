"""Which blobs the versions of a process have."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from au2.app.registry.images import ImageBlobs
from au2.domain.errors import NotFound
from au2.domain.processes.repository import process_repository
from au2.oci.spec import media_types
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.document import format_document
from au2.oci.spec.manifest import Descriptor
from au2.stores.database.database import Database, Transaction
from tests.support.images.stored_images import StoredImages


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with each transaction."""
    found: list[str] = []
    read = Database.read

    @contextmanager
    def counted(database: Database) -> Iterator[Transaction]:
        found.append("read")
        with read(database) as transaction:
            yield transaction

    monkeypatch.setattr(Database, "read", counted)
    return found


def test_all_blobs_are_looked_up_at_once(stored_images: StoredImages, asked: list[str]) -> None:
    process, _ = stored_images.version(stored_images.image("first"))
    for name in ("second", "third"):
        stored_images.version(stored_images.image(name), process)
    other, _ = stored_images.version(stored_images.image("foreign"))
    images = ImageBlobs(stored_images.backend.database, stored_images.backend.blobs)
    wanted = set().union(
        *(stored_images.blobs_of(stored_images.image(name)) for name in ("first", "third"))
    )
    layers = wanted - {stored_images.image("first"), stored_images.image("third")}
    missing = {f"sha256:{number:064}" for number in range(100)}
    asked.clear()

    found = images.find_blobs(process, wanted | missing)

    assert set(found) == layers
    assert found == {digest: stored_images.backend.blobs.size_bytes(digest) for digest in layers}
    assert asked == ["read"]
    assert images.find_blobs(other, layers) == {}


def test_the_images_of_an_index_are_looked_up_at_once(
    stored_images: StoredImages, asked: list[str]
) -> None:
    process, _ = stored_images.version(stored_images.image("first"))
    second = stored_images.image("second")
    stored_images.version(second, process)
    services = stored_images.backend.services
    repository = process_repository(stored_images.context.organization_id, process)

    def push(children: list[str], name: str = "") -> str:
        data = _make_index(children, name)
        asked.clear()
        return services.repository_manifests.put(
            stored_images.actor, repository, sha256_of(data), data, media_types.INDEX
        ).digest

    pushed = [push([second], name) for name in "abcdefgh"]
    few = len(asked)
    push([stored_images.image("first"), second, *pushed] * 100)
    assert len(asked) == few


def test_an_index_waits_for_each_of_its_images(stored_images: StoredImages) -> None:
    process, _ = stored_images.version(stored_images.image("first"))
    repository = process_repository(stored_images.context.organization_id, process)
    lacking = stored_images.image("never pushed")
    data = _make_index([stored_images.image("first"), lacking])
    with pytest.raises(NotFound, match=lacking):
        stored_images.backend.services.repository_manifests.put(
            stored_images.actor, repository, sha256_of(data), data, media_types.INDEX
        )


def _make_index(children: list[str], name: str = "") -> bytes:
    return format_document(
        {
            "schemaVersion": 2,
            "mediaType": media_types.INDEX,
            "manifests": [
                Descriptor(media_types.MANIFEST, child, 1).to_document() for child in children
            ],
            "annotations": {"name": name},
        }
    )
