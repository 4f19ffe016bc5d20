"""Images that a registry made up: what is taken and what is refused."""

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from au2.domain.errors import RegistryFailure, RuntimeBuildFailed
from au2.oci.registry_client.registry import Registry
from au2.oci.spec import media_types
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.platform import AMD64
from au2.runtimes.pulled_image import PulledImage, pull_image
from au2.stores.content.filesystem import FileContentStore
from tests.support.network.hostile_registry import Answer, Asked, scripted_registry


def archive(path: str = "a") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        tar.addfile(tarfile.TarInfo(path))
    return out.getvalue()


LAYER = archive()


@dataclass(slots=True)
class MadeUp:
    """An image, and the answers of its registry."""

    layers: list[bytes] = field(default_factory=lambda: [gzip.compress(LAYER)])
    diff_ids: list[str] = field(default_factory=lambda: [sha256_of(LAYER)])
    config: Mapping[str, Any] = field(default_factory=dict)
    layer_type: str = media_types.DOCKER_LAYER_GZIP
    index: bool = False
    blobs: dict[str, bytes] = field(default_factory=dict)

    def pull(self, folder: Path) -> PulledImage:
        top = self._add(self._manifest())
        with scripted_registry(self._answer) as registry:
            return pull_image(
                f"{registry.name}/made/up@{top}",
                FileContentStore(folder),
                platform=AMD64,
                open_registry=lambda name: closing(Registry(name)),
                progress=print,
            )

    def _answer(self, asked: Asked) -> Answer:
        found = self.blobs.get(asked.path.rpartition("/")[2])
        return Answer(404) if found is None else Answer(body=found)

    def _add(self, data: bytes) -> str:
        digest = sha256_of(data)
        self.blobs[digest] = data
        return digest

    def _manifest(self) -> bytes:
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["A=1"], "User": "me", "Entrypoint": ["x"]},
            "rootfs": {"type": "layers", "diff_ids": self.diff_ids},
            **self.config,
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": media_types.DOCKER_MANIFEST,
            "config": self._describe(media_types.DOCKER_CONFIG, json.dumps(config).encode()),
            "layers": [self._describe(self.layer_type, layer) for layer in self.layers],
        }
        data = json.dumps(manifest).encode()
        if not self.index:
            return data
        platform = {"os": "linux", "architecture": "amd64"}
        entry = {**self._describe(media_types.DOCKER_MANIFEST, data), "platform": platform}
        return json.dumps(
            {"schemaVersion": 2, "mediaType": media_types.DOCKER_INDEX, "manifests": [entry]}
        ).encode()

    def _describe(self, media_type: str, data: bytes) -> dict[str, Any]:
        return {"mediaType": media_type, "digest": self._add(data), "size": len(data)}


@pytest.mark.parametrize("index", [False, True])
def test_an_image(tmp_path: Path, index: bool) -> None:
    pulled = MadeUp(index=index).pull(tmp_path)
    [layer] = pulled.layers
    assert (layer.digest, layer.size_bytes) == (sha256_of(LAYER), len(LAYER))
    assert pulled.config.env == ("A=1",)
    assert (pulled.config.user, pulled.config.entrypoint, pulled.config.diff_ids) == ("", (), ())
    with FileContentStore(tmp_path).open(layer.digest) as stream:
        assert stream.read() == LAYER
    plain = MadeUp(layers=[LAYER], layer_type=media_types.LAYER_TAR).pull(tmp_path / "plain")
    assert [one.digest for one in plain.layers] == [layer.digest]


@pytest.mark.parametrize(
    ("made_up", "words"),
    [
        (MadeUp(diff_ids=["sha256:" + "0" * 64]), "was stated"),
        (MadeUp(diff_ids=[]), "has 1 layers but"),
        (MadeUp(layers=[gzip.compress(LAYER)[:-4]]), "cut off"),
        (MadeUp(layers=[b"\x28\xb5\x2f\xfd" + bytes(100)]), "zstd"),
        (MadeUp(layer_type="application/x-other"), "unknown type"),
        (MadeUp(config={"architecture": "arm64"}), "linux/arm64"),
        (MadeUp(config={"os": "windows"}), "windows/amd64"),
        (MadeUp(config={"rootfs": {"type": "other"}}), "does not consist of layers"),
    ],
)
def test_what_is_refused(tmp_path: Path, made_up: MadeUp, words: str) -> None:
    with pytest.raises(RuntimeBuildFailed, match=words):
        made_up.pull(tmp_path)
    assert not list((tmp_path / "incoming").iterdir())


def test_a_layer_that_explodes_is_stopped_by_its_digest(tmp_path: Path) -> None:
    # What does not have the stated digest is never named, whatever it grew to.
    bomb = gzip.compress(bytes(64 << 20))
    with pytest.raises(RuntimeBuildFailed, match="was stated"):
        MadeUp(layers=[bomb]).pull(tmp_path)
    assert list(FileContentStore(tmp_path).list_digests()) == []


def test_an_image_that_is_not_there_is_named_as_people_name_it(tmp_path: Path) -> None:
    digest = f"sha256:{'0' * 64}"
    with scripted_registry(lambda _: Answer(404)) as registry:
        for target in (":nope", f"@{digest}"):
            with pytest.raises(RegistryFailure, match=rf"has no image made/up{target}\."):
                pull_image(
                    f"{registry.name}/made/up{target}",
                    FileContentStore(tmp_path),
                    platform=AMD64,
                    open_registry=lambda name: closing(Registry(name)),
                    progress=print,
                )
