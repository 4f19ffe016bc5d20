"""`au2 process version download`: where bytes go, and what stays when they end too early."""

import io
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from au2.cli.commands.process.version_download import safe_name
from au2.cli.main import run
from au2.console.console import Console
from au2.oci.tar.writer import LayerEntry, directory_entry, file_entry, write_layer
from tests.support.machine.devices import FULL, NULL, make_device
from tests.unit.cli.conftest import CommandLine, Stream
from tests.unit.client.api import NOW, ORGANIZATION, PROCESS, PROJECT, Answer, Api

COMMAND = ("process", "version", "download", PROCESS, "3")
IMAGE = f"GET /processes/{PROCESS}/versions/3/archive"
PACKAGE = f"GET /processes/{PROCESS}/versions/3/package"
DATA = bytes(range(256)) * 10_000


def process(**changes: object) -> dict[str, object]:
    return {
        "id": PROCESS,
        "name": "Fore cast/ü",
        "description": "",
        "organization": ORGANIZATION,
        "project": PROJECT,
        "tags": [],
        "created_at": NOW,
        "created_by": "me@example.org",
        "updated_at": NOW,
        "updated_by": "me@example.org",
        **changes,
    }


def package(*entries: LayerEntry) -> Answer:
    out = io.BytesIO()
    write_layer(entries, out)
    return Answer(body=out.getvalue(), media_type="application/x-tar")


def a_file(path: str, data: bytes) -> LayerEntry:
    return file_entry(path, len(data), lambda: io.BytesIO(data))


MANIFEST = a_file("aunsight.yml", b"name: n\nruntime: r\n")


@pytest.mark.parametrize("words", [(), ("-o", "-"), ("--output", "-")])
@pytest.mark.parametrize("chunked", [False, True])
def test_to_a_pipe(api: Api, au2: CommandLine, words: tuple[str, ...], chunked: bool) -> None:
    api.routes[IMAGE] = Answer(body=DATA, chunked=chunked)
    result = au2.ok(*COMMAND, *words)
    assert result.out == DATA
    assert "Received 2.44 MiB" in result.errors


def test_not_to_a_terminal(api: Api, au2: CommandLine) -> None:
    out, err = Stream(is_terminal=True), Stream(is_terminal=True)
    code = run([*COMMAND], Console(Stream(), out, err), au2.environment)
    assert code == 2
    told = err.content().decode()
    assert "--to FILE" in told
    assert "docker load" in told
    assert api.requests == []


def test_to_a_file_in_the_place_of_another(api: Api, au2: CommandLine, tmp_path: Path) -> None:
    api.routes[IMAGE] = Answer(body=DATA)
    file, link = tmp_path / "image.tar", tmp_path / "link"
    file.write_text("older")
    link.symlink_to(file)
    result = au2.ok(*COMMAND, "-o", link)
    assert file.read_bytes() == DATA
    assert link.is_symlink()
    assert result.out == b""
    assert f"docker load -i {link}" in result.errors


def test_a_cut_download_is_not_taken_for_a_whole_one(
    api: Api, au2: CommandLine, tmp_path: Path
) -> None:
    api.routes[IMAGE] = Answer(body=DATA, cut=True)
    file = tmp_path / "image.tar"
    file.write_text("older")
    result = au2(*COMMAND, "-o", file)
    assert result.exit_code == 6
    assert "broke off after" in result.errors
    assert "at the same byte" in result.errors
    assert file.read_text() == "older"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["image.tar"]
    assert au2(*COMMAND).exit_code == 6


def test_a_device_is_written_to_as_it_is(api: Api, au2: CommandLine, tmp_path: Path) -> None:
    api.routes[IMAGE] = Answer(body=DATA)
    device = make_device(tmp_path / "null", NULL)
    au2.ok(*COMMAND, "-o", device)
    assert device.is_char_device()


def test_a_full_device_is_not_the_servers_fault(api: Api, au2: CommandLine, tmp_path: Path) -> None:
    api.routes[IMAGE] = Answer(body=DATA)
    device = make_device(tmp_path / "full", FULL)
    result = au2(*COMMAND, "-o", device)
    assert result.exit_code == 1, result
    assert f"'{device}' can't be written: No space" in result.errors
    assert "Received 0 bytes" not in result.errors


def test_what_can_not_be_written_is_known_before_anything_is_asked_for(
    api: Api, au2: CommandLine, tmp_path: Path
) -> None:
    for target, told in (
        (tmp_path, "is a folder"),
        (tmp_path / "none" / "image.tar", f"no folder '{tmp_path / 'none'}'"),
        ("", "names no file"),
    ):
        result = au2(*COMMAND, "-o", target)
        assert result.exit_code == 2, result
        assert told in result.errors
    assert api.requests == []


