import hashlib
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from au2.client.http.transport import Transport
from au2.client.packages.upload import (
    Progress,
    UploadPlan,
    abandon_upload,
    begin_upload,
    compare_package,
    complete_upload,
    make_body,
    pick_contents,
    send_contents,
)
from au2.domain.accounts.context import Context
from au2.domain.errors import (
    Conflict,
    InvalidPackage,
    LeaseLost,
    ServerUnreachable,
    UnexpectedAnswer,
)
from au2.domain.network_retry import LIMIT_SECONDS
from au2.package.tree.entries import PackagedFile
from au2.wire.documents import format_document, format_request, parse_record
from au2.wire.job import JobView
from au2.wire.upload import (
    CONTENTS_MEDIA_TYPE,
    HEADER_BYTES,
    UploadComparison,
    UploadCreation,
    UploadView,
    parse_header,
)
from tests.unit.client.api import PROCESS, Answer, Api, Request, job_document
from tests.unit.client.passing_time import PassingTime


def packaged(source: Path | bytes, path: str = "a") -> PackagedFile:
    content = source if isinstance(source, bytes) else source.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return PackagedFile(path, "file", False, len(content), digest, "", source)


def plan(*files: PackagedFile, process: str | None = None) -> UploadPlan:
    return UploadPlan(process, "forecast", "What it does", "Python3.11", None, files)


def session(missing: Sequence[str], fence: int = 7, upload_id: str = "up 1") -> UploadView:
    return UploadView(
        id=upload_id,
        process=PROCESS,
        version=4,
        upload_job=12,
        fencing_token=fence,
        missing=list(missing),
    )


def view(missing: Sequence[str], fence: int = 7) -> dict[str, object]:
    return format_document(session(missing, fence, "up"))


def unframe(body: bytes) -> list[bytes]:
    stream, found = io.BytesIO(body), []
    while header := stream.read(HEADER_BYTES):
        parsed = parse_header(header)
        content = stream.read(parsed.size_bytes)
        assert hashlib.sha256(content).hexdigest() == parsed.sha256
        found.append(content)
    return found


def send(
    transport: Transport,
    session: UploadView,
    plan: UploadPlan,
    progress: Progress = lambda _: None,
    time: PassingTime | None = None,
) -> JobView | None:
    return send_contents(transport, session, plan, progress, (time or PassingTime()).budget())


def test_a_plan_is_what_the_contract_says() -> None:
    link = PackagedFile("l", "link", False, 0, "", "a", b"")
    new = parse_record(UploadCreation, format_request(plan(packaged(b"x"), link).to_request()))
    old = parse_record(UploadCreation, format_request(plan(process=PROCESS).to_request()))

    assert (new.process, new.name, new.runtime) == (None, "forecast", "Python3.11")
    assert [(file.path, file.type, file.target) for file in new.files] == [
        ("a", "file", ""),
        ("l", "link", "a"),
    ]
    assert (old.process, old.name) == (PROCESS, None)
    given = format_request(
        UploadPlan(
            *(None, "n", "d", "r", 3, ()),
            force=True,
            new=True,
            version_description="v",
            expected_process="none",
        ).to_request()
    )
    assert set(given) | {"process"} == set(UploadCreation.fields_)
    # Older servers refuse what they do not know.
    assert not {"new", "force", "version_description", "expected_process"} & set(
        format_request(old)
    )
    assert "mode" not in format_request(new)["files"][0]


COMPARISON = {
    "process": PROCESS,
    "equal_version": 3,
    "runtime_version": 4,
    "newest_runtime_version": 4,
}


def comparison(equal_version: int | None) -> UploadComparison:
    return UploadComparison(
        process=PROCESS,
        equal_version=equal_version,
        runtime_version=4,
        newest_runtime_version=4,
    )


def test_a_package_that_is_known(api: Api, transport: Transport, context: Context) -> None:
    api.answer("POST /uploads", COMPARISON)
    api.answer("POST /uploads/compare", {**COMPARISON, "equal_version": None})

    assert begin_upload(transport, context, plan()) == comparison(3)
    assert compare_package(transport, context, plan()) == comparison(None)


def test_begin_complete_abandon(api: Api, transport: Transport, context: Context) -> None:
    api.answer("POST /uploads", view(["a" * 64]))
    api.answer("POST /uploads/up/complete", job_document(state="PENDING"))
    api.routes["DELETE /uploads/up"] = Answer(204)

    begun = begin_upload(transport, context, plan())
    assert begun == session(["a" * 64], upload_id="up")
    assert complete_upload(transport, begun, PassingTime().budget()).id == 12
    abandon_upload(transport, begun)

    assert [request.query.get("fencing_token") for request in api.requests] == [None, "7", "7"]


