"""The endpoints of package uploads, in memory."""

import hashlib
import json

from tests.unit.client.api import NOW, PROCESS, Answer, Api, Request, job_document

RUNTIME = "cc76d137-acf6-488f-80a7-a1db6c9d9cd7"


def runtime_document(**changes: object) -> dict[str, object]:
    return {
        "id": RUNTIME,
        "name": "Python3.11",
        "language": "python",
        "version": 4,
        "image_digest": "sha256:0",
        "organization": None,
        "project": None,
        "created_at": NOW,
        "retired_at": None,
        **changes,
    }


class Store:
    """The upload endpoints, remembering contents as the server would."""

    def __init__(self, api: Api) -> None:
        self.contents: set[str] = set()
        self.lists: list[dict[str, object]] = []
        self.known: int | None = None
        self.named: str | None = PROCESS
        """The process that has the package's name at each question; None: there is none."""
        api.routes["POST /uploads"] = self._begin
        api.routes["POST /uploads/compare"] = lambda _: self._comparison()
        api.routes["PUT /uploads/up/contents"] = self._receive
        api.answer("POST /uploads/up/complete", job_document(state="PENDING"))
        api.routes["DELETE /uploads/up"] = Answer(204)

    def _begin(self, request: Request) -> Answer:
        self.lists.append(request.document)
        if self.known is not None and not request.document.get("force"):
            return self._comparison()
        digests = [
            file["sha256"]
            for file in request.document["files"]
            if file.get("type", "file") == "file"
        ]
        lacking = sorted(set(digests) - self.contents)
        view = {"id": "up", "process": PROCESS, "version": 4, "upload_job": 12, "fencing_token": 1}
        return Answer(body=json.dumps(view | {"missing": lacking}).encode())

    def _comparison(self) -> Answer:
        versions = {"runtime_version": 4, "newest_runtime_version": 4}
        document = {"process": self.named, "equal_version": self.known, **versions}
        return Answer(body=json.dumps(document).encode())

    def _receive(self, request: Request) -> Answer:
        body = request.body
        while body:
            size = int.from_bytes(body[32:40], "big")
            self.contents.add(hashlib.sha256(body[40 : 40 + size]).hexdigest())
            body = body[40 + size :]
        return Answer(body=json.dumps({"received_bytes": 1, "missing": []}).encode())
