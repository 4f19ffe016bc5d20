"""Versions given back: images as archives, packages as the files that were uploaded."""

import gzip
import io
import json
import tarfile
import tracemalloc
from collections.abc import Callable

import pytest

from au2.app.versions.archives import OpenArchive
from au2.domain.accounts.context import Context
from au2.domain.errors import BlobMissing, Conflict, DigestMismatch, InvalidRequest, NotFound
from au2.domain.processes.version import ImageStatus
from au2.oci.spec import media_types
from tests.support.images.busybox import SmallImage, digest_of, make_image, make_layer
from tests.support.packages.built_versions import (
    add_image_version,
    add_packaged_version,
    link,
    package_layer,
    packaged,
)
from tests.support.servers.backend import OPERATOR, Backend

SERVER = "127.0.0.1:8080"
LAYER = make_layer({"a": b"one"})
FILES = [
    packaged("aunsight.yml", b"name: n\n"),
    packaged("main.py", b"print('hello')\n"),
    packaged("before.sh", b"echo one\r\n", executable=True),
    packaged("before.sh.d/empty", b""),
    packaged("before.sh.d/too", b"too"),
    packaged("same", b"too"),
    link("to", "before.sh.d/../main.py"),
]


@pytest.fixture
def context(backend: Backend) -> Context:
    return backend.organization()


def read(archive: OpenArchive) -> dict[str, tuple[bytes, bool, str]]:
    """Path → content, run bit, target of a link."""
    data = b"".join(archive.blocks())
    assert len(data) == archive.size_bytes
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as opened:
        for member in opened:
            if not member.isdir():
                content = opened.extractfile(member) if member.isfile() else None
                is_executable = member.isfile() and bool(member.mode & 0o111)
                text = b"" if content is None else content.read()
                found[member.name] = (text, is_executable, member.linkname)
    return found


def open_image(backend: Backend, process: str, number: int) -> OpenArchive:
    actor = backend.actor(OPERATOR)
    return backend.services.version_archives.open_image(actor, process, number, SERVER)


def open_package(backend: Backend, process: str, number: int) -> OpenArchive:
    return backend.services.version_archives.open_package(backend.actor(OPERATOR), process, number)


def with_layer(layer: bytes, blob: bytes, media_type: str) -> SmallImage:
    """An image of ``layer``, kept as ``blob``."""
    plain = make_image([layer])
    manifest = json.loads(plain.blobs[plain.manifest_digest])
    described = {"mediaType": media_type, "digest": digest_of(blob), "size": len(blob)}
    data = json.dumps(manifest | {"layers": [described]}).encode()
    config = plain.blobs[manifest["config"]["digest"]]
    blobs = {digest_of(item): item for item in (blob, config, data)}
    return SmallImage(digest_of(data), blobs)


def test_an_image_is_named_after_server_process_and_version(backend: Backend, context: Context):
    process = backend.process(context)
    number = add_image_version(backend, process, make_image([LAYER]))

    files = read(open_image(backend, process, number))

    (entry,) = json.loads(files["manifest.json"][0])
    name = f"{SERVER}/org_{context.organization_id}/process_{process}:{number}"
    assert entry["RepoTags"] == [name]
    assert [files[path][0] for path in entry["Layers"]] == [LAYER]


def test_gzipped_layers_go_out_as_they_are(backend: Backend, context: Context):
    blob = gzip.compress(LAYER)
    process = backend.process(context)
    image = with_layer(LAYER, blob, media_types.LAYER_GZIP)
    number = add_image_version(backend, process, image)

    files = read(open_image(backend, process, number))

    (entry,) = json.loads(files["manifest.json"][0])
    assert [files[path][0] for path in entry["Layers"]] == [blob]
    assert image.manifest_digest.replace(":", "/") in {
        path.removeprefix("blobs/") for path in files
    }


def test_zstd_layers_go_out_uncompressed(backend: Backend, context: Context):
    # What the bytes are is no matter here: the store knows what they hold.
    blob = gzip.compress(LAYER)
    process = backend.process(context)
    image = with_layer(LAYER, blob, media_types.LAYER_ZSTD)
    number = add_image_version(backend, process, image)
    backend.blobs.keep_compressed(digest_of(LAYER), len(LAYER), compressed=digest_of(blob))

    files = read(open_image(backend, process, number))

    (entry,) = json.loads(files["manifest.json"][0])
    assert [files[path][0] for path in entry["Layers"]] == [LAYER]
    (described,) = json.loads(files["index.json"][0])["manifests"]
    manifest = files["blobs/" + described["digest"].replace(":", "/")][0]
    assert (digest_of(manifest), len(manifest)) == (described["digest"], described["size"])
    (layer,) = json.loads(manifest)["layers"]
    assert layer == {
        "mediaType": media_types.LAYER_TAR,
        "digest": digest_of(LAYER),
        "size": len(LAYER),
    }


