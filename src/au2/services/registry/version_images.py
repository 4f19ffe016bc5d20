"""What the images of a process's versions consist of: packaged ones were built here, not pushed."""

import threading
from collections import OrderedDict
from collections.abc import Collection

from au2.blobs.base import BlobStore
from au2.domain.errors import BlobMissing, InvalidImage
from au2.oci.document import MAX_DOCUMENT_BYTES
from au2.oci.pointers import parse_pointers
from au2.storage.database import Database
from au2.storage.versions import list_images

_MOST_IMAGES = 4096


class VersionImages:
    """Finds blobs in them. An image never changes, so what is in it is looked up once."""

    def __init__(self, database: Database, blobs: BlobStore) -> None:
        self._database = database
        self._blobs = blobs
        self._sizes: OrderedDict[str, dict[str, int]] = OrderedDict()
        self._lock = threading.Lock()

    def has_image(self, process_id: str, digest: str) -> bool:
        """Whether this is the image of one of the process's versions."""
        return digest in self._list_images(process_id)

    def find_blobs(self, process_id: str, digests: Collection[str]) -> dict[str, int]:
        """Sizes in bytes of those that are configurations or layers of one of the versions."""
        found: dict[str, int] = {}
        wanted = set(digests)
        # The newest is what is asked for most.
        for image in self._list_images(process_id) if wanted else ():
            sizes = self._sizes_of(image)
            here = wanted & sizes.keys()
            found |= {digest: sizes[digest] for digest in here}
            wanted -= here
            if not wanted:
                break
        return found

    def _list_images(self, process_id: str) -> list[str]:
        with self._database.read() as transaction:
            return list_images(transaction, process_id)

    def _sizes_of(self, image: str) -> dict[str, int]:
        with self._lock:
            if image in self._sizes:
                self._sizes.move_to_end(image)
                return self._sizes[image]
        try:
            data = self._blobs.read_bytes(image, limit_bytes=MAX_DOCUMENT_BYTES)
            sizes = {blob.digest: blob.size_bytes for blob in parse_pointers(data).blobs}
        except (BlobMissing, InvalidImage):
            return {}  # Damaged: not remembered, it may be mended.
        with self._lock:
            self._sizes[image] = sizes
            while len(self._sizes) > _MOST_IMAGES:
                self._sizes.popitem(last=False)
        return sizes
