"""Somebody who talks to the registry, as container tools do."""

import json
from typing import Any

import httpx

from tests.support.images.busybox import digest_of
from tests.support.servers.backend import Backend

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
NOWHERE = "sha256:" + "0" * 64


class Guest:
    """A user with a token, at one repository unless another is named."""

    def __init__(self, backend: Backend, client: httpx.Client, email: str, repository: str) -> None:
        self.client = client
        self.headers = backend.bearer(email)
        self.repository = repository

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask for what is at ``path`` (below the repository, or absolute)."""
        headers = self.headers | options.pop("headers", {})
        url = path if path.startswith("/") else f"/v2/{self.repository}/{path}"
        return self.client.request(method, url, headers=headers, **options)

    def begin(self, **query: str) -> httpx.Response:
        """Begin an upload, or mount."""
        return self.ask("POST", "blobs/uploads/", params=query)

    def push_blob(self, data: bytes) -> str:
        """Send a blob whole; return its digest."""
        answer = self.ask(
            "POST", "blobs/uploads/", params={"digest": digest_of(data)}, content=data
        )
        assert answer.status_code == 201, answer.text
        return digest_of(data)

    def put(self, reference: str, manifest: bytes, media_type: str = MANIFEST) -> httpx.Response:
        """Send a manifest."""
        return self.ask(
            "PUT", f"manifests/{reference}", content=manifest, headers={"Content-Type": media_type}
        )

    def push(self, tag: str, layer: bytes = b"layer", **fields: Any) -> bytes:
        """Send a small image under a tag; return its manifest."""
        for blob in (b"{}", layer):
            self.push_blob(blob)
        manifest = make_manifest(layer, **fields)
        answer = self.put(tag, manifest)
        assert answer.status_code == 201, answer.text
        return manifest


def describe(media_type: str, data: bytes) -> dict[str, Any]:
    """Return the descriptor of ``data``."""
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def make_manifest(layer: bytes = b"layer", **fields: Any) -> bytes:
    """Return the manifest of an image with an empty configuration and one layer."""
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": describe(CONFIG, b"{}"),
        "layers": [describe(LAYER, layer)],
    }
    return json.dumps(document | fields).encode()


def code(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of an error, whose form is the specification's."""
    (error,) = answer.json()["errors"]
    assert error["message"]
    return answer.status_code, error["code"]