def test_contents_travel_in_one_request(api: Api, transport: Transport, tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(bytes(range(256)) * 4096)
    files = [packaged(b"one", "1"), packaged(b"", "2"), packaged(big, "3"), packaged(b"no", "4")]
    lacking = [files[2].sha256, files[0].sha256, files[1].sha256]
    api.answer("PUT /uploads/up%201/contents", {"received_bytes": 1, "missing": []})
    counted: list[int] = []

    send(transport, session(lacking), plan(*files), counted.append)

    (request,) = api.requests
    assert unframe(request.body) == [big.read_bytes(), b"one", b""]
    assert request.headers["content-type"] == CONTENTS_MEDIA_TYPE
    assert sum(counted) == len(request.body)


def test_the_last_contents_complete_the_upload(api: Api, transport: Transport) -> None:
    file = packaged(b"one")
    done = {"received_bytes": 3, "missing": [], "job": job_document(state="PENDING")}
    api.answer("PUT /uploads/up%201/contents", done)

    job = send(transport, session([file.sha256]), plan(file))

    assert job is not None
    assert job.id == 12
    assert api.requests[0].query == {"fencing_token": "7", "complete": "true"}


def test_an_older_server_does_not_complete_by_itself(api: Api, transport: Transport) -> None:
    file = packaged(b"one")
    api.answer("PUT /uploads/up%201/contents", {"received_bytes": 3, "missing": []})

    assert send(transport, session([file.sha256]), plan(file)) is None


def test_small_files_share_blocks() -> None:
    files = [packaged(f"{number}".encode(), f"{number}") for number in range(100)]

    body = list(make_body(pick_contents(files, [file.sha256 for file in files]), lambda _: None))

    assert len(body) == 1


def test_nothing_lacking_is_nothing_sent(api: Api, transport: Transport) -> None:
    send(transport, session([]), plan(packaged(b"x")))

    assert api.requests == []


def test_a_cut_connection_is_gone_on_with(api: Api, transport: Transport) -> None:
    files = [packaged(b"one", "1"), packaged(b"two", "2")]
    done = Answer(body=json.dumps({"received_bytes": 3, "missing": []}).encode())
    api.in_turn("PUT /uploads/up%201/contents", Answer(body=b"", cut=True), done)
    api.answer("GET /uploads/up%201", view([files[1].sha256]))

    lacking = [file.sha256 for file in files]
    send(transport, session(lacking), plan(*files))

    sent = api.of("PUT /uploads/up%201/contents")
    assert [unframe(request.body) for request in sent] == [[b"one", b"two"], [b"two"]]


def test_an_outage_is_outlasted(api: Api, transport: Transport) -> None:
    file = packaged(b"one")
    away = [Answer(cut=True)] * 5
    api.routes["PUT /uploads/up%201/contents"] = away[0]
    api.in_turn("GET /uploads/up%201", *away, Answer(body=json.dumps(view([])).encode()))
    completed = Answer(body=json.dumps(job_document(state="PENDING")).encode())
    api.in_turn("POST /uploads/up%201/complete", *away, completed)
    begun, time = session([file.sha256]), PassingTime()

    assert send(transport, begun, plan(file), time=time) is None
    assert complete_upload(transport, begun, time.budget()).id == 12
    assert len(time.pauses) == 11


def test_answers_are_no_progress(api: Api, transport: Transport) -> None:
    file, time = packaged(b"one"), PassingTime()
    api.routes["PUT /uploads/up%201/contents"] = Answer(cut=True)
    api.answer("GET /uploads/up%201", view([file.sha256]))

    with pytest.raises(ServerUnreachable):
        send(transport, session([file.sha256]), plan(file), time=time)
    assert time.moment == pytest.approx(LIMIT_SECONDS)


def test_another_upload_took_over(api: Api, transport: Transport) -> None:
    file = packaged(b"one")
    api.routes["PUT /uploads/up%201/contents"] = Answer(body=b"", cut=True)
    api.answer("GET /uploads/up%201", view([file.sha256], fence=8))

    with pytest.raises(LeaseLost):
        send(transport, session([file.sha256]), plan(file))


def test_a_server_that_is_never_content(api: Api, transport: Transport) -> None:
    file = packaged(b"one")
    again = {"received_bytes": 3, "missing": [file.sha256]}
    api.answer("PUT /uploads/up%201/contents", again)

    with pytest.raises(UnexpectedAnswer):
        send(transport, session([file.sha256]), plan(file))
    assert len(api.requests) < 10


def test_a_server_that_wants_what_is_not_ours(transport: Transport) -> None:
    with pytest.raises(UnexpectedAnswer):
        send(transport, session(["f" * 64]), plan(packaged(b"x")))


def test_a_refusal_is_heard(api: Api, transport: Transport) -> None:
    file = packaged(b"one")
    api.fail("PUT /uploads/up%201/contents", 409, "lease-lost", "Too late.")

    with pytest.raises(Conflict, match="Too late"):
        send(transport, session([file.sha256]), plan(file))


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(b"longer than it was"),
        lambda path: path.write_bytes(b"short"),
        lambda path: path.write_bytes(b"other!"),
        lambda path: path.unlink(),
    ],
    ids=["longer", "shorter", "other", "gone"],
)
def test_a_file_that_changed_is_named(
    api: Api, transport: Transport, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(b"before")
    file = packaged(path, "data.csv")
    change(path)

    def refuse(request: Request) -> Answer:
        raise AssertionError(f"a whole body arrived: {request.body!r}")

    api.routes["PUT /uploads/up%201/contents"] = refuse
    with pytest.raises(InvalidPackage, match="changed") as caught:
        send(transport, session([file.sha256]), plan(file))
    assert "data.csv" in str(caught.value.details[0])
