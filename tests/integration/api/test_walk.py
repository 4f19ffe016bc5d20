"""The straight path over HTTP: log in, make things, upload, run, follow."""

import json

import httpx

from au2.domain.jobs.job import JobState, Outcome
from au2.domain.processes.version import ImageStatus
from tests.support.servers.backend import OPERATOR, PASSWORD, Backend, frame


def read_events(text: str) -> list[tuple[str, str | None, dict]]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line[:1] != ":")
        if fields:
            found.append((fields["event"], fields.get("id"), json.loads(fields["data"])))
    return found


def test_the_whole_walk(client: httpx.Client, backend: Backend):
    token = client.post("/login", json={"email": OPERATOR.upper(), "password": PASSWORD}).json()
    client.headers["Authorization"] = f"Bearer {token['token']}"
    organization = client.post("/organizations", json={"name": "Acme"}).json()["id"]
    project = client.post(
        f"/organizations/{organization}/projects", json={"name": "Forecast"}
    ).json()["id"]
    context = {"organization": organization, "project": project.upper()}
    backend.runtime()

    (runtime,) = client.get("/runtimes", params=context).json()["items"]
    assert (runtime["name"], runtime["version"], runtime["organization"]) == ("Python3.11", 4, None)

    content, large = b"print('hello')\n", b"x" * 200_000
    files = [
        {"path": "main.py", "size_bytes": len(content), "sha256": frame(content)[:32].hex()},
        {"path": "data.bin", "size_bytes": len(large), "sha256": frame(large)[:32].hex()},
    ]
    begun = client.post(
        "/uploads",
        params=context,
        json={"name": "hello", "runtime": "Python3.11", "files": files},
    )
    assert begun.status_code == 201, begun.text
    upload = begun.json()
    assert upload["version"] == 1
    assert upload["missing"] == [file["sha256"] for file in files]
    fence = {"fencing_token": upload["fencing_token"]}
    address = f"/uploads/{upload['id']}"
    early = client.post(f"{address}/complete", params=fence)
    assert (early.status_code, early.json()["error"]["code"]) == (409, "conflict")
    sent = client.put(
        f"{address}/contents", params=fence, content=frame(content) + frame(large)
    ).json()
    size_bytes = len(content) + len(large) + 80
    assert sent == {"received_bytes": size_bytes, "missing": [], "job": None}
    job = client.post(f"{address}/complete", params=fence).json()
    assert (job["id"], job["type"], job["state"]) == (
        upload["upload_job"],
        "metro-dispatcher:process-upload",
        "PENDING",
    )
    assert client.post(f"{address}/complete", params=fence).json() == job
    process = upload["process"]
    (version,) = client.get(f"/processes/{process}/versions").json()["items"]
    assert (version["version"], version["image_status"]) == (1, ImageStatus.BUILDING)

    number = backend.version(process)
    run = client.post("/jobs", params=context, json={"process": "hello", "arguments": {"a": [1]}})
    assert run.status_code == 201, run.text
    run_id = run.json()["id"]
    shown = client.get(f"/jobs/{run_id}").json()
    assert shown.pop("waiting")["code"] == "no-dispatcher"
    assert run.json() == {**shown, "waiting": None}
    assert run.json()["version"] == number
    claim = backend.claim(run_id)
    backend.log(run_id).write_line("stdout", "hello")
    backend.append_log(run_id, b"2030-01-01T00:00:00Z stderr P \xff\n")
    backend.end(claim, Outcome(JobState.SUCCEEDED, exit_code=0), {"answer": 42})

    followed = client.get(f"/jobs/{run_id}/logs/follow")
    assert followed.headers["content-type"].startswith("text/event-stream")
    log, end = read_events(followed.text)
    raw = client.get(f"/jobs/{run_id}/logs")
    assert log[1] == str(len(raw.content))
    assert raw.content.endswith(b"stderr P \xff\n")
    first, second = log[2]["records"]
    assert (first["stream"], first["text"]) == ("stdout", "hello")
    assert (second["stream"], second["partial"], second["base64"]) == ("stderr", True, "/w==")
    assert (end[0], end[2]["state"]) == ("end", "SUCCEEDED")
    assert client.get(f"/jobs/{run_id}/output").json() == {"answer": 42}
    page = client.get("/jobs", params={**context, "limit": 1}).json()
    assert [item["id"] for item in page["items"]] == [run_id]
    page = client.get("/jobs", params={**context, "after": page["next"]}).json()
    assert [item["id"] for item in page["items"]] == [upload["upload_job"]]
    assert page["next"] is None


def test_health_needs_no_token(client: httpx.Client):
    assert client.get("/health").json() == {"status": "ok", "version": "0"}
