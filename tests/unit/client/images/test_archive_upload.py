"""Archives as they come, from a file or a pipe: what of them is sent, and what is refused."""

import gzip
import io
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import BinaryIO

import pytest

from au2.client.http.transport import Transport
from au2.client.images.archive_upload import (
    WantedImage,
    check_archive,
    find_manifest_digest,
    send_archive,
)
from au2.client.images.blob_uploader import BlobUploader, UploadProgressSink
from au2.client.images.blobs import Spool
from au2.client.images.upload import ImageUploadClient
from au2.domain.errors import Au2Error, InvalidImage
from au2.domain.network_retry import RetryBudget
from au2.oci.spec.manifest import parse_manifest
from au2.wire.job import JobView
from tests.support.images.busybox import digest_of
from tests.support.images.image_archives import (
    LAYER,
    NAME,
    HandMade,
    buildx,
    bundle,
    crane,
    docker_20,
    docker_25,
    make_image,
    on,
    pack_gzip,
    pack_zstd,
)
from tests.support.images.sparse import gnu_tar
from tests.unit.client.api import Api
from tests.unit.client.image_server import SESSION_VIEW, ImageServer

IMAGE = make_image(b"one" * 3000, b"two" * 3000, b"one" * 3000, b"")
OTHER = make_image(b"other" * 1000)


