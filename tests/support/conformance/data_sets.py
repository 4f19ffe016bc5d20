"""Data sets of the suite: images, indexes and artifacts, and the rows about them."""

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support.conformance.blobs import post_put, read_and_delete
from tests.support.conformance.steps import LOCATION, Step, digest_by, random_bytes, step

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_TAR = "application/vnd.oci.image.layer.v1.tar"
FOREIGN_GZIP = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
FOREIGN_TAR = "application/vnd.oci.image.layer.nondistributable.v1.tar"
EMPTY = "application/vnd.oci.empty.v1+json"
EXAMPLE = "application/vnd.example.oci.conformance"
_BOTH = f"{MANIFEST}, {INDEX}"


@dataclass(slots=True)
class DataSet:
    """Blobs and manifests that belong together, in the order of their push."""

    algorithm: str = "sha256"
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Media type and bytes by digest."""
    tags: dict[str, str] = field(default_factory=dict)
    """Digests by tag."""
    absent: set[str] = field(default_factory=set)
    """Digests of layers that are not pushed."""

    def blob(self, content: bytes, media_type: str, **more: Any) -> dict[str, Any]:
        """Add a blob; return its descriptor."""
        digest = digest_by(self.algorithm, content)
        self.blobs[digest] = content
        return {"mediaType": media_type, "digest": digest, "size": len(content), **more}

    def missing(self, media_type: str, size_bytes: int) -> dict[str, Any]:
        """Return the descriptor of a non-distributable layer that is not pushed."""
        digest = digest_by(self.algorithm, random_bytes(size_bytes))
        self.absent.add(digest)
        urls = [f"https://store.example.com/blobs/{digest.replace(':', '/')}"]
        return {"mediaType": media_type, "digest": digest, "size": size_bytes, "urls": urls}

    def manifest(
        self, media_type: str, document: dict[str, Any], *tags: str, spaces: str = ""
    ) -> dict[str, Any]:
        """Add a manifest or index; return its descriptor."""
        whole = {"schemaVersion": 2, "mediaType": media_type, **document}
        data = json.dumps(whole).encode()
        digest = digest_by(self.algorithm, data)
        self.manifests[digest] = (media_type, data + spaces.encode())
        self.tags |= dict.fromkeys(tags, digest)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def image(self, *tags: str, machine: str = "amd64", **more: Any) -> dict[str, Any]:
        """Add an image of two layers; ``more``: members of its manifest. Return its descriptor."""
        media_type = more.pop("layer_type", LAYER_GZIP)
        layers = [random_bytes(1024) for _ in range(2)]
        packed = [gzip.compress(layer) if media_type == LAYER_GZIP else layer for layer in layers]
        # The suite gives every diff ID as the digest of no bytes; nobody may read them at a push.
        diff_ids = [digest_by(self.algorithm, b"")] * 2
        rootfs = {"type": "layers", "diff_ids": diff_ids}
        config = {"architecture": machine, "os": "linux", "rootfs": rootfs}
        spaces = more.pop("spaces", "")
        document = {
            "config": self.blob(json.dumps(config | more.pop("config", {})).encode(), CONFIG),
            "layers": [self.blob(layer, media_type) for layer in packed],
            **more,
        }
        platform = {"os": "linux", "architecture": machine}
        return self.manifest(MANIFEST, document, *tags, spaces=spaces) | {"platform": platform}

    def artifact(self, *tags: str, layers: Sequence[bytes] = (), **more: Any) -> dict[str, Any]:
        """Add an artifact with an empty configuration; return its descriptor."""
        empty = self.blob(b"{}", EMPTY)
        found = [self.blob(layer, EXAMPLE) for layer in layers] or [empty]
        return self.manifest(MANIFEST, {"config": empty, "layers": found, **more}, *tags)

    def index(self, *tags: str, manifests: Sequence[Any] | None = None, **more: Any) -> Any:
        """Add an index, of two images without ``manifests``; return its descriptor."""
        if manifests is None:
            manifests = [self.image(machine=machine) for machine in ("amd64", "arm64")]
        return self.manifest(INDEX, {"manifests": list(manifests), **more}, *tags)


def _bare(descriptor: dict[str, Any]) -> dict[str, Any]:
    return {name: descriptor[name] for name in ("mediaType", "digest", "size")}


def _nested_index(one: DataSet) -> None:
    one.index("nested", manifests=[one.index(), one.index()])


def _artifact_index(one: DataSet) -> None:
    parts = [one.artifact(layers=[random_bytes(64)], artifactType=EXAMPLE) for _ in range(2)]
    one.index("artifacts", manifests=parts, artifactType=EXAMPLE)


def _artifacts_with_subject(one: DataSet) -> None:
    subject = _bare(one.image("subject"))
    one.artifact("first", layers=[random_bytes(64)], subject=subject)
    for version in ("v1", "v2"):
        tags = ("second",) if version == "v1" else ()
        notes = {"org.example": version}
        kind = f"{EXAMPLE}.{version}"
        layers = [random_bytes(64)]
        one.artifact(*tags, layers=layers, subject=subject, artifactType=kind, annotations=notes)


def _index_with_subject(one: DataSet) -> None:
    subject = _bare(one.image("image"))
    one.index("about", manifests=[], subject=subject, artifactType=EXAMPLE)


def _missing_subject(one: DataSet) -> None:
    nowhere = {"mediaType": MANIFEST, "digest": digest_by("sha256", random_bytes(9)), "size": 123}
    one.artifact("about-nothing", subject=nowhere, artifactType=EXAMPLE)


def _data_field(one: DataSet) -> None:
    empty = one.blob(b"{}", EMPTY, data="e30=")
    one.manifest(MANIFEST, {"config": empty, "layers": [empty], "artifactType": EXAMPLE}, "data")


def _non_distributable(one: DataSet) -> None:
    config = {"architecture": "amd64", "os": "linux"}
    document = {
        "config": one.blob(json.dumps(config).encode(), CONFIG),
        "layers": [
            one.missing(FOREIGN_GZIP, 123_456),
            one.missing(FOREIGN_TAR, 12_345),
            one.blob(gzip.compress(random_bytes(100)), LAYER_GZIP),
        ],
    }
    one.manifest(MANIFEST, document, "non-distributable")


def _custom_fields(one: DataSet) -> None:
    members: dict[str, Any] = {"org.example": {"a": [1]}}
    image = one.image("custom", config={"org.example": 1}, **members)
    one.index("custom-index", manifests=[image], **members)


def _no_layers(one: DataSet) -> None:
    config = one.blob(b'{"architecture":"amd64","os":"linux"}', CONFIG)
    one.manifest(MANIFEST, {"config": config, "layers": []}, "no-layers")


_LARGE = {f"large{number}": "x" * 10_000 for number in range(390)}
_MAKERS: dict[str, Callable[[DataSet], object]] = {
    "image": lambda one: one.image("image"),
    "image-uncompressed": lambda one: one.image("uncompressed", layer_type=LAYER_TAR),
    "large-manifest": lambda one: one.image("large", annotations=_LARGE),
    "index": lambda one: one.index("index"),
    "nested-index": _nested_index,
    "empty-index": lambda one: one.index("empty", manifests=[]),
    "artifact": lambda one: one.artifact("a", layers=[random_bytes(64)], artifactType=EXAMPLE),
    "artifact-index": _artifact_index,
    "artifact-without-layers": lambda one: one.artifact("bare", artifactType=EXAMPLE),
    "artifacts-with-subject": _artifacts_with_subject,
    "index-with-subject": _index_with_subject,
    "missing-subject": _missing_subject,
    "data-field": _data_field,
    "non-distributable-layers": _non_distributable,
    "custom-fields": _custom_fields,
    "no-layers": _no_layers,
    "sha512": lambda one: one.index(),
}
DATA_SETS = tuple(_MAKERS)
"""The suite's names of its data sets."""


