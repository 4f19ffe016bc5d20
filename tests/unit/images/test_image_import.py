import gzip
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from au2.domain.errors import Au2Error, BlobMissing, DigestMismatch, InvalidImage
from au2.images.image_import import (
    Imported,
    ImportLimits,
    ImportRun,
    KnownLayer,
    import_image,
    keep_packed,
)
from au2.oci.spec.platform import AMD64
from au2.oci.streams import CHUNK_BYTES
from au2.stores.content.filesystem import FileContentStore
from tests.support.images.busybox import digest_of
from tests.support.images.image_making import AMD64_TOLD, GZIP, ZSTD, Layer, OddImage, odd_image

MIB = 1 << 20


class Import:
    """One import, and what it tells."""

    def __init__(self, folder: Path) -> None:
        self.blobs = FileContentStore(folder / "blobs")
        self.noted: dict[str, KnownLayer] = {}
        self.lines: list[str] = []
        self.checks = 0

    def put(self, data: bytes) -> str:
        with self.blobs.writer() as writer:
            writer.write(data)
            return writer.commit()

    def run(self, digest: str, **limits: int) -> int:
        return self.judge(digest, **limits).size_bytes

    def judge(self, digest: str, **limits: int) -> Imported:
        return import_image(
            self.blobs,
            digest,
            ImportRun(
                platform=AMD64,
                limits=ImportLimits(**limits),
                known=dict(self.noted),
                note=self.noted.__setitem__,
                log=self.lines.append,
                check=self._check,
            ),
        )

    def _check(self) -> None:
        self.checks += 1


@pytest.fixture
def importing(tmp_path: Path) -> Import:
    return Import(tmp_path)


def layer(text: bytes = b"some text " * 1000) -> bytes:
    return Layer().add("file", content=text).data()


@pytest.mark.parametrize(
    ("platform", "is_taken"),
    [
        ({"architecture": "x86_64", "os": "Linux"}, True),
        ({"architecture": "", "os": ""}, True),
        ({"variant": "v1"}, True),
        ({"variant": "v2"}, False),
        ({"architecture": "arm64"}, False),
        ({"os": "windows"}, False),
    ],
    ids=str,
)
def test_images_for_other_machines(
    importing: Import, platform: dict[str, str], is_taken: bool
) -> None:
    digest = replace(odd_image(layer()), platform={**AMD64_TOLD, **platform}).save(importing.blobs)
    if is_taken:
        assert importing.run(digest) > 0
        return
    with pytest.raises(InvalidImage, match=r"the image is for .*this server runs linux/amd64"):
        importing.run(digest)


@pytest.mark.parametrize("packing", [GZIP, ZSTD])
def test_a_packed_layer_can_be_kept_in_that_form_alone(importing: Import, packing: str) -> None:
    raw = layer()
    image = odd_image(raw, packing=packing).save(importing.blobs)
    imported = importing.judge(image)
    assert list(importing.blobs.list_compressed()) == []

    keep_packed(importing.blobs, imported.layers)

    packed = importing.blobs.find_compressed(digest_of(raw))
    assert packed in importing.noted
    assert packed != digest_of(raw)
    assert digest_of(raw) not in list(importing.blobs.list_digests())
    assert importing.blobs.read_bytes(digest_of(raw), limit_bytes=MIB) == raw
    # An image that comes raw finds it there.
    as_raw = odd_image(raw)
    importing.put(as_raw.config)
    assert importing.run(importing.put(manifest_of(as_raw))) == len(raw)


def manifest_of(image: OddImage) -> bytes:
    kind = "application/vnd.oci.image"
    layers = [
        {"mediaType": f"{kind}.layer.v1.tar", "digest": digest_of(data), "size": len(data)}
        for data in image.layers
    ]
    config = {"digest": image.id, "size": len(image.config)}
    config["mediaType"] = f"{kind}.config.v1+json"
    return json.dumps({"schemaVersion": 2, "config": config, "layers": layers}).encode()


def test_a_layer_is_judged_once_and_the_log_does_not_tell(importing: Import) -> None:
    """Whether somebody else has sent it before is nobody's business."""
    digest = odd_image(layer(), layer(b"other"), packing=GZIP).save(importing.blobs)
    importing.run(digest)
    (seen, importing.lines), importing.checks = (importing.lines, []), 0
    importing.run(digest)
    assert importing.checks == 0
    assert importing.lines == seen
    assert [line.rpartition(" ")[2] for line in layer_lines(seen)] == ["unpacked"] * 2


def test_a_layer_that_an_image_names_many_times_is_read_once(importing: Import) -> None:
    one = layer(os.urandom(MIB))
    importing.run(odd_image(one, packing=GZIP).save(importing.blobs))
    for_one, importing.checks, importing.noted = importing.checks, 0, {}
    importing.run(odd_image(*[one] * 5, packing=GZIP).save(importing.blobs))
    assert importing.checks == for_one


def layer_lines(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("Layer")]


def test_an_image_without_layers(importing: Import) -> None:
    assert importing.run(odd_image().save(importing.blobs)) == 0
    assert importing.lines[-1].startswith("Warning: the image names no command")


