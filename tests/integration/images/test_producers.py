"""Archives as the real tools write them: which image is in it, and are its layers all there?"""

import gzip
import subprocess
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from subprocess import PIPE

import pytest
from backports import zstd

from au2.domain.errors import InvalidImage
from au2.oci.archive.archived_image import ArchivedImage, describe_layer, make_manifest
from au2.oci.archive.contents import BlobMember
from au2.oci.archive.documents import ArchiveDocuments
from au2.oci.archive.reader import open_archive, read_archive
from au2.oci.decompression import Compression, decompressed
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.manifest import parse_manifest
from au2.oci.streams import CHUNK_BYTES, Readable
from tests.support.images import image_archives as made
from tests.support.images.docker import Docker
from tests.support.images.hashing_writer import HashingWriter
from tests.support.images.image_archives import on
from tests.support.images.image_tools import ImageTools

NAME = "producers/my-process"
"""Its own: other tests of the same Docker remove theirs."""
DOCKERFILE = """\
FROM localhost/base:1
COPY code /code
COPY code /code
RUN true
ENV MARK=set
ENTRYPOINT ["/bin/sh", "/code"]
"""
FILES = {"code": b"echo hello\n"}


@dataclass(frozen=True, slots=True)
class Built:
    """An image that was built, and what its tool says of it."""

    id: str
    diff_ids: tuple[str, ...]


def digest_of(stream: Readable) -> str:
    seen = HashingWriter()
    for data in iter(lambda: stream.read(CHUNK_BYTES), b""):
        seen.write(data)
    return seen.digest


def read_stream(data: bytes) -> tuple[ArchiveDocuments, dict[str, str]]:
    """Read as from a pipe; also return the digest of what is packed in each member."""
    plain: dict[str, str] = {}

    def take(member: BlobMember) -> None:
        plain[member.path] = digest_of(decompressed(member.content))

    return read_archive(BytesIO(data), take), plain


def check(archive: Path, built: Built, name: str | None = None) -> ArchivedImage:
    """Read the archive in every way; its image is the one that was built, layer by layer."""
    data = archive.read_bytes()
    found = []
    for outside in (data, gzip.compress(data, 1), zstd.compress(data, 1)):
        documents, plain = read_stream(outside)
        image = documents.choose(name, on("amd64"))
        assert tuple(plain[layer.path] for layer in image.layers) == built.diff_ids
        found.append(image)
    with archive.open("rb") as file:
        opened = open_archive(file)
        assert opened is not None
        image = opened.documents.choose(name, on("amd64"))
        for layer in image.layers:
            assert opened.byte_range(layer.path).size_bytes == layer.size_bytes
            assert digest_of(decompressed(opened.open(layer.path))) == layer.diff_id
            if layer.descriptor:
                assert digest_of(opened.open(layer.path)) == layer.descriptor.digest
    assert found == [image] * 3
    assert sha256_of(image.config) == built.id
    assert tuple(layer.diff_id for layer in image.layers) == built.diff_ids
    check_manifest(image)
    return image


def check_manifest(image: ArchivedImage) -> None:
    """Its manifest is the archive's own, or one of the same plain layers each time."""
    layers = [
        layer.descriptor or describe_layer(layer.diff_id, layer.size_bytes, layer.compression)
        for layer in image.layers
    ]
    data, media_type = make_manifest(image, layers)
    manifest = parse_manifest(data)
    assert manifest.media_type == media_type
    assert manifest.config.digest == sha256_of(image.config)
    assert [layer.digest for layer in manifest.layers] == [layer.digest for layer in layers]
    if image.manifest is not None:
        assert data == image.manifest


@pytest.fixture(scope="module")
def docker_built(
    docker: Docker, busybox_layer: bytes, tmp_path_factory: pytest.TempPathFactory
) -> Built:
    folder = tmp_path_factory.mktemp("context")
    docker.ok("import", "-", "localhost/base:1", stdin=busybox_layer)
    for path, content in FILES.items():
        (folder / path).write_bytes(content)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    docker.ok("build", "-q", "-t", NAME, folder)
    (told,) = docker.ok("inspect", NAME).document
    return Built(told["Id"], tuple(told["RootFS"]["Layers"]))


@pytest.fixture(scope="module")
def built(
    image_tools: ImageTools, busybox_layer: bytes, tmp_path_factory: pytest.TempPathFactory
) -> Built:
    base = tmp_path_factory.mktemp("base") / "base.tar"
    base.write_bytes(busybox_layer)
    image_tools.podman("import", base, "localhost/base:1")
    image_tools.build(NAME, DOCKERFILE, FILES)
    (told,) = image_tools.podman("inspect", NAME).document
    return Built("sha256:" + told["Id"], tuple(told["RootFS"]["Layers"]))


