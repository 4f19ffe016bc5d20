"""What images consist of: an image never changes, so that is looked up once."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping

from au2.domain.errors import BlobMissing, InvalidImage
from au2.oci.document import MAX_DOCUMENT_BYTES
from au2.oci.pointers import parse_pointers
from au2.stores.content.base import BlobStore

_MOST_IMAGES = 4096


class ImageContents:
    """Finds blobs in images, by the digests of their manifests."""

    def __init__(self, blobs: BlobStore) -> None:
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
            found = parse_pointers(data)
            sizes = {one.digest: one.size_bytes for one in (*found.blobs, *found.manifests)}
        except (BlobMissing, InvalidImage):
            return {}  # Damaged: not remembered, it may be mended.
        with self._lock:
            self._sizes[image] = sizes
            while len(self._sizes) > _MOST_IMAGES:
                self._sizes.popitem(last=False)
        return sizes
