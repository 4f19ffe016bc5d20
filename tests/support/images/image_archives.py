"""Archives of images made by hand, laid out as tools write them that can't be installed here.

The layouts follow the tools' sources: moby ``image/tarexport/save.go`` (Docker 20.10, 25.0, later
ones), go-containerregistry ``pkg/v1/tarball/write.go`` (crane, ko, kaniko), containerd
``images/archive/exporter.go`` (docker buildx, Docker with containerd's image store) and BuildKit
``docs/attestations/attestation-storage.md``.
"""

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backports import zstd

from au2.oci.spec.platform import Platform, parse_platform
from tests.support.images.busybox import digest_of

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
NAME = "my-name/my-process:latest"

Packing = Callable[[bytes], bytes]
Files = dict[str, bytes]


def on(architecture: str, variant: str = "") -> Platform:
    """Return a machine with Linux."""
    return parse_platform("linux", architecture, variant)


def pack_gzip(data: bytes) -> bytes:
    """Compress; without a time, so that the same gives the same."""
    return gzip.compress(data, mtime=0)


def pack_zstd(data: bytes) -> bytes:
    """Compress, as ``compression=zstd`` of BuildKit."""
    return zstd.compress(data)


Members = Sequence[tuple[str, bytes | str]]
"""Names with the bytes of a file or the target of a symbolic link; a name may come again."""


def make_members(members: Members) -> bytes:
    """Return a tar archive of these members."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in members:
            entry = tarfile.TarInfo(name)
            if isinstance(data, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, data
                archive.addfile(entry)
            else:
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def make_tar(files: Mapping[str, bytes], links: Mapping[str, str] | None = None) -> bytes:
    """Return a tar archive of these files and symbolic links, in their order."""
    return make_members([*files.items(), *(links or {}).items()])


def to_json(value: object) -> bytes:
    """Return JSON as Go programs write it."""
    return json.dumps(value, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class HandMade:
    """An image: uncompressed layers, lowest first, and a configuration of them."""

    layers: tuple[bytes, ...]
    architecture: str = "amd64"
    os: str = "linux"
    variant: str = ""

    @property
    def diff_ids(self) -> tuple[str, ...]:
        """Digests of the layers."""
        return tuple(map(digest_of, self.layers))

    @property
    def platform(self) -> dict[str, str]:
        """As an index and a configuration tell it."""
        variant = {"variant": self.variant} if self.variant else {}
        return {"architecture": self.architecture, "os": self.os, **variant}

    @property
    def config(self) -> bytes:
        """The configuration's bytes."""
        return to_json(
            {
                **self.platform,
                "config": {"Cmd": ["/bin/sh"]},
                "rootfs": {"type": "layers", "diff_ids": self.diff_ids},
            }
        )

    @property
    def id(self) -> str:
        """The digest of the configuration, by which Docker calls the image."""
        return digest_of(self.config)


def make_image(*contents: bytes, architecture: str = "amd64", variant: str = "") -> HandMade:
    """Return an image with a layer of one file for each of ``contents``."""
    layers = [make_tar({f"file-{number}": data}) for number, data in enumerate(contents)]
    return HandMade(tuple(layers), architecture, variant=variant)


Writer = Callable[[HandMade], bytes]


def blob(digest: str) -> str:
    """Return the path of a blob in an image layout."""
    return "blobs/" + digest.replace(":", "/")


def describe(media_type: str, data: bytes, **more: Any) -> dict[str, Any]:
    """Return a descriptor of ``data``."""
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data), **more}


def docker_20(*images: tuple[HandMade, Sequence[str]]) -> bytes:
    """As ``docker save`` up to 24: a folder for each layer; an equal layer is a link to another."""
    files: Files = {}
    links: dict[str, str] = {}
    first: dict[str, str] = {}
    listed: list[dict[str, Any]] = []
    repositories: dict[str, dict[str, str]] = {}
    for image, names in images:
        paths = []
        for number, layer in enumerate(image.layers):
            folder = digest_of(f"{image.id} {number}".encode()).removeprefix("sha256:")
            path = f"{folder}/layer.tar"
            files |= {f"{folder}/VERSION": b"1.0", f"{folder}/json": to_json({"id": folder})}
            if (other := first.setdefault(digest_of(layer), path)) != path:
                links[path] = f"../{other}"
            else:
                files[path] = layer
            paths.append(path)
        config = image.id.removeprefix("sha256:") + ".json"
        files[config] = image.config
        repositories |= {name.rpartition(":")[0]: {name.rpartition(":")[2]: "0"} for name in names}
        listed.append({"Config": config, "RepoTags": list(names) or None, "Layers": paths})
    files |= {"manifest.json": to_json(listed), "repositories": to_json(repositories)}
    return make_tar(dict(sorted(files.items())), links)


def bundle(image: HandMade, names: Sequence[str] = (NAME,)) -> bytes:
    """As Bazel's rules_docker: a layer's folder is called by its digest, and written each time."""
    paths = [digest.removeprefix("sha256:") + "/layer.tar" for digest in image.diff_ids]
    listed = [{"Config": "c.json", "RepoTags": list(names), "Layers": paths}]
    return make_members(
        [
            *zip(paths, image.layers, strict=True),
            ("c.json", image.config),
            ("manifest.json", to_json(listed)),
        ]
    )


