"""Candidates: the images of an archive, from its OCI image layout and Docker's list.

``index.json`` of a layout points to manifests or to further indexes, by digests; their bytes are in
``blobs/sha256/`` (OCI image specification, "Image Layout"). Builders add attestations, which look
like images for the platform unknown/unknown (BuildKit, "Image attestation storage").

Newer Docker writes ``manifest.json`` and a layout into one archive. The layout counts, since it has
the image's manifest and so its digest; Docker's list fills the gaps: the layout of Docker 25.0 has
manifests without layers, that of some releases after 25.0 has layers in any order, and images
without a tag were left out of ``index.json`` (moby, ``image/tarexport/save.go``).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from au2.domain.errors import InvalidImage
from au2.oci.archive import diagnostics
from au2.oci.archive.contents import ArchiveContents, blob_path
from au2.oci.spec import media_types
from au2.oci.spec.document import Fields, parse_document, parse_list
from au2.oci.spec.index import IndexEntry, parse_entries
from au2.oci.spec.manifest import MAX_LAYERS, Descriptor, parse_descriptor
from au2.oci.spec.reference import familiar_name, names_by_annotations

LAYOUT_INDEX = "index.json"
_DEEPEST = 3
"""Indexes below index.json: builders make one."""
_MOST_ENTRIES = 1000


class LayoutImage(NamedTuple):
    """A manifest in the layout, with its entry of ``index.json``."""

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


DOCKER_LIST = "manifest.json"
_MOST_IMAGES = 1000


class ListedImage(NamedTuple):
    """An image of the list. Paths are as written: neither clean nor known to be there."""

    config_path: str
    names: tuple[str, ...]
    layer_paths: tuple[str, ...]
    """Lowest first."""


def parse_docker_list(data: bytes) -> tuple[ListedImage, ...]:
    """Return the images of a ``manifest.json``.

    Raises:
        InvalidImage: too large, malformed, or with too many images or layers.
    """
    entries = parse_list(data, DOCKER_LIST)
    if len(entries) > _MOST_IMAGES:
        raise InvalidImage(f"the archive has {len(entries)} images; the limit is {_MOST_IMAGES}")
    return tuple(_parse_image(entry) for entry in entries)


def _parse_image(fields: Fields) -> ListedImage:
    layers = fields.texts("Layers")
    if len(layers) > MAX_LAYERS:
        raise InvalidImage(f"the image has {len(layers)} layers; the limit is {MAX_LAYERS}")
    return ListedImage(
        fields.text("Config"),
        tuple(familiar_name(name) for name in fields.texts("RepoTags")),
        layers,
    )


_DIGITS = re.compile(r"[0-9a-f]{64}")


class Candidate(NamedTuple):
    """An image of one platform, possibly the chosen one."""

    names: tuple[str, ...]
    root: str
    """What it was found by: candidates with the same are one image for several platforms."""
    config_path: str
    entry: IndexEntry | None
    """What points to its manifest; None: it has none."""
    listed: ListedImage | None
    """What ``manifest.json`` says of it."""

    @property
    def digests(self) -> tuple[str, ...]:
        """Other names: digests of configuration, manifest and index."""
        manifest = (self.entry.descriptor.digest,) if self.entry else ()
        digits = _DIGITS.search(self.config_path)
        config = (f"sha256:{digits[0]}",) if digits else ()
        return (*config, *manifest, self.root)

    @property
    def label(self) -> str:
        """Name in messages."""
        return ", ".join(self.names) or self.digests[0]


def find_candidates(contents: ArchiveContents) -> tuple[Candidate, ...]:
    """Return the images of the archive; at least one.

    Raises:
        InvalidImage: there is none, or a list of them is damaged.
    """
    if not contents.has(LAYOUT_INDEX) and not contents.has(DOCKER_LIST):
        raise diagnostics.no_image(contents.top_names)
    listed = _listed_images(contents)
    found: list[Candidate] = []
    for image in find_images(contents) if contents.has(LAYOUT_INDEX) else ():
        config = _find_config(contents, image)
        if config is not None:
            path = blob_path(config.digest)
            # Another manifest may have had the same configuration.
            earlier = (one.listed for one in found if one.config_path == path)
            also = listed.pop(path, None) or next(earlier, None)
            names = image.names or (also.names if also else ())
            found.append(Candidate(names, image.root_digest, path, image.entry, also))
    for path, one in listed.items():
        found.append(Candidate(one.names, path, path, None, one))
    if not found:
        raise InvalidImage("the archive has no image in it, only lists of images that are not here")
    return tuple(found)


def _listed_images(contents: ArchiveContents) -> dict[str, ListedImage]:
    """Return the images of Docker's list by configuration, each image once."""
    if not contents.has(DOCKER_LIST):
        return {}
    listed: dict[str, ListedImage] = {}
    for image in parse_docker_list(contents.document(DOCKER_LIST, "list of images")):
        names = listed[image.config_path].names if image.config_path in listed else ()
        together = tuple(dict.fromkeys((*names, *image.names)))
        listed[image.config_path] = image._replace(names=together)
    return listed


def _find_config(contents: ArchiveContents, image: LayoutImage) -> Descriptor | None:
    """Return the configuration's descriptor, or None for a manifest of another kind."""
    data = contents.document(blob_path(image.entry.descriptor.digest), "manifest")
    config = parse_descriptor(parse_document(data, "manifest").member("config"))
    return config if config.media_type in media_types.CONFIGS else None
