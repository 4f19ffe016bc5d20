"""What the images of a process's versions consist of: packaged ones were built here, not pushed."""

from collections.abc import Collection

from au2.app.image_contents import ImageContents
from au2.stores.database.content.roots import list_version_tags
from au2.stores.database.database import Database
from au2.stores.database.versions import list_images


class VersionImages:
    """Finds images and blobs of processes."""

    def __init__(self, database: Database, contents: ImageContents) -> None:
        self._database = database
        self._contents = contents

    def has_image(self, process_id: str, digest: str) -> bool:
        """Whether this is an image of one of the process's versions."""
        return bool(self.find_images(process_id, {digest}))

    def find_images(self, process_id: str, digests: Collection[str]) -> set[str]:
        """Those that are images of the process's versions, on whatever platform."""
        if not digests:
            return set()
        found = set(digests).intersection(self._list_images(process_id))
        rest = set(digests) - found
        indexes = self._list_indexes(process_id) if rest else ()
        return found | self._contents.find(indexes, rest).keys()

    def find_blobs(self, process_id: str, digests: Collection[str]) -> dict[str, int]:
        """Sizes in bytes of those that are configurations or layers of one of the versions."""
        # The newest is what is asked for most.
        return self._contents.find(self._list_images(process_id) if digests else (), digests)

    def _list_indexes(self, process_id: str) -> list[str]:
        """What the versions were pushed with, if that is not just their image."""
        with self._database.read() as transaction:
            return list_version_tags(transaction, process_id)

    def _list_images(self, process_id: str) -> list[str]:
        with self._database.read() as transaction:
            return list_images(transaction, process_id)