def docker_25(
    image: HandMade,
    names: Sequence[str] = (NAME,),
    *,
    manifest_layers: Sequence[bytes] | None = None,
    lists_untagged: bool = True,
) -> bytes:
    """As ``docker save`` from 25 on: a list, and an image layout of the same blobs.

    Args:
        image: what is saved.
        names: its tags.
        manifest_layers: what its manifest holds in place of the layers: 25.0 had none, some
            releases after it had them in any order and equal ones once.
        lists_untagged: whether an image without a tag is in ``index.json`` at all.
    """
    chosen = image.layers if manifest_layers is None else manifest_layers
    manifest = to_json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": describe(CONFIG, image.config),
            "layers": [describe(LAYER, layer) for layer in chosen],
        }
    )
    entries = [
        describe(
            MANIFEST,
            manifest,
            annotations={
                "io.containerd.image.name": f"docker.io/{name}",
                "org.opencontainers.image.ref.name": name.rpartition(":")[2],
            },
        )
        for name in names
    ]
    if not entries and lists_untagged:
        entries = [describe(MANIFEST, manifest)]
    legacy = to_json({"id": "0", "os": "linux"})
    blobs = (*image.layers, image.config, manifest, legacy)
    listed = {
        "Config": blob(image.id),
        "RepoTags": list(names) or None,
        "Layers": [blob(digest) for digest in image.diff_ids],
        "LayerSources": {digest: describe(LAYER, b"") for digest in image.diff_ids},
    }
    return make_tar(
        {
            **dict(sorted((blob(digest_of(data)), data) for data in blobs)),
            "index.json": to_json(
                {"schemaVersion": 2, "mediaType": INDEX, "manifests": entries or None}
            ),
            "manifest.json": to_json([listed]),
            "oci-layout": to_json({"imageLayoutVersion": "1.0.0"}),
            "repositories": to_json({}),
        }
    )


def layout_files(images: Sequence[HandMade], *, states_platform: bool) -> Files:
    """Return the files of an image layout whose index names these images side by side."""
    files: Files = {"oci-layout": to_json({"imageLayoutVersion": "1.0.0"})}
    entries = []
    for image in images:
        manifest = _manifest(image.config, [(LAYER, layer) for layer in image.layers])
        files |= {blob(digest_of(data)): data for data in (*image.layers, image.config, manifest)}
        platform = {"platform": image.platform} if states_platform else {}
        entries.append(describe(MANIFEST, manifest, **platform))
    return files | {"index.json": to_json({"schemaVersion": 2, "manifests": entries})}


def crane(image: HandMade, names: Sequence[str] = (NAME,), pack: Packing = pack_gzip) -> bytes:
    """As ``crane pull``: packed layers, once each, and a configuration called by its digest."""
    packed = [pack(layer) for layer in image.layers]
    paths = [digest_of(data).removeprefix("sha256:") + ".tar.gz" for data in packed]
    return make_tar(
        {
            image.id: image.config,
            **dict(zip(paths, packed, strict=True)),
            "manifest.json": to_json(
                [{"Config": image.id, "RepoTags": list(names), "Layers": paths}]
            ),
        }
    )


def buildx(
    *images: HandMade,
    name: str | None = NAME,
    pack: Packing = pack_gzip,
    layer_type: str = f"{LAYER}+gzip",
    attests: bool = True,
    leaves_out: Sequence[str] = (),
) -> bytes:
    """As ``docker buildx build --output type=oci``: one index, with an attestation for each image.

    Args:
        images: one for each platform.
        name: what is given as ``name=``.
        pack: how layers are packed.
        layer_type: the media type that says so.
        attests: whether there are attestations.
        leaves_out: architectures whose blobs are not in the archive, though the index tells them.
    """
    blobs: list[bytes] = []
    entries: list[dict[str, Any]] = []
    attestations: list[dict[str, Any]] = []
    for image in images:
        packed = [pack(layer) for layer in image.layers]
        manifest = _manifest(image.config, [(layer_type, data) for data in packed])
        entries.append(describe(MANIFEST, manifest, platform=image.platform))
        if image.architecture not in leaves_out:
            blobs += [*packed, image.config, manifest]
        if attests:
            statement = to_json({"_type": "https://in-toto.io/Statement/v0.1"})
            config = to_json({"architecture": "unknown", "os": "unknown"})
            attestation = _manifest(config, [("application/vnd.in-toto+json", statement)])
            blobs += [statement, config, attestation]
            attestations.append(
                describe(
                    MANIFEST,
                    attestation,
                    annotations={
                        "vnd.docker.reference.digest": digest_of(manifest),
                        "vnd.docker.reference.type": "attestation-manifest",
                    },
                    platform={"architecture": "unknown", "os": "unknown"},
                )
            )
    index = to_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries + attestations})
    annotations = {"org.opencontainers.image.created": "2026-01-01T00:00:00Z"}
    if name is not None:
        annotations |= {
            "io.containerd.image.name": f"docker.io/{name}",
            "org.opencontainers.image.ref.name": name.rpartition(":")[2],
        }
    root = {"schemaVersion": 2, "manifests": [describe(INDEX, index, annotations=annotations)]}
    return make_tar(
        {
            **{blob(digest_of(data)): data for data in sorted((*blobs, index), key=digest_of)},
            "index.json": to_json(root),
            "oci-layout": to_json({"imageLayoutVersion": "1.0.0"}),
        }
    )


def _manifest(config: bytes, layers: Sequence[tuple[str, bytes]]) -> bytes:
    return to_json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": describe(CONFIG, config),
            "layers": [describe(media_type, data) for media_type, data in layers],
        }
    )
