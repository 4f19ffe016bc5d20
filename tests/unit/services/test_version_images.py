"""Which blobs the versions of a process have."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from au2.services.image_contents import ImageContents
from au2.services.registry.version_images import VersionImages
from au2.storage.database import Database, Transaction
from tests.support.house import House


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


def test_all_blobs_are_looked_up_at_once(house: House, asked: list[str]) -> None:
    process, _ = house.version(house.image("first"))
    for name in ("second", "third"):
        house.version(house.image(name), process)
    other, _ = house.version(house.image("foreign"))
    images = VersionImages(house.world.database, ImageContents(house.world.blobs))
    wanted = set().union(*(house.blobs_of(house.image(name)) for name in ("first", "third")))
    layers = wanted - {house.image("first"), house.image("third")}
    missing = {f"sha256:{number:064}" for number in range(100)}
    asked.clear()

    found = images.find_blobs(process, wanted | missing)

    assert set(found) == layers
    assert found == {digest: house.world.blobs.size_bytes(digest) for digest in layers}
    assert asked == ["read"]
    assert images.find_blobs(other, layers) == {}
