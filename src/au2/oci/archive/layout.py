"""The images of an OCI image layout (OCI image specification, "Image Layout").

``index.json`` points to manifests or to further indexes, by digests; their bytes are in
``blobs/sha256/``. Builders add attestations, which look like images for the platform
unknown/unknown (BuildKit, "Image attestation storage").
"""

from collections.abc import Iterator
from typing import NamedTuple

from au2.domain.errors import InvalidImage
from au2.oci.archive.contents import ArchiveContents, blob_path
from au2.oci.archive.names import familiar_name, names_by_annotations
from au2.oci.spec import media_types
from au2.oci.spec.index import IndexEntry, parse_entries

LAYOUT_INDEX = "index.json"
_DEEPEST = 3
"""Indexes below index.json: builders make one."""
_MOST_ENTRIES = 1000


class LayoutImage(NamedTuple):
    """A manifest that the layout holds, and what led to it."""

    entry: IndexEntry
    names: tuple[str, ...]
    """Of the entry of index.json: all platforms of an image have them in common."""
    root_digest: str
    """What that entry points to: the manifest, or the index that it is in."""


def find_images(contents: ArchiveContents) -> tuple[LayoutImage, ...]:
    """Return the images whose manifests are in the archive.

    An index may point to images for other platforms whose bytes were left out.

    Raises:
        InvalidImage: an index is damaged, or there are too many or too deep ones.
    """
    roots: dict[str, IndexEntry] = {}
    names: dict[str, list[str]] = {}
    for entry in parse_entries(contents.document(LAYOUT_INDEX, "index")):
        digest = entry.descriptor.digest
        roots.setdefault(digest, entry)
        name = names_by_annotations(entry.descriptor.annotations)
        if name is not None:
            names.setdefault(digest, []).append(familiar_name(name))
    found: list[LayoutImage] = []
    visited: set[str] = set()
    for digest, root in roots.items():
        for entry in _find_manifests(contents, root, visited, _DEEPEST):
            found.append(LayoutImage(entry, tuple(names.get(digest, ())), digest))
            if len(found) > _MOST_ENTRIES:
                raise InvalidImage(f"the archive has more than {_MOST_ENTRIES} images")
    return tuple(found)


def _find_manifests(
    contents: ArchiveContents, entry: IndexEntry, visited: set[str], depth: int
) -> Iterator[IndexEntry]:
    descriptor = entry.descriptor
    path = blob_path(descriptor.digest)
    if not contents.has(path) or entry.is_attestation:
        return
    if descriptor.media_type in media_types.MANIFESTS:
        yield entry
    elif descriptor.media_type in media_types.INDEXES and descriptor.digest not in visited:
        # Once each: a few indexes that point to each other's would make a walk without end.
        visited.add(descriptor.digest)
        if not depth:
            raise InvalidImage("the archive has indexes in indexes, too many levels deep")
        for below in parse_entries(contents.document(path, "index")):
            yield from _find_manifests(contents, below, visited, depth - 1)