def make_data_set(name: str) -> DataSet:
    """Return a new data set."""
    one = DataSet("sha512" if name == "sha512" else "sha256")
    _MAKERS[name](one)
    return one


def data_set_steps(one: DataSet) -> Iterator[Step]:
    """Yield the rows of a data set: push, lists, pulls, referrers, and deletion."""
    for digest, data in one.blobs.items():
        yield from post_put(data, digest)
    for digest in one.manifests:
        yield from _put_manifest(one, digest, digest)
    for tag, digest in one.tags.items():
        yield from _put_manifest(one, digest, tag)
    yield from _list_steps(one)
    for reference in (*one.tags, *one.manifests):
        digest = one.tags.get(reference, reference)
        media_type, data = one.manifests[digest]
        answers = {"Content-Type": media_type, "Content-Length": str(len(data))}
        path = f"manifests/{reference}"
        for method, content in (("HEAD", b""), ("GET", data)):
            accept = {"Accept": _BOTH}
            yield step(method, path, 200, headers=accept, answers=answers, content=content)
    for digest, data in one.blobs.items():
        yield from read_and_delete(data, digest)
    for tag in one.tags:
        yield from (step("DELETE", f"manifests/{tag}", 202), step("HEAD", f"manifests/{tag}", 404))
    for digest in reversed(one.manifests):
        yield step("DELETE", f"manifests/{digest}", 202)
        yield step("HEAD", f"manifests/{digest}", 404)