def test_what_the_server_refuses(api: Api, au2: CommandLine, tmp_path: Path) -> None:
    api.fail(IMAGE, 409, "conflict", "Version 3 is FAILED.", hint="au2 job show 7")
    result = au2(*COMMAND, "-o", tmp_path / "image.tar")
    assert result.exit_code == 5
    assert "au2 job show 7" in result.errors
    assert not (tmp_path / "image.tar").exists()


def test_a_package_knows_its_process(
    api: Api, au2: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    api.answer(f"GET /processes/{PROCESS}", process())
    api.routes[PACKAGE] = package(MANIFEST, a_file("main.py", b"1"))

    result = au2.ok(*COMMAND, "--package")

    directory = tmp_path / "Fore-cast-ü-3"
    assert (directory / "main.py").read_bytes() == b"1"
    text = (directory / "aunsight.yml").read_text()
    assert text.startswith("name: n\nruntime: r\n")
    assert f"{ORGANIZATION}/{PROJECT}: {PROCESS}" in text
    assert {path.name for path in directory.iterdir()} == {"aunsight.yml", "main.py"}
    assert "2 files" in result.errors


def test_a_manifest_that_may_not_be_written_stays_one(
    api: Api, au2: CommandLine, tmp_path: Path
) -> None:
    api.answer(f"GET /processes/{PROCESS}", process())
    manifest = replace(MANIFEST, mode=0o444)
    api.routes[PACKAGE] = package(manifest, directory_entry("out", mode=0o500))
    au2.ok(*COMMAND, "--package", "-o", tmp_path / "p")
    path = tmp_path / "p/aunsight.yml"
    assert PROCESS in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert stat.S_IMODE((tmp_path / "p/out").stat().st_mode) == 0o500


def test_a_process_of_elsewhere_is_noted_for_its_own_context(
    api: Api, au2: CommandLine, tmp_path: Path
) -> None:
    other = "00000000-0000-4000-8000-000000000000"
    api.answer(f"GET /processes/{PROCESS}", process(organization=other, project=None))
    api.routes[PACKAGE] = package(MANIFEST)
    au2.ok(*COMMAND, "--package", "-o", tmp_path / "p")
    assert f"{other}: {PROCESS}" in (tmp_path / "p/aunsight.yml").read_text()


def test_a_folder_that_is_taken_is_left_alone(api: Api, au2: CommandLine, tmp_path: Path) -> None:
    api.answer(f"GET /processes/{PROCESS}", process())
    (tmp_path / "mine").write_text("mine")
    result = au2(*COMMAND, "--package", "-o", tmp_path)
    assert result.exit_code == 2
    assert "not an empty folder" in result.errors
    for target in ("-", ""):
        assert au2(*COMMAND, "--package", "-o", target).exit_code == 2
    assert PACKAGE not in api.asked()


@pytest.mark.parametrize("cut", [True, False])
def test_nothing_is_left_of_a_package_that_is_not_whole(
    api: Api, au2: CommandLine, tmp_path: Path, cut: bool
) -> None:
    api.answer(f"GET /processes/{PROCESS}", process())
    whole = package(MANIFEST, a_file("main.py", bytes(4000))).body
    api.routes[PACKAGE] = Answer(body=whole[:3000], cut=cut)
    result = au2(*COMMAND, "--package", "-o", tmp_path / "p")
    assert result.exit_code == (6 if cut else 1)
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize(
    ("name", "safe"),
    [("forecast", "forecast"), ("../x", "x"), ("...", "process"), ("a b\\c", "a-b-c")],
)
def test_names_of_folders(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_to_a_file(api: Api, au2: CommandLine, tmp_path: Path) -> None:
    api.routes[IMAGE] = Answer(body=DATA)
    file = tmp_path / "image.tar"

    new = au2.ok(*COMMAND, "--to", file)
    assert file.read_bytes() == DATA
    old = au2.ok(*COMMAND, "-o", tmp_path / "old.tar")
    document = au2.ok(*COMMAND, "--to", file, "-o", "json")
    both = au2(*COMMAND, "--to", file, "-o", tmp_path / "other.tar")
    to_stdout = au2(*COMMAND, "-o", "json")

    assert "old form" not in new.errors
    assert "-o FILE is the old form of --to FILE" in old.errors
    assert document.document == {"process": PROCESS, "version": 3, "path": str(file)}
    assert document.errors == ""
    assert (both.exit_code, to_stdout.exit_code) == (2, 2)
    assert to_stdout.out == b""
    assert "--to FILE" in to_stdout.errors


def test_a_folder_as_a_document(api: Api, au2: CommandLine, tmp_path: Path) -> None:
    api.answer(f"GET /processes/{PROCESS}", process())
    api.routes[PACKAGE] = package(MANIFEST)

    done = au2.ok(*COMMAND, "--package", "--to", tmp_path / "p", "-o", "json")

    assert done.document["path"] == str(tmp_path / "p")
    assert done.document["files"] == 1