def test_what_the_store_has_lost_is_told_before_the_first_byte(backend: Backend, context: Context):
    process = backend.process(context)
    number = add_image_version(backend, process, make_image([LAYER]))
    backend.blobs.remove(digest_of(LAYER))
    with pytest.raises(BlobMissing) as caught:
        open_image(backend, process, number)
    assert "fsck" in (caught.value.hint or "")


def test_memory_stays_flat_and_nothing_is_read_ahead(backend: Backend, context: Context):
    large = make_layer({"large": bytes(64 << 20)})
    process = backend.process(context)
    archive = open_image(backend, process, add_image_version(backend, process, make_image([large])))
    del large

    tracemalloc.start()
    blocks = archive.blocks()
    sent = sum(len(block) for _, block in zip(range(40), blocks, strict=False))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    blocks.close()

    assert sent < archive.size_bytes // 2
    assert peak < 4 << 20


@pytest.mark.parametrize("opened", [open_image, open_package])
def test_without_an_image_the_job_is_named(
    backend: Backend, context: Context, opened: Callable[[Backend, str, int], OpenArchive]
):
    process = backend.process(context)
    number = backend.version(process, ImageStatus.NONE)
    with pytest.raises(Conflict, match="is NONE, not AVAILABLE"):
        opened(backend, process, number)
    with pytest.raises(NotFound):
        opened(backend, process, 9)


def test_a_package_comes_back_as_it_was(backend: Backend, context: Context):
    process, number = add_packaged_version(backend, context, FILES)
    assert read(open_package(backend, process, number)) == {
        file.path: (file.source, file.executable, file.target) for file in FILES
    }


def test_contents_that_are_gone_come_out_of_the_image(backend: Backend, context: Context):
    process, number = add_packaged_version(backend, context, FILES)
    whole = b"".join(open_package(backend, process, number).blocks())
    for file in FILES:
        if file.sha256:
            backend.blobs.remove(f"sha256:{file.sha256}")

    assert b"".join(open_package(backend, process, number).blocks()) == whole

    backend.blobs.remove(package_layer(backend, process, number))
    archive = open_package(backend, process, number)
    with pytest.raises(BlobMissing):
        list(archive.blocks())


def keep_packed_alone(backend: Backend, digest: str) -> None:
    """As after somebody pushed a layer like it compressed, and nothing needed the raw one."""
    data = backend.blobs.read_bytes(digest, limit_bytes=1 << 20)
    with backend.blobs.writer() as writer:
        writer.write(gzip.compress(data))
        holder = writer.commit()
    backend.blobs.remove(digest)
    backend.blobs.keep_compressed(digest, len(data), compressed=holder)


def test_a_package_that_is_decompressed_says_so(backend: Backend, context: Context):
    """Only so many may be read at a time (au2.app.registry.blobs)."""
    process, number = add_packaged_version(backend, context, FILES)
    assert not open_package(backend, process, number).unpacks

    keep_packed_alone(backend, f"sha256:{FILES[1].sha256}")
    archive = open_package(backend, process, number)
    assert archive.unpacks
    assert read(archive)["main.py"] == (b"print('hello')\n", False, "")

    for file in FILES:
        if file.sha256:
            backend.blobs.remove(f"sha256:{file.sha256}")
    assert not open_package(backend, process, number).unpacks
    keep_packed_alone(backend, package_layer(backend, process, number))
    assert open_package(backend, process, number).unpacks


def test_a_damaged_layer_is_no_source(backend: Backend, context: Context):
    process, number = add_packaged_version(backend, context, FILES)
    layer = package_layer(backend, process, number)
    data = backend.blobs.read_bytes(layer, limit_bytes=1 << 20).replace(b"'hello'", b"'hallo'")
    for file in FILES:
        if file.sha256:
            backend.blobs.remove(f"sha256:{file.sha256}")
    digits = layer.removeprefix("sha256:")
    (path,) = backend.folder.glob(f"blobs/**/{digits}")
    path.chmod(0o600)
    path.write_bytes(data)

    archive = open_package(backend, process, number)

    with pytest.raises(DigestMismatch):
        list(archive.blocks())


def test_an_image_has_no_source(backend: Backend, context: Context):
    process = backend.process(context)
    number = add_image_version(backend, process, make_image([LAYER]))
    with pytest.raises(InvalidRequest, match="not made of a package"):
        open_package(backend, process, number)


def test_members_of_other_organizations_see_nothing(backend: Backend, context: Context):
    process, number = add_packaged_version(backend, context, FILES)
    foreign = backend.user("foreign@example.com", "admin", backend.organization("Other"))
    viewer = backend.user("viewer@example.com", "viewer", context)
    archives = backend.services.version_archives
    assert archives.open_package(viewer, process, number).size_bytes
    assert archives.open_image(viewer, process, number, SERVER).size_bytes
    with pytest.raises(NotFound):
        archives.open_package(foreign, process, number)
    with pytest.raises(NotFound):
        archives.open_image(foreign, process, number, SERVER)