def test_docker_save(docker: Docker, docker_built: Built, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    docker.ok("save", "-o", archive, NAME)
    image = check(archive, docker_built)
    assert image.names == (f"{NAME}:latest",)
    assert image.manifest is None
    # The file that was copied twice made the same layer twice: one of them is a link.
    assert len({layer.path for layer in image.layers}) == len(image.layers) - 1


def test_docker_save_into_a_pipe(docker: Docker, docker_built: Built) -> None:
    with subprocess.Popen([*docker.command, "save", NAME], stdout=PIPE, env=docker.env) as saving:
        assert saving.stdout is not None
        documents = read_archive(saving.stdout, lambda member: None)
    assert sha256_of(documents.choose(None, on("amd64")).config) == docker_built.id


def test_docker_save_that_breaks_off(docker: Docker, docker_built: Built) -> None:
    half = docker.ok("save", NAME).stdout[:1_000_000]
    with pytest.raises(InvalidImage, match="cut off") as caught:
        read_stream(half)
    assert "docker save" in str(caught.value.hint)


def test_docker_save_of_an_id(docker: Docker, docker_built: Built, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    docker.ok("save", "-o", archive, docker_built.id)
    assert check(archive, docker_built).names == ()


def test_docker_save_of_several(docker: Docker, docker_built: Built, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    docker.ok("tag", NAME, "docker-more:2")
    docker.ok("save", "-o", archive, NAME, "localhost/base:1", "docker-more:2")
    documents, _ = read_stream(archive.read_bytes())
    with pytest.raises(InvalidImage, match="several images") as caught:
        documents.choose(None, on("amd64"))
    assert f"{NAME}:latest" in caught.value.message
    assert "localhost/base:1" in caught.value.message
    assert "--image" in str(caught.value.hint)
    for name in (
        NAME,
        f"docker.io/{NAME}",
        f"{NAME}:latest",
        "docker-more:2",
        docker_built.id[7:19],
    ):
        assert set(check(archive, docker_built, name).names) == {f"{NAME}:latest", "docker-more:2"}


def test_docker_export_is_refused(docker: Docker, docker_built: Built, tmp_path: Path) -> None:
    archive = tmp_path / "container.tar"
    container = docker.ok("create", NAME).text.strip()
    docker.ok("export", "-o", archive, container)
    docker.ok("rm", container)
    with pytest.raises(InvalidImage, match="root file system") as caught:
        read_stream(archive.read_bytes())
    assert "docker save" in str(caught.value.hint)


@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
def test_podman_save(image_tools: ImageTools, built: Built, tmp_path: Path, kind: str) -> None:
    archive = tmp_path / "image.tar"
    image_tools.podman("save", "--format", kind, "-o", archive, NAME)
    image = check(archive, built, NAME)
    assert image.names == (f"localhost/{NAME}:latest",)
    assert (image.manifest is not None) == (kind == "oci-archive")
    assert check(archive, built) == image


def test_podman_save_of_several(image_tools: ImageTools, built: Built, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    image_tools.podman("save", "-m", "-o", archive, NAME, "localhost/base:1")
    documents, _ = read_stream(archive.read_bytes())
    with pytest.raises(InvalidImage, match=r"several images: .*base:1"):
        documents.choose(None, on("amd64"))
    assert check(archive, built, NAME).names == (f"localhost/{NAME}:latest",)


@pytest.mark.parametrize(
    ("kind", "name"), [("docker-archive", f":{NAME}:latest"), ("oci-archive", ":latest")]
)
def test_buildah_push(
    image_tools: ImageTools, built: Built, tmp_path: Path, kind: str, name: str
) -> None:
    archive = tmp_path / "image.tar"
    image_tools.buildah("push", NAME, f"{kind}:{archive}{name}")
    image = check(archive, built)
    assert name[1:] in image.names
    assert check(archive, built, name[1:]) == image


def test_buildah_push_of_a_list(image_tools: ImageTools, built: Built, tmp_path: Path) -> None:
    archive = tmp_path / "image.tar"
    image_tools.buildah("manifest", "create", "many")
    for architecture, image in (("arm64", "localhost/base:1"), ("amd64", NAME)):
        image_tools.buildah(
            "manifest", "add", "--os", "linux", "--arch", architecture, "many", image
        )
    image_tools.buildah("manifest", "push", "--all", "many", f"oci-archive:{archive}")
    check(archive, built)
    documents, _ = read_stream(archive.read_bytes())
    assert len(documents.choose(None, on("arm64")).layers) == 1
    with pytest.raises(InvalidImage, match="only for: linux/amd64, linux/arm64"):
        documents.choose(None, on("riscv64"))


@pytest.mark.parametrize("source", ["docker-archive", "oci-archive"])
@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
def test_skopeo_copy(
    image_tools: ImageTools, built: Built, tmp_path: Path, source: str, kind: str
) -> None:
    first, archive = tmp_path / "first.tar", tmp_path / "image.tar"
    image_tools.podman("save", "--format", source, "-o", first, NAME)
    image_tools.skopeo("copy", f"{source}:{first}", f"{kind}:{archive}")
    image = check(archive, built)
    assert (image.manifest is not None) == (kind == "oci-archive")


def test_skopeo_copy_to_zstd(image_tools: ImageTools, built: Built, tmp_path: Path) -> None:
    first, archive = tmp_path / "first.tar", tmp_path / "image.tar"
    image_tools.podman("save", "--format", "oci-archive", "-o", first, NAME)
    packing = ("--dest-compress", "--dest-compress-format", "zstd")
    image_tools.skopeo("copy", *packing, f"oci-archive:{first}", f"oci-archive:{archive}")
    image = check(archive, built)
    assert {layer.compression for layer in image.layers} == {Compression.ZSTD}


MADE = made.make_image(b"one", b"two")


@pytest.mark.parametrize(
    "archive",
    [made.docker_20((MADE, [made.NAME])), made.docker_25(MADE), made.crane(MADE)],
    ids=["20", "25", "crane"],
)
def test_what_was_made_by_hand_is_loaded_by_docker(docker: Docker, archive: bytes) -> None:
    """The layouts of tools that can't be installed are what they are taken for."""
    docker.ok("load", stdin=archive)
    (told,) = docker.ok("inspect", MADE.id).document
    assert tuple(told["RootFS"]["Layers"]) == MADE.diff_ids
    assert told["RepoTags"] == [made.NAME]
    docker.ok("rmi", made.NAME)


FIRST, SECOND = MADE.layers
LISTING = made.to_json(
    [{"Config": "c.json", "RepoTags": None, "Layers": ["0.tar", "1.tar"]}],
)


@pytest.mark.parametrize(
    "members",
    [
        [("0.tar", FIRST), ("1.tar", SECOND), ("0.tar", FIRST)],
        [("c.json", MADE.config), ("0.tar", FIRST), ("1.tar", SECOND), ("manifest.json", LISTING)],
        [("0.tar", SECOND), ("1.tar", SECOND), ("./x/../0.tar", FIRST)],
        [("0.tar", FIRST), ("1.tar", "0.tar"), ("1.tar", SECOND)],
        [("x.tar", SECOND), ("0.tar", FIRST), ("1.tar", FIRST), ("1.tar", "x.tar")],
    ],
    ids=["equal", "documents", "another", "link first", "link last"],
)
def test_members_of_one_name_as_docker_reads_them(
    docker: Docker, image_tools: ImageTools, tmp_path: Path, members: made.Members
) -> None:
    archive = tmp_path / "image.tar"
    all_members = [("c.json", MADE.config), *members, ("manifest.json", LISTING)]
    archive.write_bytes(made.make_members(all_members))
    assert MADE.id in docker.ok("load", "-i", archive).text
    docker.ok("rmi", MADE.id)
    names = [name for name, _ in members]
    if names.count("0.tar") == 2 or "manifest.json" in names:
        image_tools.skopeo("copy", f"docker-archive:{archive}", f"dir:{tmp_path / 'copy'}")
        image_tools.podman("load", "-i", archive)
    check(archive, Built(MADE.id, MADE.diff_ids))


@pytest.mark.parametrize("attests", [True, False])
def test_what_was_made_by_hand_is_copied_by_skopeo(
    image_tools: ImageTools, tmp_path: Path, attests: bool
) -> None:
    first, archive = tmp_path / "first.tar", tmp_path / "image.tar"
    first.write_bytes(made.buildx(MADE, attests=attests))
    image_tools.skopeo("copy", f"oci-archive:{first}", f"oci-archive:{archive}")
    check(archive, Built(MADE.id, MADE.diff_ids))
