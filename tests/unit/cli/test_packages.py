"""`au2 process repo`: init, check, upload."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from au2.package.manifest import parse_manifest
from tests.unit.cli.conftest import CommandLine
from tests.unit.cli.package_store import RUNTIME, Store, runtime_document
from tests.unit.client.api import (
    NOW,
    ORGANIZATION,
    PROCESS,
    PROJECT,
    Answer,
    Api,
    job_document,
    log_event,
    sse,
    version_document,
)

OTHER = "4cd24262-8061-40be-bbb0-9367690240ce"
DEFAULT = f"GET /processes/{PROCESS}/versions/default"
THREE_LINES = "Version created: 4\nUploading package\nJob submitted: 12\n"


def manifest_of(directory: Path) -> str:
    return (directory / "aunsight.yml").read_text()


def test_init_without_questions(package: Path) -> None:
    manifest = parse_manifest(manifest_of(package))

    assert (manifest.name, manifest.description, manifest.runtime) == ("forecast", "", RUNTIME)
    assert {path.name for path in package.iterdir()} == {
        *("aunsight.yml", "args.schema.yml", "out.schema.yml", "env.yml", ".auignore", "main.py")
    }


@pytest.mark.parametrize("answer", ["2", "R4.2", OTHER])
def test_init_asks(api: Api, au2: CommandLine, tmp_path: Path, answer: str) -> None:
    api.answer(
        "GET /runtimes", [runtime_document(), runtime_document(id=OTHER, name="R4.2", language="r")]
    )

    result = au2("process", "repo", "init", tmp_path / "p", typed=f"\nWhat it does\n9\n{answer}\n")

    assert result.exit_code == 0, result
    manifest = parse_manifest(manifest_of(tmp_path / "p"))
    assert (manifest.name, manifest.description, manifest.runtime) == ("p", "What it does", OTHER)
    assert (tmp_path / "p" / "main.r").exists()


@pytest.mark.parametrize("named", ["R4.2", OTHER, OTHER.upper()])
def test_init_by_flags(api: Api, au2: CommandLine, tmp_path: Path, named: str) -> None:
    api.answer(
        "GET /runtimes", [runtime_document(), runtime_document(id=OTHER, name="R4.2", language="r")]
    )

    au2.ok(
        *("process", "repo", "init", tmp_path / "p"),
        *("--name", "n: x", "--description", "# d", "--runtime", named),
    )

    manifest = parse_manifest(manifest_of(tmp_path / "p"))
    assert (manifest.name, manifest.description, manifest.runtime) == ("n: x", "# d", OTHER)


@pytest.mark.parametrize(
    ("flags", "exit_code", "told"),
    [
        ([], 2, "--name"),
        (["--name", "n"], 2, "--description"),
        (["--name", "n", "--description", ""], 2, "--runtime"),
        (["--yes"], 2, "--runtime"),
        (["--yes", "--runtime", "Cobol85"], 3, "Cobol85"),
        (["--yes", "--runtime", "Twin"], 5, OTHER),
        (["--yes", "--runtime", "Old"], 3, "Old"),
    ],
)
def test_init_that_cannot_be_done_leaves_nothing(
    api: Api, au2: CommandLine, tmp_path: Path, flags: list[str], exit_code: int, told: str
) -> None:
    old = runtime_document(id=PROJECT, name="Old", retired_at=NOW)
    api.answer(
        "GET /runtimes",
        [runtime_document(name="Twin"), runtime_document(id=OTHER, name="Twin"), old],
    )

    result = au2("process", "repo", "init", tmp_path / "p", *flags)

    assert result.exit_code == exit_code
    assert told in result.errors
    assert not (tmp_path / "p").exists()


def test_init_twice(au2: CommandLine, api: Api, package: Path) -> None:
    before = manifest_of(package)

    assert au2("process", "repo", "init", package, "--yes").exit_code == 5
    assert manifest_of(package) == before
    assert not api.requests


def test_check(au2: CommandLine, api: Api, package: Path) -> None:
    assert au2.ok("process", "repo", "check", package).out == b""
    assert au2.ok("process", "repo", "check", package, "-o", "json").document == []

    (package / "aunsight.yml").write_text("name: x\nruntime: r\nentry: y\n")
    (package / "env.yml").write_text("A: 1\nAU_JOB: 2\n")

    result = au2("process", "repo", "check", package)
    assert result.exit_code == 1
    assert "aunsight.yml:3: " in result.errors
    assert "env.yml:2: " in result.errors
    documents = au2("process", "repo", "check", package, "-o", "json").document
    assert {(item["file"], item["line"]) for item in documents} == {
        ("aunsight.yml", 3),
        ("env.yml", 2),
    }
    assert [request.path for request in api.requests] == [f"/runtimes/{RUNTIME}"] * 2


def test_check_points_out_a_mistyped_keyword(au2: CommandLine, package: Path) -> None:
    (package / "args.schema.yml").write_text("type: object\nrequird: [a]\n")

    checked = au2.ok("process", "repo", "check", package)

    assert "args.schema.yml: 'requird'" in checked.errors
    assert "did you mean 'required'?" in checked.errors


def test_the_first_upload_makes_the_process(
    api: Api, au2: CommandLine, package: Path, store: Store
) -> None:
    result = au2.ok("process", "repo", "upload", package, "--yes")

    assert result.text == THREE_LINES
    assert api.asked() == [
        "POST /uploads",
        "PUT /uploads/up/contents",
        "POST /uploads/up/complete",
        DEFAULT,
    ]
    assert (store.lists[0]["name"], store.lists[0]["runtime"]) == ("forecast", RUNTIME)
    assert not {"process", "new", "expected_process"} & set(store.lists[0])
    key = f"{ORGANIZATION}/{PROJECT}"
    assert parse_manifest(manifest_of(package)).processes == {key: PROCESS}


def test_later_uploads_need_no_look_up_and_send_little(
    api: Api, au2: CommandLine, package: Path, store: Store
) -> None:
    au2.ok("process", "repo", "upload", package, "--yes")
    api.requests.clear()

    unchanged = au2.ok("process", "repo", "upload", package, "--yes")
    assert api.asked() == ["POST /uploads", "POST /uploads/up/complete", DEFAULT]
    assert store.lists[1]["process"] == PROCESS
    # The process id that was written is no part of what is uploaded.
    assert store.lists[1]["files"] == store.lists[0]["files"]
    assert "Nothing to send" in unchanged.errors

    (package / "main.py").write_text("print('new')\n")
    api.requests.clear()
    au2.ok("process", "repo", "upload", package, "--yes")
    (sent,) = api.of("PUT /uploads/up/contents")
    assert len(sent.body) == 40 + len("print('new')\n")


def test_it_asks_before_it_makes_anything(
    api: Api, au2: CommandLine, package: Path, store: Store
) -> None:
    store.named = None
    upload = ("process", "repo", "upload", package)

    assert au2(*upload).exit_code == 2
    declined = au2(*upload, typed="n\n")
    assert declined.exit_code == 1
    assert "no process 'forecast'" in declined.errors
    assert not store.lists

    assert au2(*upload, typed="y\n").text == THREE_LINES
    store.named = PROCESS
    again = au2(*upload, typed="y\n")
    assert "new version of process 'forecast'" in again.errors
    # What was agreed to holds for the first upload; the second has the process's id.
    assert [sent.get("expected_process") for sent in store.lists] == ["none", None]


def test_what_was_agreed_to_by_name_is_sent(au2: CommandLine, package: Path, store: Store) -> None:
    upload = ("process", "repo", "upload", package)

    agreed = au2(*upload, typed="y\n")
    forced = au2(*upload, "--new", "--force", typed="y\n")

    assert f"new version of process 'forecast' ({PROCESS})" in agreed.errors
    assert store.lists[0]["expected_process"] == PROCESS
    assert forced.exit_code == 0, forced
    assert (store.lists[1]["name"], store.lists[1]["new"]) == ("forecast", True)


@pytest.mark.parametrize("yes", [("--yes",), ()])
def test_a_package_that_is_known_makes_no_version(
    api: Api, au2: CommandLine, package: Path, store: Store, yes: tuple[str, ...]
) -> None:
    store.known = 3

    known = au2.ok("process", "repo", "upload", package, *yes)

    assert known.text == "Unchanged: version 3 is this package already\n"
    assert "--force" in known.errors
    assert PROCESS in (package / "aunsight.yml").read_text()
    forced = au2.ok("process", "repo", "upload", package, "--yes", "--force")
    assert forced.text == THREE_LINES


def test_a_pinned_runtime_that_has_a_newer_version_is_told(
    api: Api, au2: CommandLine, package: Path, store: Store
) -> None:
    view = {
        "id": "up",
        "process": PROCESS,
        "version": 4,
        "upload_job": 12,
        "fencing_token": 1,
        "missing": [],
    }
    versions = {"runtime_version": 4, "newest_runtime_version": 5}
    api.answer("POST /uploads", {**view, **versions})

    uploaded = au2.ok("process", "repo", "upload", package, "--yes")

    assert "Built on version 4 of runtime" in uploaded.errors
    assert "the newest is 5" in uploaded.errors


def process(process_id: str, project: str | None) -> dict[str, object]:
    return {
        "id": process_id,
        "name": "forecast",
        "organization": ORGANIZATION,
        "project": project,
    }


RUN = f"au2 process run {PROCESS}"


def default_version(number: int, published_at: str | None) -> dict[str, object]:
    return version_document(number, published_at=published_at)


@pytest.mark.parametrize(
    ("default", "hint"),
    [
        (None, f"\nRun it after the build: {RUN} --wait-for-build\n"),
        (
            (3, None),
            "\nUntil the build ends, version 3 runs. "
            f"Run it after the build: {RUN} --wait-for-build\n",
        ),
        (
            (3, NOW),
            "\nVersion 3 is published, so runs take that one. "
            f"Run this one: {RUN} --ver 4 --wait-for",
        ),
    ],
)
def test_after_an_upload_it_is_said_what_runs(
    api: Api,
    au2: CommandLine,
    package: Path,
    store: Store,
    default: tuple[int, str | None] | None,
    hint: str,
) -> None:
    if default is None:
        api.fail(DEFAULT, 409, "conflict", "There is none.")
    else:
        api.answer(DEFAULT, default_version(*default))

    result = au2.ok("process", "repo", "upload", package, "--yes")

    assert result.text == THREE_LINES
    assert hint in result.errors


@pytest.mark.parametrize(("number", "published_at"), [(3, NOW), (4, None), (4, NOW)])
def test_after_a_build_it_is_said_what_runs_instead(
    api: Api,
    au2: CommandLine,
    package: Path,
    store: Store,
    number: int,
    published_at: str | None,
) -> None:
    end = sse(("end", job_document(), None))
    api.routes["GET /jobs/12/logs/follow"] = Answer(body=end, chunked=True)
    api.answer(DEFAULT, default_version(number, published_at))

    result = au2.ok("process", "repo", "upload", package, "--yes", "--wait")

    assert (f"{RUN} --ver 4\n" in result.errors) is (number == 3)
    assert ("au2 process version publish" in result.errors) is (number == 3)


def test_after_a_build_that_failed_it_is_said_what_runs(
    api: Api, au2: CommandLine, package: Path, store: Store
) -> None:
    ending = {"state": "FAILED", "reason": "build-failed", "reason_text": "See the log."}
    end = sse(("end", job_document(**ending), None))
    api.routes["GET /jobs/12/logs/follow"] = Answer(body=end, chunked=True)
    upload = ("process", "repo", "upload", package, "--yes", "--wait")

    nothing = au2(*upload)
    api.answer(DEFAULT, default_version(3, None))
    older = au2(*upload)

    assert (nothing.exit_code, older.exit_code) == (1, 1)
    assert "Runs take" not in nothing.errors
    assert older.errors.endswith("Runs take version 3, as before.\n")


def test_two_of_that_name(api: Api, au2: CommandLine, package: Path, store: Store) -> None:
    au2.ok("process", "repo", "upload", package, "--yes", "--process", PROCESS)
    au2.ok("process", "repo", "upload", package, "--yes", "--new")
    assert store.lists[0]["process"] == PROCESS
    assert (store.lists[1]["name"], store.lists[1]["new"]) == ("forecast", True)

    api.fail("POST /uploads", 409, "conflict", "2 processes.", hint="--process ID or --new")
    (package / "aunsight.yml").write_text("name: forecast\nruntime: Python3.11\n")
    result = au2("process", "repo", "upload", package, "--yes")

    assert result.exit_code == 5
    assert "--process ID or --new" in result.errors


def test_a_process_that_is_gone(api: Api, au2: CommandLine, package: Path) -> None:
    api.fail("POST /uploads", 404, "not-found", "There is no such process.")

    result = au2("process", "repo", "upload", package, "--yes", "--process", PROCESS)

    assert result.exit_code == 3
    assert "--new" in result.errors
    assert not parse_manifest(manifest_of(package)).processes


def test_another_process_for_once(api: Api, au2: CommandLine, package: Path, store: Store) -> None:
    au2.ok("process", "repo", "upload", package, "--yes")
    before = manifest_of(package)

    au2.ok("process", "repo", "upload", package, "--yes", "--process", OTHER)

    assert store.lists[1]["process"] == OTHER
    assert manifest_of(package) == before


def test_a_package_with_mistakes_sends_nothing(
    api: Api, au2: CommandLine, package: Path, store: Store
) -> None:
    (package / "main.py").unlink()
    (package / "env.yml").write_text("A: [\n")
    os.mkfifo(package / "pipe")

    result = au2("process", "repo", "upload", package, "--yes")

    assert result.exit_code == 1
    for part in ("main.py", "env.yml:", "pipe"):
        assert part in result.errors
    assert not api.requests


def test_an_upload_that_is_refused_is_given_up(
    api: Api, au2: CommandLine, package: Path, store: Store
) -> None:
    api.fail("PUT /uploads/up/contents", 507, "storage-full", "The server's disk is full.")

    result = au2("process", "repo", "upload", package, "--yes")

    assert result.exit_code == 1
    assert "disk is full" in result.errors
    assert "au2 job show 12" in result.errors
    assert api.asked()[-1] == "DELETE /uploads/up"
    # The process is there: the next try must not make another.
    assert parse_manifest(manifest_of(package)).processes


@pytest.mark.parametrize(("state", "exit_code"), [("SUCCEEDED", 0), ("FAILED", 1)])
def test_waiting_for_the_build(
    api: Api, au2: CommandLine, package: Path, store: Store, state: str, exit_code: int
) -> None:
    ending = {"state": state, "reason": "build-failed", "reason_text": "Mend main.py."}
    line = log_event(1, ("stdout", "Image sha256:0"))
    body = sse(line, ("end", job_document(**ending), None))
    api.routes["GET /jobs/12/logs/follow"] = Answer(body=body, chunked=True)

    result = au2("process", "repo", "upload", package, "--yes", "--wait")

    assert result.exit_code == exit_code
    assert result.text == THREE_LINES
    assert "Image sha256:0\n" in result.errors
    assert ("Job 12 FAILED (build-failed) after 0 s: Mend main.py." in result.errors) is bool(
        exit_code
    )
    assert ("Version 4 is AVAILABLE (run 2 s)." in result.errors) is not bool(exit_code)


def test_the_manifest_keeps_its_mode_and_its_comments(
    api: Api, au2: CommandLine, package: Path, store: Store
) -> None:
    manifest = package / "aunsight.yml"
    manifest.write_text("# mine\n" + manifest.read_text())
    manifest.chmod(0o640)

    au2.ok("process", "repo", "upload", package, "--yes")

    assert manifest.read_text().startswith("# mine\n")
    assert stat.S_IMODE(manifest.stat().st_mode) == 0o640
    assert not list(package.glob(".aunsight*"))


def test_progress_on_a_terminal(api: Api, au2: CommandLine, package: Path, store: Store) -> None:
    (package / "data.bin").write_bytes(os.urandom(3 << 20))

    result = au2("process", "repo", "upload", package, typed="y\n")

    assert result.text == THREE_LINES
    assert "Sent 3 MiB" in result.errors
    assert "MiB/s" in result.errors


def test_uploading_imports_no_wire_models(
    api: Api, au2: CommandLine, package: Path, store: Store
) -> None:
    """pydantic alone would take longer than the upload of a small package."""
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from au2.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "process", "repo", "upload", package, "--yes"],
        env=os.environ | au2.environment,
        capture_output=True,
        check=True,
        text=True,
    )

    assert done.stdout == THREE_LINES
    assert not {"pydantic", "rich", "asyncio", "packaging"} & set(done.stderr.split())


@pytest.mark.parametrize("command", [("check",), ("upload", "--plan"), ("upload", "--yes")])
def test_what_may_hold_secrets_is_named_with_the_line_that_takes_it(
    api: Api, au2: CommandLine, package: Path, store: Store, command: tuple[str, ...]
) -> None:
    (package / ".env").write_text("PASSWORD=x")
    (package / "keys").mkdir()
    (package / "keys/id_rsa").write_text("x")

    told = au2.ok("process", "repo", *command, package).errors

    assert "Left out: .env (" in told
    assert "add this line to .auignore: !.env\n" in told
    assert "add this line to .auignore: !keys/id_rsa\n" in told
    for sent in store.lists:
        assert ".env" not in [file["path"] for file in sent["files"]]

    (package / ".auignore").write_text("!.env\n!keys/id_rsa\n")
    told = au2.ok("process", "repo", *command, package).errors

    assert "Left out" not in told
    for sent in store.lists[1:]:
        assert ".env" in [file["path"] for file in sent["files"]]


@pytest.mark.parametrize("command", [("check",), ("upload", "--plan"), ("upload", "--yes")])
def test_names_that_almost_mean_something_are_pointed_out(
    api: Api, au2: CommandLine, package: Path, store: Store, command: tuple[str, ...]
) -> None:
    (package / "env.yml").rename(package / "env.yaml")
    (package / "Before.sh").touch()

    told = au2.ok("process", "repo", *command, package).errors

    assert "env.yaml is an ordinary file" in told
    assert "did you mean 'env.yml'?" in told
    assert "did you mean 'before.sh'?" in told


def test_a_plan_says_how_much_and_what_the_most_of_it_is(
    api: Api, au2: CommandLine, package: Path, store: Store
) -> None:
    (package / "data.csv").write_bytes(bytes(3 << 20))
    (package / "empty").mkdir()

    plan = au2.ok("process", "repo", "upload", package, "--plan")

    first, _, largest, *_ = plan.text.splitlines()
    assert first.startswith("Package: 7 files, 3 MiB")
    assert largest.split() == ["3", "MiB", "data.csv"]
    assert "Nothing was sent" in plan.errors
    assert not api.requests
    assert not store.lists


def test_the_question_says_so_too(api: Api, au2: CommandLine, package: Path, store: Store) -> None:
    (package / "data.csv").write_bytes(bytes(3 << 20))

    asked = au2("process", "repo", "upload", package, typed="n\n")

    assert "The package has 7 files, 3 MiB; the largest: data.csv (3 MiB), " in asked.errors
    assert not store.lists


@pytest.fixture
def built(api: Api) -> None:
    """The build of version 4 succeeds."""
    body = sse(("end", job_document(type="metro-dispatcher:process-upload"), None))
    api.routes["GET /jobs/12/logs/follow"] = Answer(body=body)
    api.answer(f"POST /processes/{PROCESS}/versions/4/publish", version_document(4))
    api.answer(DEFAULT, version_document(2, published_at=NOW))


@pytest.mark.usefixtures("built")
def test_the_news_and_the_publication_of_a_version(
    api: Api, au2: CommandLine, package: Path, store: Store
) -> None:
    result = au2.ok("process", "repo", "upload", package, "--yes", "-m", "new ü", "--publish")

    assert store.lists[0]["version_description"] == "new ü"
    assert api.asked()[-2:] == [
        "GET /jobs/12/logs/follow",
        f"POST /processes/{PROCESS}/versions/4/publish",
    ]
    assert result.text == THREE_LINES
    assert result.errors.endswith("Version 4 is published.\n")
    assert "Run this one" not in result.errors


@pytest.mark.usefixtures("store")
def test_a_failed_build_is_not_published(api: Api, au2: CommandLine, package: Path) -> None:
    ended = job_document(state="FAILED", reason="build-failed", reason_text="No.")
    api.routes["GET /jobs/12/logs/follow"] = Answer(body=sse(("end", ended, None)))
    api.answer(DEFAULT, version_document(2, published_at=NOW))

    result = au2("process", "repo", "upload", package, "--yes", "--publish")

    assert result.exit_code == 1
    assert "Runs take version 2, as before." in result.errors
    assert not [request for request in api.asked() if request.endswith("/publish")]


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("yes", [("--yes",), ()])
def test_an_unchanged_package_is_published_too(
    api: Api, au2: CommandLine, package: Path, store: Store, yes: tuple[str, ...]
) -> None:
    store.known = 4

    result = au2.ok("process", "repo", "upload", package, *yes, "--publish", "-m", "news")

    assert "Version 4 is published." in result.errors
    assert f"au2 process version update {PROCESS} 4 --description" in result.errors
    assert api.asked()[-1] == f"POST /processes/{PROCESS}/versions/4/publish"


@pytest.mark.usefixtures("built")
def test_an_upload_as_a_document(api: Api, au2: CommandLine, package: Path, store: Store) -> None:
    words = ("process", "repo", "upload", package, "--yes", "-o", "json")
    begun = au2.ok(*words)
    built = au2.ok(*words, "--force", "--publish")
    store.known = 4
    known = au2.ok(*words)
    plan = au2.ok(*words, "--plan")

    assert [one.errors for one in (begun, built, known, plan)] == [""] * 4
    assert (begun.document["state"], begun.document["job"]) == ("PENDING", 12)
    assert (built.document["state"], built.document["published"]) == ("SUCCEEDED", True)
    expected = {"process": PROCESS, "version": 4, "unchanged": True, "job": None}
    assert known.document | expected == known.document
    assert plan.document["files"] == 6


@pytest.mark.usefixtures("store")
def test_a_failed_build_as_a_document(api: Api, au2: CommandLine, package: Path) -> None:
    ended = job_document(state="FAILED", reason="build-failed", reason_text="No.")
    body = sse(log_event(9, ("stdout", "step 1")), ("end", ended, None))
    api.routes["GET /jobs/12/logs/follow"] = Answer(body=body)

    result = au2("process", "repo", "upload", package, "--yes", "--wait", "-o", "json")

    assert (result.exit_code, result.errors) == (1, "")
    assert (result.document["state"], result.document["reason_text"]) == ("FAILED", "No.")


def test_a_new_package_as_a_document(api: Api, au2: CommandLine, tmp_path: Path) -> None:
    api.answer("GET /runtimes", [runtime_document()])

    made = au2.ok("process", "repo", "init", tmp_path / "p", "--yes", "-o", "json")

    assert made.errors == ""
    assert made.document["runtime"] == RUNTIME
    assert "main.py" in made.document["files"]
