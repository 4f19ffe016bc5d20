"""Looking at what images and rows need: is it there, and of the right size?"""

from dataclasses import dataclass, replace

from au2.app.maintenance.fsck.blob_check import is_damaged
from au2.app.maintenance.fsck.findings import Finding
from au2.domain.errors import Au2Error, BlobMissing, InvalidImage
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.oci.spec.manifest import Descriptor
from au2.oci.spec.media_types import COMPRESSED_LAYERS
from au2.oci.spec.registry_manifest import ReferencedDescriptors, parse_referenced
from au2.stores.content.protocol import Provider
from au2.stores.database.content.roots import ImageRoot, RootKind


@dataclass(frozen=True, slots=True)
class ImageIntegrity:
    """Adds to the findings about blobs who is hit, and what is missing."""

    blobs: Provider
    findings: dict[str, Finding]
    """By digest."""

    def look_at(self, root: ImageRoot) -> None:
        """Check one image: its manifest, what that points to, and the images of an index."""
        waiting, seen = [root], {root.digest}
        while waiting:
            image = waiting.pop()
            # Each once, and in no recursion: indexes may name indexes, as often and as deep as
            # whoever pushes them likes.
            children = dict.fromkeys(self._look_at_one(image))
            # An index may name images that were never sent. Of those that were, all must be there.
            waiting += [
                replace(image, digest=child, must_be_whole=False)
                for child in children
                if child not in seen
            ]
            seen.update(children)

    def _look_at_one(self, root: ImageRoot) -> list[str]:
        """Check one manifest or index; return the digests of what an index names."""
        pointers = self._read(root)
        if pointers is None:
            self._hit(root.digest, root.owner, root.kind)
            return []
        for descriptor in pointers.blobs:
            if not root.is_run and self._is_untrue(descriptor):
                continue
            self.look_at_blob(descriptor.digest, descriptor.size_bytes, root.owner, root.kind)
            if descriptor.media_type in COMPRESSED_LAYERS and descriptor.digest in self.findings:
                self.findings[descriptor.digest].is_compressed = True
        return [child.digest for child in pointers.manifests]

    def look_at_blob(self, digest: str, size_bytes: int, owner: str, kind: RootKind) -> None:
        """Check one blob that ``owner`` needs."""
        if digest not in self.findings:
            self._compare_size(digest, size_bytes)
        self._hit(digest, owner, kind)
        holder = self.blobs.find_compressed(digest)
        if holder is not None:
            self._hit(holder, owner, kind)
            if holder in self.findings:
                self.findings[holder].is_compressed = True

    def _is_untrue(self, descriptor: Descriptor) -> bool:
        """Whether what was pushed states a wrong size of a blob that is sound.

        That was taken once. The digest is right, so the blob is: it may be somebody else's.
        """
        digest = descriptor.digest
        if digest in self.findings:
            return False
        try:
            is_other = self.blobs.size_bytes(digest) != descriptor.size_bytes
        except BlobMissing:
            return False
        return is_other and not is_damaged(self.blobs, digest)

    def _read(self, root: ImageRoot) -> ReferencedDescriptors | None:
        if root.digest in self.findings:
            return None
        try:
            data = self.blobs.read_bytes(root.digest, limit_bytes=MAX_DOCUMENT_BYTES)
            return parse_referenced(data)
        except BlobMissing:
            if root.must_be_whole:
                self._find(root.digest, "missing", is_missing=True)
        except InvalidImage as error:
            if not root.is_run:
                # Just as it was pushed; nonsense, but there is nothing to mend.
                return ReferencedDescriptors((), ())
            self._find(root.digest, f"damaged: {error.message}")
        except Au2Error as error:
            self._find(root.digest, f"damaged: {error.message}")
        except OSError as error:
            self._find(root.digest, f"can't be read: {error.strerror or error}")
        return None

    def _compare_size(self, digest: str, size_bytes: int) -> None:
        try:
            found_bytes = self.blobs.size_bytes(digest)
        except BlobMissing:
            self._find(digest, "missing", is_missing=True)
            return
        if found_bytes != size_bytes:
            self._find(digest, f"damaged: it has {found_bytes} bytes, not {size_bytes} bytes")

    def _find(self, digest: str, problem: str, *, is_missing: bool = False) -> None:
        self.findings.setdefault(digest, Finding(digest, problem, is_missing))

    def _hit(self, digest: str, owner: str, kind: RootKind) -> None:
        if digest in self.findings:
            self.findings[digest].hits.setdefault(owner, kind)
