import json
import tarfile
from io import BytesIO
from typing import BinaryIO

from au2.oci.spec import media_types
from au2.oci.spec.config import ImageConfig
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.image import AddedLayer, Image
from au2.oci.spec.manifest import Descriptor
from tests.support.images.docker_archive import write_docker_archive
from tests.support.images.new_image import make_image

TAG = "server/org_a/process_b:3"


class Blobs(dict[str, bytes]):
    def put(self, data: bytes) -> str:
        self[sha256_of(data)] = data
        return sha256_of(data)

    def open(self, digest: str) -> BinaryIO:
        return BytesIO(self[digest])

    def read_bytes(self, digest: str, *, limit_bytes: int) -> bytes:
        return self[digest]


def make(blobs: Blobs, *contents: bytes) -> Image:
    layers = []
    for data in contents:
        digest = blobs.put(data)
        layers.append(AddedLayer(Descriptor(media_types.LAYER_TAR, digest, len(data)), digest))
    manifest, config = make_image(ImageConfig("amd64"), layers)
    blobs.put(config.to_bytes())
    return Image(blobs.put(manifest.to_bytes()), manifest, config)


def files_of(blobs: Blobs, image: Image) -> dict[str, bytes]:
    out = BytesIO()
    write_docker_archive(image, blobs, out, TAG)
    files = {}
    with tarfile.open(fileobj=BytesIO(out.getvalue())) as archive:
        for member in archive:
            if content := archive.extractfile(member):
                files[member.name] = content.read()
    return files


def test_the_list_of_docker_names_files_that_are_there() -> None:
    blobs = Blobs()
    image = make(blobs, b"one", b"two", b"one")
    files = files_of(blobs, image)
    (entry,) = json.loads(files["manifest.json"])
    assert entry["RepoTags"] == [TAG]
    assert files[entry["Config"]] == image.config.to_bytes()
    assert [files[name] for name in entry["Layers"]] == [b"one", b"two", b"one"]


def test_it_is_an_image_layout_too() -> None:
    blobs = Blobs()
    image = make(blobs, b"one")
    files = files_of(blobs, image)
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    (manifest,) = json.loads(files["index.json"])["manifests"]
    assert manifest["digest"] == image.manifest_digest
    data = files["blobs/" + image.manifest_digest.replace(":", "/")]
    assert (sha256_of(data), len(data)) == (image.manifest_digest, manifest["size"])
    for blob in (image.manifest.config, *image.manifest.layers):
        data = files["blobs/" + blob.digest.replace(":", "/")]
        assert (sha256_of(data), len(data)) == (blob.digest, blob.size_bytes)


def test_twice_the_same_bytes() -> None:
    blobs = Blobs()
    image = make(blobs, b"one", b"two")
    one, two = BytesIO(), BytesIO()
    write_docker_archive(image, blobs, one, TAG)
    write_docker_archive(image, blobs, two, TAG)
    assert one.getvalue() == two.getvalue()
