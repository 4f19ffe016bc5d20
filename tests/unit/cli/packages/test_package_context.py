"""Commands in a package's folder: the process of aunsight.yml, and words that are numbers."""

from pathlib import Path

import pytest

from au2.wire.documents import format_document
from au2.wire.process import VersionDiff
from tests.unit.cli.conftest import CommandLine
from tests.unit.client.api import (
    ORGANIZATION,
    PROCESS,
    PROJECT,
    Answer,
    Api,
    job_document,
    version_document,
)

OTHER = "4cd24262-8061-40be-bbb0-9367690240ce"
VERSIONS = f"GET /processes/{PROCESS}/versions"
TOLD = "Process forecast (aunsight.yml).\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a package of the process, uploaded from this context."""
    made = tmp_path / "package"
    made.mkdir()
    monkeypatch.chdir(made)
    write_manifest(made, f"processes:\n  {ORGANIZATION}/{PROJECT}: {PROCESS}\n")
    return made


def write_manifest(folder: Path, more: str = "") -> None:
    (folder / "aunsight.yml").write_text(f"name: forecast\nruntime: Python3.11\n{more}")


def serve_versions(api: Api, process: str = PROCESS, **states: str) -> None:
    """Serve versions by number (``v3="FAILED"``), each as a list and alone."""
    found = [
        version_document(int(number[1:]), process=process, image_status=state)
        for number, state in states.items()
    ]
    api.answer(f"GET /processes/{process}/versions", found)
    for document in found:
        api.answer(f"GET /processes/{process}/versions/{document['version']}", document)


def serve_diff(api: Api, old: int, new: int) -> None:
    found = VersionDiff(
        process=PROCESS,
        old_version=old,
        new_version=new,
        same_image=True,
        old_image_digest="sha256:" + "a" * 64,
        new_image_digest="sha256:" + "a" * 64,
        old_runtime=None,
        new_runtime=None,
        files=[],
        dependencies=[],
        schemas=[],
        environment=[],
        resources=[],
    )
    api.answer(f"GET /processes/{PROCESS}/versions/{old}/diff/{new}", format_document(found))


@pytest.mark.usefixtures("folder")
def test_a_run_takes_the_process_of_the_folder(api: Api, au2: CommandLine) -> None:
    api.answer("POST /jobs", job_document(state="PENDING"))

    result = au2.ok("process", "run", "--env", "A=1")

    assert result.out == b"Job submitted: 12\n"
    assert result.errors == TOLD
    assert api.requests[0].document == {"process": PROCESS, "environment": {"A": "1"}}


@pytest.mark.usefixtures("folder")
def test_a_typed_process_wins(api: Api, au2: CommandLine) -> None:
    api.answer("POST /jobs", job_document(state="PENDING"))

    result = au2.ok("process", "run", OTHER)

    assert result.errors == ""
    assert api.requests[0].document == {"process": OTHER}


def test_a_package_of_another_context_is_found_by_its_name(
    api: Api, au2: CommandLine, folder: Path
) -> None:
    write_manifest(folder, f"processes:\n  {ORGANIZATION}: {OTHER}\n")
    owner = {"organization": ORGANIZATION, "project": PROJECT}
    api.answer("GET /processes", [{"id": PROCESS, "name": "forecast", **owner}])
    serve_versions(api, v1="AVAILABLE")

    au2.ok("process", "version", "list")

    assert api.requests[0].query["name"] == "forecast"
    assert api.asked()[-1] == VERSIONS


def test_a_package_that_was_never_uploaded(api: Api, au2: CommandLine, folder: Path) -> None:
    write_manifest(folder)
    api.answer("GET /processes", [])

    result = au2("process", "args")

    assert result.exit_code == 3
    assert "There is no process 'forecast' in this context." in result.errors
    assert "au2 process repo upload" in result.errors