def written_again_by_tar(archive: bytes) -> bytes:
    """As somebody who unpacks an archive and makes another one of it, with `tar -S`."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
        return gnu_tar(Path(folder), "1.0")


ZSTD_LAYOUT = partial(buildx, pack=pack_zstd, layer_type=f"{LAYER}+zstd")
ARCHIVES: dict[str, Callable[[HandMade], bytes]] = {
    "docker 20": lambda image: docker_20((image, [NAME])),
    "docker 25": docker_25,
    "rules_docker": bundle,
    "crane": crane,
    "crane with zstd": partial(crane, pack=pack_zstd),
    "buildx": buildx,
    "buildx with zstd": ZSTD_LAYOUT,
    "sparse members": lambda image: written_again_by_tar(docker_20((image, [NAME]))),
    "gzip outside": lambda image: gzip.compress(docker_20((image, [NAME]))),
    "zstd outside": lambda image: pack_zstd(docker_25(image)),
}
Send = Callable[..., JobView]


class Told(UploadProgressSink):
    """Progress that is remembered."""

    def __init__(self) -> None:
        self.sent = self.been_read = self.skipped = self.expected = 0
        self.begun: list[tuple[int, int]] = []

    def expect(self, size_bytes: int) -> None:
        self.expected = size_bytes

    def read(self, size_bytes: int) -> None:
        self.been_read += size_bytes

    def begin(self, blob_bytes: int, received_bytes: int) -> None:
        self.begun.append((blob_bytes, received_bytes))

    def advance(self, size_bytes: int) -> None:
        self.sent += size_bytes

    def skip(self, blob_bytes: int) -> None:
        self.skipped += 1


@pytest.fixture
def server(api: Api) -> ImageServer:
    return ImageServer(api)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def send(server: ImageServer, transport: Transport, told: Told, tmp_path: Path) -> Send:
    def send(
        archive: BinaryIO,
        *,
        name: str | None = None,
        spool: Path | None = None,
        request_bytes: int = 4096,
    ) -> JobView:
        stop = Event()
        budget = RetryBudget(pause=lambda _: None, clock=lambda: 0.0, on_outage=lambda _: None)
        session = SESSION_VIEW
        upload = ImageUploadClient(
            transport, session, budget, stop=stop, request_bytes=request_bytes
        )
        uploader = BlobUploader(upload, told, stop=stop)
        try:
            kept = Spool(spool or tmp_path, free_space=uploader.finish)
            manifest = send_archive(archive, WantedImage(name, on("amd64")), uploader, kept.keep)
            return upload.complete(*manifest)
        finally:
            uploader.stop()

    return send


def in_file(data: bytes, folder: Path) -> BinaryIO:
    path = folder / "image.tar"
    path.write_bytes(data)
    return path.open("rb")


def in_pipe(data: bytes, _: Path) -> BinaryIO:
    reading, writing = os.pipe()

    def fill() -> None:
        with os.fdopen(writing, "wb") as file:
            try:
                file.write(data)
            except BrokenPipeError:
                return

    Thread(target=fill, daemon=True).start()
    return os.fdopen(reading, "rb")


def layers_of(server: ImageServer) -> Sequence[bytes]:
    assert server.manifest is not None
    manifest = parse_manifest(server.manifest)
    assert manifest.media_type == server.media_type
    return [server.blobs[layer.digest] for layer in manifest.layers]


@pytest.mark.parametrize("kind", ARCHIVES)
@pytest.mark.parametrize("lay", [in_file, in_pipe])
def test_an_image_arrives_whole(
    server: ImageServer,
    send: Send,
    tmp_path: Path,
    kind: str,
    lay: Callable[[bytes, Path], BinaryIO],
) -> None:
    with lay(ARCHIVES[kind](IMAGE), tmp_path) as archive:
        job = send(archive)

    assert job.id == 12
    packed = {"crane": pack_gzip, "buildx": pack_gzip}.get(kind, lambda data: data)
    assert layers_of(server) == [packed(layer) for layer in IMAGE.layers]
    assert server.manifest is not None
    assert server.blobs[parse_manifest(server.manifest).config.digest] == IMAGE.config
    assert len(server.asked) == len(set(server.asked)), "a blob is asked about once"


@pytest.mark.parametrize("kind", ARCHIVES)
def test_a_file_and_a_pipe_give_the_same_manifest(
    server: ImageServer, send: Send, tmp_path: Path, kind: str
) -> None:
    found = []
    for lay in (in_file, in_pipe):
        with lay(ARCHIVES[kind](IMAGE), tmp_path) as archive:
            send(archive)
        found.append(server.manifest)

    assert found[0] == found[1]


@pytest.mark.parametrize("kind", ARCHIVES)
@pytest.mark.parametrize("lay", [in_file, in_pipe])
def test_nothing_is_sent_twice(
    server: ImageServer,
    send: Send,
    told: Told,
    tmp_path: Path,
    kind: str,
    lay: Callable[[bytes, Path], BinaryIO],
) -> None:
    data = ARCHIVES[kind](IMAGE)
    with lay(data, tmp_path) as archive:
        send(archive)
    before = len(server.pieces)
    with lay(data, tmp_path) as archive:
        send(archive)

    assert len(server.pieces) == before
    assert told.skipped == len(set(IMAGE.layers)) + 1


@pytest.mark.parametrize("kind", ["docker 20", "docker 25"])
def test_plain_layers_of_a_file_are_not_read_before(
    send: Send, told: Told, tmp_path: Path, kind: str
) -> None:
    with in_file(ARCHIVES[kind](IMAGE), tmp_path) as archive:
        send(archive)

    assert told.been_read == 0
    assert told.expected == told.sent


def test_only_the_chosen_image_of_a_file_is_sent(
    server: ImageServer, send: Send, tmp_path: Path
) -> None:
    data = docker_20((IMAGE, [NAME]), (OTHER, ["other:1"]))
    with in_file(data, tmp_path) as archive:
        send(archive, name="other:1")

    assert set(server.blobs) == {*OTHER.diff_ids, OTHER.id}


def test_of_several_images_one_must_be_named(send: Send, tmp_path: Path) -> None:
    data = docker_20((IMAGE, [NAME]), (OTHER, ["other:1"]))
    for lay in (in_file, in_pipe):
        with lay(data, tmp_path) as archive, pytest.raises(InvalidImage) as caught:
            send(archive)
        assert "several images" in caught.value.message
        assert "--image" in (caught.value.hint or "")


@pytest.mark.parametrize("kind", ARCHIVES)
@pytest.mark.parametrize("lay", [in_file, in_pipe])
@pytest.mark.parametrize("fault", ["half", "deaf", "away", "busy"])
def test_cut_connections_change_nothing(
    server: ImageServer,
    send: Send,
    tmp_path: Path,
    kind: str,
    lay: Callable[[bytes, Path], BinaryIO],
    fault: str,
) -> None:
    server.faults = [fault, None] * 50
    with lay(ARCHIVES[kind](IMAGE), tmp_path) as archive:
        send(archive)

    assert server.faults != [fault, None] * 50
    assert {digest_of(data) for data in layers_of(server)} <= set(server.blobs)


@pytest.mark.parametrize("kind", ARCHIVES)
def test_what_a_file_becomes_is_known_before_it_is_sent(
    server: ImageServer, send: Send, tmp_path: Path, kind: str
) -> None:
    wanted = WantedImage(None, on("amd64"))
    with in_file(ARCHIVES[kind](IMAGE), tmp_path) as archive:
        check_archive(archive, wanted)
        digest = find_manifest_digest(archive, wanted)
        assert server.api.requests == []
        send(archive)

    assert server.manifest is not None
    assert digest == digest_of(server.manifest)


def test_a_pipe_is_not_read_before_it_is_sent(send: Send, tmp_path: Path) -> None:
    wanted = WantedImage(None, on("amd64"))
    with in_pipe(docker_20((IMAGE, [NAME])), tmp_path) as archive:
        check_archive(archive, wanted)
        assert find_manifest_digest(archive, wanted) is None
        send(archive)


@pytest.mark.parametrize("kind", ["docker 20", "docker 25"])
@pytest.mark.parametrize("lay", [in_file, in_pipe])
@pytest.mark.parametrize("come", [1, 9000, len(IMAGE.layers[0])])
def test_an_earlier_command_is_gone_on_with(
    server: ImageServer,
    send: Send,
    told: Told,
    tmp_path: Path,
    kind: str,
    lay: Callable[[bytes, Path], BinaryIO],
    come: int,
) -> None:
    layer = IMAGE.layers[0]
    server.parts[digest_of(layer)] = layer[:come]
    with lay(ARCHIVES[kind](IMAGE), tmp_path) as archive:
        send(archive)

    assert (len(layer), come) in told.begun
    assert layers_of(server) == list(IMAGE.layers)
    total = sum(map(len, {*IMAGE.layers, IMAGE.config}))
    assert told.sent == total - come


@pytest.mark.parametrize("kind", ["docker 20", "docker 25"])
def test_a_damaged_beginning_is_sent_again(
    server: ImageServer, send: Send, tmp_path: Path, kind: str
) -> None:
    server.parts[IMAGE.diff_ids[0]] = b"damaged"
    with in_file(ARCHIVES[kind](IMAGE), tmp_path) as archive:
        send(archive)

    assert layers_of(server) == list(IMAGE.layers)


def test_a_damaged_beginning_of_what_streams_by_is_told(
    server: ImageServer, send: Send, tmp_path: Path
) -> None:
    server.parts[IMAGE.diff_ids[0]] = b"damaged"
    with in_pipe(docker_25(IMAGE), tmp_path) as archive, pytest.raises(InvalidImage) as caught:
        send(archive)

    assert "same command again" in (caught.value.hint or "")


@pytest.mark.parametrize("kind", ["docker 20", "docker 25"])
@pytest.mark.parametrize("lay", [in_file, in_pipe])
def test_a_damaged_layer_is_refused(
    server: ImageServer,
    send: Send,
    tmp_path: Path,
    kind: str,
    lay: Callable[[bytes, Path], BinaryIO],
) -> None:
    data = ARCHIVES[kind](IMAGE).replace(b"one" * 50, b"eno" * 50)
    with lay(data, tmp_path) as archive, pytest.raises(InvalidImage) as caught:
        send(archive)

    assert "damaged" in caught.value.message
    assert server.manifest is None


@pytest.mark.parametrize("lay", [in_file, in_pipe])
@pytest.mark.parametrize("kind", ["docker 20", "docker 25", "gzip outside"])
def test_a_broken_off_archive_is_refused(
    server: ImageServer,
    send: Send,
    tmp_path: Path,
    kind: str,
    lay: Callable[[bytes, Path], BinaryIO],
) -> None:
    data = ARCHIVES[kind](IMAGE)
    for size in (0, 300, len(data) // 2):
        with lay(data[:size], tmp_path) as archive, pytest.raises(InvalidImage):
            send(archive)

    assert server.manifest is None


def test_a_stream_in_memory_is_taken(server: ImageServer, send: Send) -> None:
    send(io.BytesIO(docker_20((IMAGE, [NAME]))))

    assert layers_of(server) == list(IMAGE.layers)


def test_the_spool_leaves_nothing(send: Send, tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    with in_pipe(docker_20((IMAGE, [NAME])), tmp_path) as archive:
        send(archive, spool=folder)

    assert list(folder.iterdir()) == []


def test_a_spool_folder_that_can_not_be_used(send: Send, tmp_path: Path) -> None:
    with in_pipe(docker_20((IMAGE, [NAME])), tmp_path) as archive, pytest.raises(Au2Error) as error:
        send(archive, spool=tmp_path / "missing")

    assert str(tmp_path / "missing") in error.value.message
    assert "--spool" in (error.value.hint or "")
    assert "TMPDIR" in (error.value.hint or "")
