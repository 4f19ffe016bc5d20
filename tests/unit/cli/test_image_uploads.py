"""`au2 process version upload`: what it asks for, prints and says when it can't go on."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from au2.cli.image_progress import ImageProgress
from au2.cli.main import run
from au2.console.console import Console
from tests.support.images.busybox import digest_of
from tests.support.images.image_archives import NAME, docker_20, make_image
from tests.unit.cli.conftest import CommandLine, Stream
from tests.unit.client.api import PROCESS, Answer, Api, job_document, log_event, sse
from tests.unit.client.image_server import (
    ABANDON,
    BEGIN,
    BLOBS,
    LEAVE,
    SESSION,
    STANDING,
    ImageServer,
    answer,
    failure,
)

COMMAND = ("process", "version", "upload", "--process", PROCESS, "--ver", "4")
IMAGE = make_image(b"one" * 5000, b"two" * 5000)
ARCHIVE = docker_20((IMAGE, [NAME]))


@pytest.fixture
def server(api: Api) -> ImageServer:
    return ImageServer(api)


@pytest.mark.parametrize("words", [(), ("--stdin", "--file", __file__)])
def test_one_source_is_to_be_given(api: Api, au2: CommandLine, words: tuple[str, ...]) -> None:
    result = au2(*COMMAND, *words)

    assert result.exit_code == 2
    assert "--stdin and --file" in result.errors
    assert api.requests == []


def test_nobody_types_an_image(api: Api, au2: CommandLine) -> None:
    result = au2(*COMMAND, "--stdin", typed="x")

    assert result.exit_code == 2
    right = f"docker save IMAGE | au2 process version upload --process {PROCESS} --ver 4 --stdin"
    assert right in result.errors
    assert api.requests == []


def test_from_stdin(server: ImageServer, au2: CommandLine) -> None:
    result = au2.ok(*COMMAND, "--stdin", stdin=ARCHIVE)

    assert result.text == "Uploading image\nJob submitted: 12\n"
    assert "the server had 0 of 3 blobs (0 bytes)" in result.errors
    assert set(server.blobs) == {*IMAGE.diff_ids, IMAGE.id}


def test_from_a_file_that_the_server_has(
    server: ImageServer, au2: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "image.tar"
    file.write_bytes(ARCHIVE)
    au2.ok(*COMMAND, "--file", file)

    result = au2.ok(*COMMAND, "--file", file)

    assert result.errors.startswith("Nothing to send; the server had 3 of 3 blobs (")


def test_a_refusal_comes_before_anything_is_read(server: ImageServer, au2: CommandLine) -> None:
    server.api.fail(BEGIN, 409, "conflict", "It has its image already.", hint="Make a new one.")
    given = Stream(ARCHIVE)
    out, err = Stream(), Stream()

    code = run([*COMMAND, "--stdin"], Console(given, out, err), au2.environment)

    assert code == 5
    assert err.content() == b"error: It has its image already.\nhint: Make a new one.\n"
    assert out.content() == b""
    assert given.buffer.tell() == 0


def test_an_upload_of_ones_own_goes_on(server: ImageServer, au2: CommandLine) -> None:
    server.api.answer(BEGIN, {**SESSION, "resumed": True}, 201)
    server.parts[IMAGE.diff_ids[0]] = IMAGE.layers[0][:9000]

    result = au2.ok(*COMMAND, "--stdin", stdin=ARCHIVE)

    assert "Resuming the upload that was begun before." in result.errors
    assert "; 8.79 KiB had come before; " in result.errors


ARM = replace(IMAGE, architecture="arm64")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("archive", "told"),
    [
        (b"", "nothing"),
        (b"PASSWORD=secret\n" * 100, "not an image archive but text"),
        (ARCHIVE[:20_000], "cut off"),
        (docker_20((IMAGE, [NAME]), (ARM, ["b:1"])), "several images"),
        (docker_20((ARM, [NAME])), "not there for linux/amd64"),
    ],
)
def test_a_file_that_is_wrong_begins_nothing(
    server: ImageServer,
    au2: CommandLine,
    tmp_path: Path,
    archive: bytes,
    told: str,
    pack: Callable[[bytes], bytes],
) -> None:
    file = tmp_path / "image.tar"
    file.write_bytes(pack(archive))

    result = au2(*COMMAND, "--file", file)

    assert result.exit_code == 1
    assert told in result.errors
    assert "secret" not in result.errors
    assert server.api.asked() == [STANDING]


def test_the_same_file_again_has_nothing_to_do(
    server: ImageServer, au2: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "image.tar"
    file.write_bytes(ARCHIVE)
    au2.ok(*COMMAND, "--file", file)
    assert server.manifest is not None
    there = {
        "image_status": "AVAILABLE",
        "image_digest": digest_of(server.manifest),
        "upload_job": 12,
    }
    server.standing |= there
    server.api.requests.clear()

    said = au2.ok(*COMMAND, "--file", file, "--wait")
    document = au2.ok(*COMMAND, "--file", file, "-o", "json").document

    assert said.text == "Version 4 has this very image already.\n"
    assert document == server.standing
    assert set(server.api.asked()) == {STANDING}


def test_as_json_there_is_one_document(server: ImageServer, au2: CommandLine) -> None:
    result = au2.ok(*COMMAND, "--stdin", "-o", "json", stdin=ARCHIVE)

    assert result.document == server.standing
    assert result.err == b""


@pytest.mark.parametrize(("state", "exit_code"), [("SUCCEEDED", 0), ("FAILED", 1)])
def test_the_same_file_again_sees_its_import_through(
    server: ImageServer, au2: CommandLine, tmp_path: Path, state: str, exit_code: int
) -> None:
    file = tmp_path / "image.tar"
    file.write_bytes(ARCHIVE)
    au2.ok(*COMMAND, "--file", file)
    assert server.manifest is not None
    there = {
        "image_status": "BUILDING",
        "image_digest": digest_of(server.manifest),
        "upload_job": 12,
    }
    server.standing |= there
    ended = job_document(state=state)
    body = sse(("end", ended, None))
    server.api.routes["GET /jobs/12/logs/follow"] = Answer(body=body, chunked=True)
    server.api.answer("GET /jobs/12", ended)
    server.api.requests.clear()

    told = au2.ok(*COMMAND, "--file", file)
    waited = au2(*COMMAND, "--file", file, "--wait")

    assert "being imported to version 4 already" in told.text
    assert "au2 job wait 12" in told.errors
    assert waited.exit_code == exit_code
    assert BEGIN not in server.api.asked()


def test_another_image_is_refused_by_the_server(
    server: ImageServer, au2: CommandLine, tmp_path: Path
) -> None:
    file = tmp_path / "image.tar"
    file.write_bytes(ARCHIVE)
    server.standing |= {"image_status": "AVAILABLE", "image_digest": digest_of(b"other")}
    server.api.fail(BEGIN, 409, "conflict", "It has its image already.")

    assert au2(*COMMAND, "--file", file).exit_code == 5


@pytest.mark.parametrize("size", [0, 20_000])
def test_what_broke_off_is_given_up(server: ImageServer, au2: CommandLine, size: int) -> None:
    result = au2(*COMMAND, "--stdin", stdin=ARCHIVE[:size] or None)

    assert result.exit_code == 1
    assert "docker save" in result.errors
    assert "au2 job show 12" in result.errors
    assert ("cut off" if size else "nothing came in") in result.errors
    assert server.api.asked()[-1] == ABANDON
    reason = server.api.requests[-1].query["reason"]
    assert reason[0].isupper()
    assert reason[1:-1] in result.errors
    assert server.manifest is None


def test_a_spool_that_has_no_room_gives_up(server: ImageServer, au2: CommandLine) -> None:
    result = au2(*COMMAND, "--stdin", "--spool", "/proc", stdin=ARCHIVE)

    assert result.exit_code == 1
    assert server.api.asked()[-1] == ABANDON
    reason = server.api.requests[-1].query["reason"]
    assert reason.startswith("A layer")
    assert "'/proc'" in reason


def test_an_interrupted_upload_is_not_given_up(server: ImageServer, au2: CommandLine) -> None:
    class Reader:
        """A user presses Ctrl-C while the archive is read."""

        def read(self, size: int = -1, /) -> bytes:
            raise KeyboardInterrupt

        def fileno(self) -> int:
            raise OSError

    class Given(Stream):
        @property
        def buffer(self) -> Reader:  # type: ignore[override]
            return Reader()

    out, err = Stream(), Stream()
    code = run([*COMMAND, "--stdin"], Console(Given(), out, err), au2.environment)

    assert code == 130
    assert b"Give the same command again" in err.content()
    assert ABANDON not in server.api.asked()
    assert server.api.asked().count(LEAVE) == 1


@pytest.mark.slow
def test_another_command_is_waited_for(server: ImageServer, au2: CommandLine) -> None:
    alive = "Another command is sending to version 4 (last heartbeat 2 s ago)."
    sending = failure(409, "still-sending", alive)
    away = Answer(cut=True)
    server.api.in_turn(
        BEGIN, sending, away, away, sending, answer({**SESSION, "resumed": True}, 201)
    )

    result = au2.ok(*COMMAND, "--stdin", stdin=ARCHIVE)

    assert result.errors.count(alive[:-1] + "; waiting until it ends.\n") == 1
    assert result.errors.count("The server does not answer; trying again until") == 1
    assert result.errors.count("The server answers again; going on.\n") == 1
    assert "Resuming the upload that was begun before." in result.errors


@pytest.mark.slow
def test_another_command_may_end_what_is_waited_for(server: ImageServer, au2: CommandLine) -> None:
    server.api.in_turn(
        BEGIN,
        failure(409, "still-sending", "Another command is sending."),
        failure(409, "conflict", "It has its image already."),
    )

    result = au2(*COMMAND, "--stdin", stdin=ARCHIVE)

    assert result.exit_code == 5
    assert result.errors == (
        "Another command is sending; waiting until it ends.\nerror: It has its image already.\n"
    )


def test_an_outage_and_its_end_are_told(server: ImageServer, au2: CommandLine) -> None:
    server.faults = ["away", "away", None]

    result = au2.ok(*COMMAND, "--stdin", stdin=ARCHIVE)

    lines = result.errors.splitlines()
    assert lines[0].startswith("The server does not answer; trying again until")
    assert lines[1] == "The server answers again; going on."
    assert result.errors.count("answers again") == 1


def test_a_lost_lease_ends_the_upload(server: ImageServer, au2: CommandLine) -> None:
    server.faults = ["lease"]

    result = au2(*COMMAND, "--stdin", stdin=ARCHIVE)

    assert result.exit_code == 5
    assert "error: Somebody took over." in result.errors
    assert ABANDON not in server.api.asked()


def test_a_full_server_is_told(server: ImageServer, au2: CommandLine) -> None:
    server.api.routes[BLOBS] = failure(507, "storage-full", "There is no room.")

    result = au2(*COMMAND, "--stdin", stdin=ARCHIVE)

    assert result.exit_code == 1
    assert "error: There is no room." in result.errors


def test_waiting_shows_the_import(server: ImageServer, au2: CommandLine) -> None:
    failed = job_document(
        state="FAILED", reason="invalid-image", reason_text="A layer leaves the root."
    )
    body = sse(log_event(9, ("platform", "Layer 1 of 2")), ("end", failed, None))
    server.api.routes["GET /jobs/12/logs/follow"] = Answer(body=body, chunked=True)
    server.api.answer("GET /jobs/12", failed)

    result = au2(*COMMAND, "--stdin", "--wait", stdin=ARCHIVE)

    assert result.exit_code == 1
    assert "Layer 1 of 2\n" in result.errors
    assert "A layer leaves the root." in result.errors


def test_progress_on_a_terminal() -> None:
    moments = iter(range(100))
    err = Stream(is_terminal=True)
    progress = ImageProgress(Console(Stream(), Stream(), err), clock=lambda: float(next(moments)))

    progress.skip(1 << 30)
    progress.read(3 << 20)
    progress.begin(10 << 20, 2 << 20)
    progress.advance(4 << 20)
    progress.finish()

    drawn = err.content().decode()
    assert "Blob 2: 6 MiB of 10 MiB; sent 4 MiB, 4 MiB/s" in drawn
    assert "; read 3 MiB; skipped 1 (1 GiB)" in drawn
    told = drawn.splitlines()[-1]
    assert told.endswith("2 MiB had come before; the server had 1 of 2 blobs (1 GiB)")


def test_progress_of_what_is_known_to_come() -> None:
    moment = 0.0
    err = Stream(is_terminal=True)
    progress = ImageProgress(Console(Stream(), Stream(), err), clock=lambda: moment)
    progress.expect(1000 << 20)
    progress.skip(100 << 20)
    progress.begin(900 << 20, 100 << 20)
    drawn = []
    # A quick second of five; then two minutes at a megabyte: only the last seconds count.
    for seconds, mebibytes in [(1, 50)] * 4 + [(5, 5)] * 24:
        moment += seconds
        progress.advance(mebibytes << 20)
        drawn.append(err.content().decode().rpartition("\r\x1b[K")[2])

    assert drawn[0] == "25 %, 15 s left; Blob 2: 150 MiB of 900 MiB; sent 50 MiB, 50 MiB/s; " + (
        "skipped 1 (100 MiB)"
    )
    assert drawn[-1].startswith("52 %, 8 min left; Blob 2: 420 MiB of 900 MiB; sent 320 MiB, 1 MiB")


def test_a_rate_is_told_once_something_has_come() -> None:
    moments = iter(range(100))
    err = Stream(is_terminal=True)
    progress = ImageProgress(Console(Stream(), Stream(), err), clock=lambda: float(next(moments)))

    progress.begin(10 << 20, 0)
    progress.read(1)

    assert "/s" not in err.content().decode()


def test_progress_of_nothing_is_not_told() -> None:
    err = Stream()
    ImageProgress(Console(Stream(), Stream(), err), clock=lambda: 0.0).finish()

    assert err.content() == b""
