"""The part of the API that takes images, in memory, and able to fail at any request."""

import json
from dataclasses import dataclass, field

from au2.wire.documents import parse_record
from au2.wire.upload import BlobQuestion, ImageUploadView
from tests.support.images.busybox import digest_of
from tests.unit.client.api import PROCESS, Answer, Api, Request, job_document

SESSION = {
    "id": "up",
    "process": PROCESS,
    "version": 4,
    "upload_job": 12,
    "fencing_token": 7,
    "lease_seconds": 120.0,
    "heartbeat_seconds": 2.0,
    "architecture": "amd64",
    "variant": "",
    "resumed": False,
}
SESSION_VIEW = parse_record(ImageUploadView, SESSION)
EMPTY = {
    "process": PROCESS,
    "version": 4,
    "image_status": "NONE",
    "image_digest": None,
    "upload_job": None,
    "architecture": "amd64",
    "variant": "",
}
BEGIN = f"POST /processes/{PROCESS}/versions/4/image"
STANDING = f"GET /processes/{PROCESS}/versions/4/image"
LACKING = "POST /image-uploads/up/missing"
BLOBS = "PATCH /image-uploads/up/blobs/*"
MANIFEST = "PUT /image-uploads/up/manifest"
LEAVE = "POST /image-uploads/up/leave"
ABANDON = "DELETE /image-uploads/up"


def answer(document: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(document).encode())


def failure(status: int, code: str, message: str = "No.") -> Answer:
    return answer({"error": {"code": code, "message": message, "hint": None}}, status)


@dataclass
class ImageServer:
    """What has come. ``faults``: what happens to the next pieces, in turn; None: nothing."""

    api: Api
    blobs: dict[str, bytes] = field(default_factory=dict)
    parts: dict[str, bytes] = field(default_factory=dict)
    manifest: bytes | None = None
    media_type: str = ""
    faults: list[str | None] = field(default_factory=list)
    standing: dict[str, object] = field(default_factory=lambda: dict(EMPTY))

    def __post_init__(self) -> None:
        self.api.answer(BEGIN, SESSION, 201)
        self.api.routes |= {
            STANDING: lambda _: answer(self.standing),
            LACKING: self.find_missing,
            BLOBS: self.receive,
            MANIFEST: self.complete,
            LEAVE: Answer(204),
            ABANDON: Answer(204),
        }

    @property
    def pieces(self) -> list[Request]:
        return [request for request in self.api.requests if request.method == "PATCH"]

    @property
    def asked(self) -> list[str]:
        """Digests in the order of the questions."""
        questions = [request.document["blobs"] for request in self.api.of(LACKING)]
        return [blob["digest"] for blobs in questions for blob in blobs]

    def find_missing(self, request: Request) -> Answer:
        wanted = parse_record(BlobQuestion, request.document).blobs
        return answer(
            {
                "missing": [
                    {"digest": blob.digest, "received_bytes": len(self.parts.get(blob.digest, b""))}
                    for blob in wanted
                    if blob.digest not in self.blobs
                ]
            }
        )

    def receive(self, request: Request) -> Answer:
        digest = request.path.rpartition("/")[2].replace("%3A", ":")
        offset, size = int(request.query["offset_bytes"]), int(request.query["size_bytes"])
        assert request.query["fencing_token"] == "7"
        there = self.parts.get(digest, b"")
        fault = self.faults.pop(0) if self.faults else None
        if fault == "away":
            return Answer(cut=True)
        if fault == "lost":
            self.parts.pop(digest, None)
            return Answer(cut=True)
        if fault == "lease":
            return failure(409, "lease-lost", "Somebody took over.")
        if fault == "busy" or offset != len(there):
            return failure(409, "conflict", f"{len(there)} bytes have come.")
        if fault == "half":
            self.parts[digest] = there + request.body[: len(request.body) // 2]
            return Answer(cut=True)
        self.parts[digest] = there + request.body
        if fault == "deaf":
            return Answer(cut=True)
        return self._stored(digest, size)

    def _stored(self, digest: str, size: int) -> Answer:
        come = self.parts[digest]
        if len(come) == size:
            del self.parts[digest]
            if digest_of(come) != digest:
                return failure(422, "digest-mismatch")
            self.blobs[digest] = come
        return answer({"received_bytes": len(come), "is_whole": digest in self.blobs})

    def complete(self, request: Request) -> Answer:
        self.manifest, self.media_type = request.body, request.headers["content-type"]
        return answer(job_document(state="PENDING"))
