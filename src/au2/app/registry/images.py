"""Blobs and manifests of images, looked up by the images' digests and cached."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping

from au2.domain.errors import BlobMissing, InvalidImage
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.oci.spec.registry_manifest import parse_referenced
from au2.stores.content.protocol import Provider
from au2.stores.database.content.roots import list_version_tags
from au2.stores.database.database import Database
from au2.stores.database.versions import list_images

_MOST_IMAGES = 4096


class ImageContents:
    """Finds blobs in images, by the digests of their manifests."""

    def __init__(self, blobs: Provider) -> None:
        self._blobs = blobs
        self._sizes: OrderedDict[str, Mapping[str, int]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, images: Iterable[str], digests: Collection[str]) -> dict[str, int]:
        """Sizes in bytes of those blobs that are configurations or layers of one of the images.

        Of an index: of those manifests that it lists.
        """
        found: dict[str, int] = {}
        wanted = set(digests)
        for image in images if wanted else ():
            sizes = self._sizes_of(image)
            here = wanted & sizes.keys()
            found |= {digest: sizes[digest] for digest in here}
            wanted -= here
            if not wanted:
                break
        return found

    def _sizes_of(self, image: str) -> Mapping[str, int]:
        with self._lock:
            if image in self._sizes:
                self._sizes.move_to_end(image)
                return self._sizes[image]
        try:
            data = self._blobs.read_bytes(image, limit_bytes=MAX_DOCUMENT_BYTES)
            found = parse_referenced(data)
            sizes = {one.digest: one.size_bytes for one in (*found.blobs, *found.manifests)}
        except (BlobMissing, InvalidImage):
            return {}  # Damaged: not cached, a repair may follow.
        with self._lock:
            self._sizes[image] = sizes
            while len(self._sizes) > _MOST_IMAGES:
                self._sizes.popitem(last=False)
        return sizes


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