def _put_manifest(one: DataSet, digest: str, reference: str) -> Iterator[Step]:
    media_type, data = one.manifests[digest]
    answers = {"Location": ""}
    subject = json.loads(data).get("subject")
    if subject is not None:
        answers["OCI-Subject"] = subject["digest"]
    if one.absent:
        answers["Warning"] = ""
    headers = {"Content-Type": media_type}
    path = f"manifests/{reference}"
    yield step("PUT", path, 201, headers=headers, body=data, is_chunked=True, answers=answers)
    same = {"Content-Type": media_type, "Content-Length": str(len(data))}
    yield step("GET", LOCATION, 200, headers={"Accept": _BOTH}, answers=same, content=data)


def _list_steps(one: DataSet) -> Iterator[Step]:
    tags = sorted(one.tags)
    yield step("GET", "tags/list", 200, holds=lambda found: found["tags"] == tags)
    if tags:
        middle = tags[len(tags) // 2]
        rest = [tag for tag in tags if tag > middle]
        query = {"last": middle}
        yield step("GET", "tags/list", 200, query=query, holds=lambda found: found["tags"] == rest)
    referrers: dict[str, list[dict[str, Any]]] = {}
    for digest, (media_type, data) in one.manifests.items():
        document = json.loads(data)
        if "subject" in document:
            entry = {"mediaType": media_type, "digest": digest, "size": len(data)}
            kind = document.get("artifactType", document.get("config", {}).get("mediaType"))
            notes = document.get("annotations")
            entry |= {"artifactType": kind} | ({"annotations": notes} if notes else {})
            referrers.setdefault(document["subject"]["digest"], []).append(entry)
    for subject, entries in referrers.items():
        yield _referrers(subject, entries)
        for kind in {entry["artifactType"] for entry in entries}:
            yield _referrers(
                subject, [entry for entry in entries if entry["artifactType"] == kind], kind
            )


def _referrers(subject: str, entries: list[dict[str, Any]], kind: str | None = None) -> Step:
    def holds(found: Any) -> bool:
        by_digest = sorted(entries, key=lambda entry: str(entry["digest"]))
        return bool(found["manifests"] == by_digest and found["mediaType"] == INDEX)

    query = {} if kind is None else {"artifactType": kind}
    answers = {"Content-Type": INDEX}
    answers |= {} if kind is None else {"OCI-Filters-Applied": "artifactType"}
    return step("GET", f"referrers/{subject}", 200, query=query, answers=answers, holds=holds)