def forged(importing: Import, blob: bytes, diff_id: str, media_type: str) -> str:
    """Save an image whose only layer is said to have this diff_id."""

    def put(data: bytes) -> dict[str, Any]:
        return {"digest": importing.put(data), "size": len(data)}

    kind = "application/vnd.oci.image"
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        }
    ).encode()
    manifest = {
        "schemaVersion": 2,
        "config": {"mediaType": f"{kind}.config.v1+json", **put(config)},
        "layers": [{"mediaType": f"{kind}.layer.v1.{media_type}", **put(blob)}],
    }
    return str(put(json.dumps(manifest).encode())["digest"])


def test_lies_about_what_is_in_a_layer(importing: Import) -> None:
    raw, other = layer(), layer(b"other")
    packed = gzip.compress(raw)
    for blob, diff_id, kind in (
        (packed, digest_of(other), "tar+gzip"),
        (raw, digest_of(other), "tar"),
        (packed[:-20], digest_of(raw), "tar+gzip"),
    ):
        with pytest.raises(InvalidImage):
            importing.run(forged(importing, blob, diff_id, kind))
    assert importing.noted == {}
    assert list(importing.blobs.list_compressed()) == []


def test_a_layer_that_is_damaged_on_disk(importing: Import, tmp_path: Path) -> None:
    packed = gzip.compress(layer(), mtime=0)
    digest = forged(importing, packed, digest_of(layer()), "tar+gzip")
    digits = digest_of(packed).removeprefix("sha256:")
    path = tmp_path / "blobs" / "sha256" / digits[:2] / digits
    path.write_bytes(packed[:4] + b"?" + packed[5:])
    with pytest.raises(DigestMismatch):
        importing.run(digest)
    path.unlink()
    with pytest.raises(BlobMissing):
        importing.run(digest)


def test_another_machine(importing: Import) -> None:
    image = odd_image(layer())
    config = image.config.replace(b'"amd64"', b'"arm64"')
    assert config != image.config
    digest = forged_config(importing, image.layers[0], config)
    with pytest.raises(InvalidImage, match=r"linux/arm64.*linux/amd64"):
        importing.run(digest)


def forged_config(importing: Import, raw: bytes, config: bytes) -> str:
    kind = "application/vnd.oci.image"
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "config": {
                "mediaType": f"{kind}.config.v1+json",
                "digest": digest_of(config),
                "size": len(config),
            },
            "layers": [
                {
                    "mediaType": f"{kind}.layer.v1.tar",
                    "digest": digest_of(raw),
                    "size": len(raw),
                }
            ],
        }
    ).encode()
    with importing.blobs.batch() as add:
        for data in (raw, config, manifest):
            add(digest_of(data), data)
    return digest_of(manifest)


@pytest.mark.slow
def test_too_much(importing: Import) -> None:
    """A bomb: a gigabyte of zeros in a megabyte."""
    bomb = gzip.compress(Layer().add("zeros", content=bytes(64 * MIB)).data())
    raw_digest = digest_of(gzip.decompress(bomb))
    digest = forged(importing, bomb, raw_digest, "tar+gzip")
    with pytest.raises(InvalidImage, match="larger than"):
        importing.run(digest, image_bytes=32 * MIB)
    # Together, too.
    two = odd_image(layer(bytes(20 * MIB)), layer(b"1" * 20 * MIB), packing=GZIP)
    with pytest.raises(InvalidImage, match="larger than"):
        importing.run(two.save(importing.blobs), image_bytes=32 * MIB)
    many = odd_image(*(layer(b"%d" % number) for number in range(5)))
    with pytest.raises(InvalidImage, match="5 layers"):
        importing.run(many.save(importing.blobs), layers=4)


def test_an_import_may_be_ended(importing: Import) -> None:
    digest = odd_image(layer(bytes(MIB)), packing=GZIP).save(importing.blobs)

    def end() -> None:
        raise Au2Error("ended")

    importing._check = end  # type: ignore[method-assign]
    with pytest.raises(Au2Error, match="ended"):
        importing.run(digest)
    assert importing.noted == {}


def test_an_import_may_be_ended_while_nothing_comes_out(importing: Import) -> None:
    skipped = b"\x50\x2a\x4d\x18" + (900_000).to_bytes(4, "little") + bytes(900_000)
    packed = skipped + zstd.compress(layer())
    importing.run(forged(importing, packed, digest_of(layer()), "tar+zstd"))
    assert importing.checks > len(skipped) // CHUNK_BYTES


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress])
def test_a_layer_of_empty_members_is_refused(
    importing: Import, pack: Callable[[bytes], bytes]
) -> None:
    packed = pack(b"") * 5000 + pack(layer())
    with pytest.raises(InvalidImage, match="too many parts"):
        importing.run(forged(importing, packed, digest_of(layer()), "tar"))
    assert importing.noted == {}
    assert list(importing.blobs.list_compressed()) == []


def test_a_layer_with_a_large_window_is_refused(importing: Import) -> None:
    """Such as ``zstd --ultra -22`` writes it; each reader of what is in it would need so much."""
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 24})
    packed = packer.compress(layer(), zstd.ZstdCompressor.FLUSH_BLOCK) + packer.flush()
    with pytest.raises(InvalidImage, match="more than 8 MiB"):
        importing.run(forged(importing, packed, digest_of(layer()), "tar+zstd"))