@pytest.mark.parametrize(
    "words",
    [
        ("run",),
        ("args",),
        ("show",),
        ("version", "list"),
        ("version", "show"),
        ("version", "diff"),
        ("version", "publish", "--process=", "3"),
    ],
)
def test_a_folder_without_a_package(
    api: Api, au2: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    result = au2("process", *(word for word in words if word != "--process="))

    assert result.exit_code == 2
    assert "no aunsight.yml" in result.errors or "Name the version" in result.errors
    assert f"See: au2 process {words[0]}" in result.errors
    assert api.requests == []


@pytest.mark.parametrize("text", ["[", "name: \x07", "name: n\n", "\ud800", "x" * (2 << 20)])
def test_a_broken_manifest(api: Api, au2: CommandLine, folder: Path, text: str) -> None:
    (folder / "aunsight.yml").write_bytes(text.encode(errors="surrogatepass"))

    result = au2("process", "version", "list")

    assert result.exit_code == 1
    assert "aunsight.yml" in result.errors
    assert api.requests == []


@pytest.mark.usefixtures("folder")
def test_a_broken_schema_does_not_matter(api: Api, au2: CommandLine, folder: Path) -> None:
    (folder / "args.schema.yml").write_text("type: [")
    serve_versions(api, v1="AVAILABLE")

    au2.ok("process", "version", "list")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("words", [("3",), (PROCESS, "3"), ("--process", PROCESS, "3")])
def test_digits_are_a_number_in_a_package(
    api: Api, au2: CommandLine, words: tuple[str, ...]
) -> None:
    serve_versions(api, v3="AVAILABLE", v4="FAILED")

    shown = au2.ok("process", "version", "show", *words, "-o", "json")

    assert shown.document["version"] == 3


@pytest.mark.usefixtures("folder")
def test_without_a_number_the_newest_is_shown(api: Api, au2: CommandLine) -> None:
    serve_versions(api, v3="AVAILABLE", v10="FAILED")

    assert au2.ok("process", "version", "show", "-o", "json").document["version"] == 10
    assert au2.ok("process", "version", "show", PROCESS, "-o", "json").document["version"] == 10


def test_digits_are_a_process_without_a_package(
    api: Api, au2: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    api.answer("GET /processes", [])

    result = au2("process", "version", "show", "2024")

    assert "There is no process '2024'" in result.errors


@pytest.mark.usefixtures("folder")
def test_a_process_of_digits_is_named_by_its_option(api: Api, au2: CommandLine) -> None:
    owner = {"organization": ORGANIZATION, "project": PROJECT}
    api.answer("GET /processes", [{"id": OTHER, "name": "7", **owner}])
    serve_versions(api, OTHER, v1="AVAILABLE", v2="AVAILABLE")

    shown = au2.ok("process", "version", "show", "--process", "7", "2", "-o", "json")
    twice = au2("process", "version", "show", "--process", "7", "8", "2")

    assert (shown.document["process"], shown.document["version"]) == (OTHER, 2)
    assert twice.exit_code == 2
    assert "Give the process once" in twice.errors


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("words", [("3",), (PROCESS, "3")])
def test_publish(api: Api, au2: CommandLine, words: tuple[str, ...]) -> None:
    api.answer(f"POST /processes/{PROCESS}/versions/3/publish", version_document(3))

    result = au2.ok("process", "version", "publish", *words)

    assert "Version 3 is published." in result.errors


@pytest.mark.usefixtures("folder")
def test_publish_asks_for_the_newest_at_a_terminal(api: Api, au2: CommandLine) -> None:
    api.answer(f"{VERSIONS}/default", version_document(5))
    api.answer(f"POST /processes/{PROCESS}/versions/5/publish", version_document(5))

    no = au2("process", "version", "publish", typed="n\n")
    yes = au2.ok("process", "version", "publish", typed="y\n")

    assert "Publish version 5, the newest that is AVAILABLE?" in no.errors
    assert no.exit_code == 1
    assert "Version 5 is published." in yes.errors
    assert api.of(f"{VERSIONS}/default")[0].query == {"latest": "true"}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["publish", "unpublish", "download"])
def test_without_a_terminal_the_number_is_asked_for(api: Api, au2: CommandLine, name: str) -> None:
    result = au2("process", "version", name, PROCESS)

    assert result.exit_code == 2
    assert f"Name the version: au2 process version {name} {PROCESS} N" in result.errors
    assert api.requests == []


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("text", ["0", "9" * 30])
def test_numbers_out_of_range(api: Api, au2: CommandLine, text: str) -> None:
    result = au2("process", "version", "show", text)

    assert result.exit_code == 2
    assert text in result.errors
    assert api.requests == []


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("words", "old", "new"),
    [
        ((), 3, 5),
        (("1",), 1, 5),
        (("1", "3"), 1, 3),
        ((PROCESS, "1", "3"), 1, 3),
        ((PROCESS,), 3, 5),
    ],
)
def test_diff_takes_the_newest(
    api: Api, au2: CommandLine, words: tuple[str, ...], old: int, new: int
) -> None:
    serve_versions(api, v1="AVAILABLE", v3="AVAILABLE", v4="FAILED", v5="AVAILABLE", v6="BUILDING")
    serve_diff(api, old, new)

    result = au2.ok("process", "version", "diff", *words)

    assert f"Versions {old} and {new} " in result.errors


@pytest.mark.usefixtures("folder")
def test_diff_without_two_versions(api: Api, au2: CommandLine) -> None:
    serve_versions(api, v1="AVAILABLE", v2="FAILED")

    none = au2("process", "version", "diff")
    same = au2("process", "version", "diff", "1")

    assert "1 version with an image" in none.errors
    assert "Version 1 is the newest" in same.errors
    assert (none.exit_code, same.exit_code) == (2, 2)


@pytest.mark.usefixtures("folder")
def test_an_image_is_uploaded_to_the_process_of_the_folder(api: Api, au2: CommandLine) -> None:
    api.routes[f"{VERSIONS}/3/image-uploads"] = Answer(404)

    au2("process", "version", "upload", "--ver", "3", "--stdin", stdin=b"")

    assert all(f"/processes/{PROCESS}/versions/3" in request.path for request in api.requests)
    assert api.requests
