"""Manifests and tags of repositories: pull, push, deletion and lists."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from au2.app.registry.access import (
    ensure_may_use,
    find_tagged_version,
    is_digest_reference,
    parse_version_tag,
    reads_as_digest,
    resolve_tag,
)
from au2.app.registry.blobs import RepositoryBlobs
from au2.app.registry.images import ImageBlobs
from au2.app.uploads.image_uploads import ImageUploads
from au2.domain import clock as clocks
from au2.domain.accounts.identity import Action, Actor
from au2.domain.errors import (
    Conflict,
    DigestMismatch,
    InvalidImage,
    InvalidRequest,
    NotFound,
    Unsupported,
)
from au2.domain.event import EventAction
from au2.domain.jobs.job import Job
from au2.domain.processes.repository import Repository, StoredBlob, StoredManifest
from au2.domain.processes.version import ImageStatus
from au2.oci.spec.digest import is_alias, parse_any_digest, sha256_of, sha512_of
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.oci.spec.index import choose_image, parse_index
from au2.oci.spec.manifest import Descriptor, parse_manifest
from au2.oci.spec.platform import Platform
from au2.oci.spec.registry_manifest import (
    RegistryManifest,
    media_type_of,
    parse_registry_manifest,
)
from au2.stores.content.images import load_image
from au2.stores.content.protocol import IngesterProvider
from au2.stores.database.content import repositories
from au2.stores.database.content.repositories import ReferrerPage
from au2.stores.database.database import Database, Transaction
from au2.stores.database.events import add_event
from au2.stores.database.versions import find_version, list_versions


@dataclass(frozen=True, slots=True)
class FoundManifest:
    """A manifest or index, byte for byte."""

    digest: str
    """SHA-256 digest."""
    name: str
    """Digest, or the alias that it was asked for by."""
    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class PutManifest:
    """Result of a pushed manifest."""

    digest: str
    """SHA-256 digest."""
    name: str
    """Digest, or the alias that it was pushed by."""
    subject_digest: str | None
    """As stated."""
    absent: tuple[str, ...] = ()
    """Digests or aliases, as stated, of the non-distributable layers that are absent."""
    job: Job | None = None
    """That imports it into a version; wait for its end, then :meth:`RepositoryManifests.name`."""


class RepositoryManifests:
    """Pull, push, deletion and lists of manifests and tags.

    Calls of an actor raise RepositoryUnknown for a foreign or missing repository, and NotPermitted
    for too weak a role.
    """

    def __init__(
        self,
        database: Database,
        blobs: IngesterProvider,
        images: ImageBlobs,
        repository_blobs: RepositoryBlobs,
        image_uploads: ImageUploads,
        *,
        platform: Platform,
        clock: Callable[[], datetime] = clocks.now,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._images = images
        self._repository_blobs = repository_blobs
        self._image_uploads = image_uploads
        self._platform = platform
        self._clock = clock

    # -- fetching ----------------------------------------------------------------------------

    def get(self, actor: Actor, repository: Repository, reference: str) -> FoundManifest:
        """Return a manifest by tag or digest.

        Raises:
            NotFound: the repository has no such manifest, the version has no image yet, or
                ``reference`` is neither a tag nor a digest.
        """
        with self._database.read() as transaction:
            ensure_may_use(transaction, actor, Action.PULL_IMAGE, repository)
            is_digest = reads_as_digest(repository, reference)
            name = reference if is_digest else resolve_tag(transaction, repository, reference)
            stored = (
                None if name is None else repositories.find_manifest(transaction, repository, name)
            )
        digest = name if stored is None else stored.digest
        is_known = name is not None and (not is_digest or stored is not None)
        if name is not None and not is_known and repository.process_id is not None:
            is_known = bool(self._images.find_images(repository.process_id, {name}))
        if name is None or digest is None or not is_known or not self._blobs.lease(digest):
            raise NotFound(f"{repository} has no image '{reference}'.")
        data = self._blobs.read_bytes(digest, limit_bytes=MAX_DOCUMENT_BYTES)
        media_type = media_type_of(data) if stored is None else stored.media_type
        return FoundManifest(digest, name, media_type, data)

    def list_tags(self, actor: Actor, repository: Repository) -> list[str]:
        """All tags, sorted; of a process, the numbers of versions with an image."""
        with self._database.read() as transaction:
            ensure_may_use(transaction, actor, Action.PULL_IMAGE, repository)
            if repository.process_id is None:
                return repositories.list_tags(transaction, repository)
            found = list_versions(transaction, repository.process_id)
        return sorted(
            str(version.number)
            for version in found
            if version.image_status is ImageStatus.AVAILABLE
        )

    def list_referrers(
        self,
        actor: Actor,
        repository: Repository,
        digest: str,
        *,
        artifact_type: str | None = None,
        after: str = "",
    ) -> ReferrerPage:
        """Return the next page of manifests about a subject, which may be missing.

        ``digest`` is the subject's digest or alias. Raises InvalidRequest if it is neither.
        """
        parse_any_digest(digest)
        with self._database.read() as transaction:
            ensure_may_use(transaction, actor, Action.PULL_IMAGE, repository)
            return repositories.list_referrers(
                transaction,
                repository,
                digest,
                artifact_type=artifact_type,
                after=after,
                most_bytes=MAX_DOCUMENT_BYTES,
            )

    # -- pushing -----------------------------------------------------------------------------

    def authorize_put(self, actor: Actor, repository: Repository) -> None:
        """Refuse unless the actor may push to the repository."""
        with self._database.read() as transaction:
            ensure_may_use(transaction, actor, Action.PUSH_IMAGE, repository)

    def put(
        self, actor: Actor, repository: Repository, reference: str, data: bytes, media_type: str
    ) -> PutManifest:
        """Store a manifest or index, whose referenced blobs and manifests were pushed before.

        Raises:
            InvalidImage: ``data`` is no manifest, or not one of an image where a version needs one,
                or has aliases in a process's repository.
            DigestMismatch: the manifest has another digest than ``reference``.
            NotFound: a referenced blob or manifest is missing.
            Conflict: the version accepts no image, or has another one.
            InvalidRequest: neither a tag nor a digest, or no version of the process.
        """
        with self._database.read() as transaction:
            ensure_may_use(transaction, actor, Action.PUSH_IMAGE, repository)
        manifest = parse_registry_manifest(data, media_type)
        digest, name = sha256_of(data), _verified_name(reference, data)
        is_digest = is_digest_reference(reference)
        number = None
        if repository.process_id is not None:
            _ensure_no_aliases(manifest, name)
            number = None if is_digest else parse_version_tag(reference)
        put = PutManifest(digest, name, manifest.subject_digest)
        if number is not None and self._has_it(repository, number, digest):
            self.name(actor, repository, reference, digest)
            return put
        absent = self._repository_blobs.ensure_complete(repository, manifest)
        put = replace(put, absent=absent)
        self._keep(actor, repository, manifest, put, data)
        if number is not None:
            job = self._import(
                actor, repository, number, manifest=manifest, digest=digest, data=data
            )
            return replace(put, job=job)
        if not is_digest:
            with self._database.write() as transaction:
                self._tag(transaction, actor, repository, reference, digest)
        return put

    def name(self, actor: Actor, repository: Repository, reference: str, digest: str) -> None:
        """Tag a version with its pushed manifest: the image's own, or an index around.

        The first push is answered with its digest, so a later one can't replace the tag.

        Raises:
            Conflict: an earlier push tagged another index around the same image.
        """
        with self._database.write() as transaction:
            version = find_tagged_version(transaction, repository, reference)
            tagged = repositories.find_tag(transaction, repository, reference)
            if version is None or digest == tagged:
                return
            if tagged is not None:
                raise _has_another(repository, version.number)
            self._tag(transaction, actor, repository, reference, digest)

    def delete(self, actor: Actor, repository: Repository, reference: str) -> None:
        """Delete a tag, or a manifest with both its names and all its tags.

        Blobs are left to the garbage collection.

        Raises:
            NotFound: there is no such tag or manifest.
            Unsupported: images of a process are deleted with their versions.
        """
        is_digest = is_digest_reference(reference)
        with self._database.write() as transaction:
            ensure_may_use(transaction, actor, Action.DELETE_IMAGE, repository)
            if repository.process_id is not None:
                raise Unsupported(
                    "An image of a process is deleted with its version: "
                    f"au2 process version delete {repository.process_id} NUMBER"
                )
            if is_digest:
                stored = repositories.find_manifest(transaction, repository, reference)
                digest = reference if stored is None else stored.digest
                repositories.delete_tags_of(transaction, repository, digest)
                is_gone = repositories.delete_manifest(transaction, repository, digest)
            else:
                is_gone = repositories.delete_tag(transaction, repository, reference)
            if is_gone:
                self._note(transaction, actor, EventAction.IMAGE_DELETED, repository, reference)
        if not is_gone:
            raise NotFound(f"{repository} has no image '{reference}'.")

    def _keep(
        self,
        actor: Actor,
        repository: Repository,
        manifest: RegistryManifest,
        put: PutManifest,
        data: bytes,
    ) -> None:
        digest, sha512 = put.digest, put.name if is_alias(put.name) else None
        with self._blobs.batch() as add:
            add(digest, data)
        self._repository_blobs.link(repository, [StoredBlob(digest, len(data), sha512)])
        stored = StoredManifest(
            digest=digest,
            sha512=sha512,
            media_type=manifest.media_type,
            size_bytes=len(data),
            artifact_type=manifest.artifact_type,
            subject_digest=manifest.subject_digest,
            absent=put.absent,
            annotations=manifest.annotations,
            pushed_at=self._clock(),
            pushed_by=actor.email,
        )
        with self._database.write() as transaction:
            repositories.put_manifest(transaction, repository, stored)
            self._note(transaction, actor, EventAction.IMAGE_PUSHED, repository, digest)

    def _tag(
        self,
        transaction: Transaction,
        actor: Actor,
        repository: Repository,
        name: str,
        digest: str,
    ) -> None:
        repositories.put_tag(
            transaction, repository, name, digest, at=self._clock(), by=actor.email
        )
        self._note(transaction, actor, EventAction.IMAGE_TAGGED, repository, name)

    def _note(
        self,
        transaction: Transaction,
        actor: Actor,
        action: EventAction,
        repository: Repository,
        reference: str,
    ) -> None:
        subject = f"image:{repository.name}@{reference}"[:200]
        context = repository.owner
        add_event(transaction, actor.email, action, subject, context, at=self._clock())

    def _has_it(self, repository: Repository, number: int, digest: str) -> bool:
        """Whether a version's tag gives this manifest already. Asked before anything is stored.

        Raises InvalidRequest if there is no such version, Conflict if the version has another
        image.
        """
        process_id = repository.process_id or ""
        with self._database.read() as transaction:
            version = find_version(transaction, process_id, number)
            tagged = repositories.find_tag(transaction, repository, str(number))
        if version is None:
            # Not "not found": clients would say that a blob is missing.
            raise InvalidRequest(
                f"The process has no version {number}. Make one first: "
                f"au2 process version create {process_id}"
            )
        if version.image_status is not ImageStatus.AVAILABLE:
            return False
        if digest != (tagged or version.image_digest):
            raise _has_another(repository, number)
        return True

    def _import(
        self,
        actor: Actor,
        repository: Repository,
        number: int,
        *,
        manifest: RegistryManifest,
        digest: str,
        data: bytes,
    ) -> Job:
        """Let a version have the image. Raises as :meth:`put` says."""
        image = digest
        if manifest.is_index:
            image = choose_image(parse_index(data), self._platform, self._platform_of).digest
            data = self._blobs.read_bytes(image, limit_bytes=MAX_DOCUMENT_BYTES)
        parse_manifest(data)  # Stricter: only an image can become a version's.
        return self._image_uploads.import_pushed(actor, repository.process_id or "", number, image)

    def _platform_of(self, manifest: Descriptor) -> Platform:
        """Return the platform of an index's image, which was pushed before the index."""
        return load_image(self._blobs, manifest.digest).config.platform


def _verified_name(reference: str, data: bytes) -> str:
    """Return the digest or alias that a manifest is pushed by.

    Raises:
        DigestMismatch: ``reference`` is another digest or alias.
        InvalidRequest: ``reference`` is neither a digest nor a tag.
    """
    if not is_digest_reference(reference):
        return sha256_of(data)
    found = sha512_of(data) if is_alias(reference) else sha256_of(data)
    if reference != found:
        raise DigestMismatch(f"{reference} was stated, but the manifest has {found}.")
    return reference


def _ensure_no_aliases(manifest: RegistryManifest, name: str) -> None:
    """Refuse SHA-512 in the manifest of a process. Raises InvalidImage."""
    if is_alias(name) or manifest.has_aliases:
        raise InvalidImage(
            "An image of a process is named, and names its layers, by sha256 digests only: push it "
            "so, or to a repository of the organization's own."
        )


def _has_another(repository: Repository, number: int) -> Conflict:
    return Conflict(
        f"Version {number} has its image already, and an image never changes. "
        f"Make a new version for it: au2 process version create {repository.process_id}"
    )
