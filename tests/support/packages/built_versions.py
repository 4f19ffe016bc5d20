"""Versions with real images in a backend without a dispatcher."""

import itertools
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from au2.app.uploads.package_begin import OpenUpload
from au2.domain.accounts.context import Context
from au2.domain.ids import make_guid
from au2.domain.jobs.container_contract import Language
from au2.domain.jobs.job import JobState, Outcome
from au2.domain.processes.version import BuiltImage, ImageStatus
from au2.images.package_image import build_package
from au2.package.manifest import Manifest
from au2.package.tree.entries import PackagedFile
from au2.stores.content.images import load_image
from au2.stores.database import versions
from au2.wire.upload import FileEntry, UploadCreation
from tests.support.images.busybox import SmallImage, make_image, make_layer
from tests.support.servers.backend import OPERATOR, Backend, frame

_numbers = itertools.count(1)


def packaged(path: str, content: bytes, *, executable: bool = False) -> PackagedFile:
    """A file of a package."""
    digest = sha256(content).hexdigest()
    return PackagedFile(path, "file", executable, len(content), digest, "", content)


def link(path: str, target: str) -> PackagedFile:
    """A link of a package."""
    return PackagedFile(path, "link", False, 0, "", target, b"")


def add_image_version(backend: Backend, process_id: str, image: SmallImage) -> int:
    """An image version that is AVAILABLE; return its number."""
    return backend.version(process_id, image_digest=image.save(backend.blobs))


def add_packaged_version(
    backend: Backend, context: Context, files: Sequence[PackagedFile]
) -> tuple[str, int]:
    """A new process with a version built of ``files``; return its id and the version's number."""
    operator = backend.actor(OPERATOR)
    name = f"Built {next(_numbers)}"
    runtime_image = make_image([make_layer({"bin/python3": b""})]).save(backend.blobs)
    runtime = backend.services.runtimes.register_build(
        runtime_id=make_guid(),
        name=name,
        language=Language.PYTHON,
        first_version=1,
        image_digest=runtime_image,
        recipe_digest=runtime_image,
        context=Context(context.organization_id),
    )
    entries = [FileEntry(**_fields(file)) for file in files]
    creation = UploadCreation(runtime=runtime.id, name=name, files=entries)
    opened = backend.services.upload_starter.begin(operator, context, creation)
    assert isinstance(opened, OpenUpload)
    upload = opened.upload
    with backend.services.uploads.receive(operator, upload.id, upload.fencing_token) as receiver:
        for file in files:
            if file.sha256 in opened.missing:
                receiver.feed(frame(bytes(file.source)))
        backend.services.uploads.finish_receiving(operator, upload.id, receiver)
    backend.services.uploads.complete(operator, upload.id, upload.fencing_token)
    digest = build_package(
        backend.blobs,
        runtime_image,
        entries,
        manifest=Manifest(name=name, description="", runtime=runtime.id, entry_point=None),
        environment={},
        log=lambda _: None,
    )
    _finish(backend, upload.process_id, upload.version_number, upload.job_id, digest)
    return upload.process_id, upload.version_number


def _fields(file: PackagedFile) -> dict[str, Any]:
    return {name: value for name, value in file._asdict().items() if name != "source"}


def _finish(backend: Backend, process_id: str, number: int, job_id: int, digest: str) -> None:
    backend.end(backend.claim(job_id), Outcome(JobState.SUCCEEDED))
    with backend.database.write() as transaction:
        version = versions.find_version(transaction, process_id, number)
        assert version is not None
        built = BuiltImage(digest)
        versions.change_image_status(transaction, version, ImageStatus.AVAILABLE, image=built)


def package_layer(backend: Backend, process_id: str, number: int) -> str:
    """The digest of the layer that a version's package became."""
    version = backend.services.versions.get(backend.actor(OPERATOR), process_id, number)
    assert version.image_digest is not None
    return load_image(backend.blobs, version.image_digest).manifest.layers[-1].digest
