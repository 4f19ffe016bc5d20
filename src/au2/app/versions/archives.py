"""Download of versions: the image as an archive, the package as its files."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, cast

from au2.app.lookup import find_version_upload, get_process_version
from au2.app.versions.choice import ensure_available
from au2.domain.accounts.identity import Action, Actor
from au2.domain.errors import BlobMissing, InvalidRequest
from au2.domain.jobs.container_contract import PACKAGE_DIRECTORY
from au2.domain.processes.repository import process_repository
from au2.domain.processes.upload import PackageUpload
from au2.domain.processes.version import Process, Version, VersionType
from au2.oci.archive.writer import docker_archive_entries, without_zstd
from au2.oci.spec.digest import VerifyingReader
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.oci.spec.image import Image
from au2.oci.tar.layer import LayerMember, read_layer
from au2.oci.tar.writer import (
    LayerEntry,
    directory_entry,
    file_entry,
    format_layer,
    link_entry,
    measure_layer,
)
from au2.package.tree.entries import PackageEntry, mode_of
from au2.stores.content.images import load_image
from au2.stores.content.protocol import Provider
from au2.stores.database.database import Database
from au2.wire.upload import FileEntry

_GONE_HINT = "Tell the server's operator: au2-server fsck shows what is damaged."


@dataclass(frozen=True, slots=True)
class OpenArchive:
    """A tar archive produced while a client reads."""

    entries: Sequence[LayerEntry]
    size_bytes: int
    close: Callable[[], None] = lambda: None
    """Closes files opened by reading the entries."""
    unpacks: bool = False
    """Whether blobs are decompressed for it (:mod:`au2.app.registry.blobs`)."""

    def blocks(self) -> Generator[bytes, None, None]:
        """Yield the archive. Nothing is read ahead, so memory stays flat for slow readers."""
        try:
            yield from format_layer(self.entries)
        finally:
            self.close()


class VersionArchives:
    """Archives of versions.

    Calls raise NotFound for a foreign or missing version, Conflict for a version without an image,
    and BlobMissing where the store has lost a part.
    """

    def __init__(self, database: Database, blobs: Provider) -> None:
        self._database = database
        self._blobs = blobs

    def open_image(self, actor: Actor, process_id: str, number: int, server: str) -> OpenArchive:
        """Return the image as an archive for ``docker load``.

        Args:
            actor: with permission to see the process.
            process_id: GUID.
            number: of the version.
            server: host and port, for the image's name (specification, section 7).
        """
        process, version = self._find(actor, process_id, number)
        image = self._load(version)
        loadable, manifest = without_zstd(image, self._blobs.size_bytes)
        self._ensure_there(loadable)
        if manifest is None:
            manifest = self._blobs.read_bytes(image.manifest_digest, limit_bytes=MAX_DOCUMENT_BYTES)
        repository = process_repository(process.context.organization_id, process.id)
        tag = f"{server}/{repository}:{version.number}"
        entries = docker_archive_entries(loadable, manifest, self._blobs, tag)
        unpacks = self._are_unpacked(blob.digest for blob in loadable.manifest.layers)
        return OpenArchive(entries, measure_layer(entries), unpacks=unpacks)

    def list_files(self, actor: Actor, process_id: str, number: int) -> list[FileEntry]:
        """Return the files of a packaged version, as uploaded, by path.

        Raises:
            InvalidRequest: the version was not made of a package.
        """
        version = self._find_packaged(actor, process_id, number)
        return sorted(self._files_of(version), key=lambda file: file.path)

    def open_package(self, actor: Actor, process_id: str, number: int) -> OpenArchive:
        """Return a packaged version as uploaded: bytes, modes, links, empty folders.

        Contents collected from the store are read out of the image.

        Raises:
            InvalidRequest: the version was not made of a package.
        """
        version = self._find_packaged(actor, process_id, number)
        files = self._files_of(version)
        if self._has_contents(files):
            entries = [_entry(file, self._open_content) for file in files]
            # A file of a package may equal the content of another project's compressed layer.
            unpacks = self._are_unpacked(f"sha256:{file.sha256}" for file in files if file.sha256)
            return OpenArchive(entries, measure_layer(entries), unpacks=unpacks)
        digest = self._load(version).manifest.layers[-1].digest
        layer = LayerContents(self._blobs, digest)
        entries = [_entry(file, layer.open) for file in files]
        unpacks = self._are_unpacked([digest])
        return OpenArchive(entries, measure_layer(entries), layer.close, unpacks)

    def _are_unpacked(self, digests: Iterable[str]) -> bool:
        return any(self._blobs.find_compressed(digest) is not None for digest in digests)

    def _find(self, actor: Actor, process_id: str, number: int) -> tuple[Process, Version]:
        with self._database.read() as transaction:
            process, version = get_process_version(
                transaction, actor, Action.VIEW_PROCESS, process_id, number
            )
        ensure_available(process, version)
        return process, version

    def _find_packaged(self, actor: Actor, process_id: str, number: int) -> Version:
        _, version = self._find(actor, process_id, number)
        if version.type is not VersionType.PACKAGED:
            raise InvalidRequest(
                f"Version {number} was not made of a package: it is an image, without source.",
                hint="Download the image itself: leave out --package.",
            )
        return version

    def _load(self, version: Version) -> Image:
        if version.image_digest is None:
            raise BlobMissing(hint=_GONE_HINT)
        return load_image(self._blobs, version.image_digest)

    def _ensure_there(self, image: Image) -> None:
        """Check all layers before the first byte goes out: later errors can only break off."""
        for blob in image.manifest.layers:
            if not self._blobs.lease(blob.digest):
                raise BlobMissing(f"The layer {blob.digest} is gone.", hint=_GONE_HINT)

    def _files_of(self, version: Version) -> list[FileEntry]:
        with self._database.read() as transaction:
            upload = find_version_upload(transaction, version)
        if not isinstance(upload, PackageUpload):
            raise BlobMissing("Which files were uploaded is not known any more.", hint=_GONE_HINT)
        return [FileEntry(**document) for document in upload.files]

    def _has_contents(self, files: Sequence[PackageEntry]) -> bool:
        wanted = {file.sha256 for file in files if file.size_bytes}
        return all(self._blobs.lease(f"sha256:{sha256}") for sha256 in wanted)

    def _open_content(self, file: PackageEntry) -> BinaryIO:
        return self._blobs.open(f"sha256:{file.sha256}")


def _entry(file: PackageEntry, open_content: Callable[[PackageEntry], BinaryIO]) -> LayerEntry:
    if file.type == "link":
        return link_entry(file.path, file.target)
    if file.type == "folder":
        return directory_entry(file.path, mode=mode_of(file))
    content = partial(open_content, file) if file.size_bytes else None
    return file_entry(file.path, file.size_bytes, content, mode=mode_of(file))


_PREFIX = f"{PACKAGE_DIRECTORY.strip('/')}/"


class LayerContents:
    """Single pass over a package's layer, front to end.

    Contents must be asked for in the order of :func:`au2.oci.tar.writer.format_layer`, which is the
    order of the layer too; files added by the builder are skipped.
    """

    def __init__(self, blobs: Provider, layer_digest: str) -> None:
        self._blobs = blobs
        self._layer_digest = layer_digest
        self._layer: BinaryIO | None = None
        self._members: Iterator[LayerMember] = iter(())

    def open(self, entry: PackageEntry) -> BinaryIO:
        """Open the content of a file, verified by the file's digest while read.

        Raises:
            BlobMissing: the layer is missing, or lacks the file.
        """
        if self._layer is None:
            self._layer = self._blobs.open(self._layer_digest)
            self._members = read_layer(self._layer)
        wanted = _PREFIX + entry.path
        for member in self._members:
            if member.path == wanted and member.content is not None:
                found = VerifyingReader(member.content, f"sha256:{entry.sha256}", entry.size_bytes)
                return cast(BinaryIO, found)
        raise BlobMissing(f"'{entry.path}' is not in the package's layer {self._layer_digest}")

    def close(self) -> None:
        """Close the layer. Idempotent."""
        layer, self._layer = self._layer, None
        if layer is not None:
            with suppress(OSError):
                layer.close()
