"""`au2 secret`: values come in by no command line and go out only when asked for."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.machine.devices import NULL, make_device
from tests.unit.cli.conftest import CommandLine
from tests.unit.client.api import NOW, ORGANIZATION, PROCESS, PROJECT, Answer, Api, job_document

CONTEXT = {"organization": ORGANIZATION, "project": PROJECT}
SECRET: dict[str, Any] = {
    "id": "cc76d137-acf6-488f-80a7-a1db6c9d9cd7",
    "name": "db",
    "description": "Of the reports",
    "organization": ORGANIZATION,
    "project": None,
    "has_value": True,
    "created_at": NOW,
    "created_by": "me@example.org",
    "updated_at": NOW,
    "updated_by": "me@example.org",
}


def test_list(api: Api, au2: CommandLine) -> None:
    api.answer("GET /secrets", [SECRET, SECRET | {"project": PROJECT, "has_value": False}])

    header, first, second = au2.ok("secret", "list").text.splitlines()[1::2]

    assert [cell.strip() for cell in header.strip("│").split("│")] == [
        "name",
        "description",
        "of",
        "has_value",
        "updated_at",
        "organization",
        "project",
    ]
    assert "yes" in first
    assert "no" in second
    assert au2.ok("secret", "list", "-o", "json").document[0] == SECRET
    assert api.requests[0].query == CONTEXT


def test_show(api: Api, au2: CommandLine) -> None:
    api.answer("GET /secrets/db.1", SECRET)
    shown = au2.ok("secret", "show", "db.1").text
    assert ("description", "Of the reports") in [
        tuple(cell.strip() for cell in line.strip("│").split("│"))
        for line in shown.splitlines()[1::2]
    ]
    assert au2.ok("secret", "show", "db.1", "-o", "yaml").text.startswith("id: ")


def test_create(api: Api, au2: CommandLine) -> None:
    api.answer("POST /secrets", SECRET, 201)
    au2.ok("secret", "create", "db", "--description", "Of the reports")
    au2.ok("secret", "create", "db", "--stdin", stdin=b"the value\n")
    assert [request.document for request in api.requests] == [
        {"name": "db", "description": "Of the reports"},
        {"name": "db", "value": "the value"},
    ]


def test_create_without_a_value_says_how_it_gets_one(api: Api, au2: CommandLine) -> None:
    api.answer("POST /secrets", SECRET | {"has_value": False}, 201)
    assert "au2 secret ingest db" in au2.ok("secret", "create", "db").errors
    api.answer("POST /secrets", SECRET, 201)
    assert au2.ok("secret", "create", "db", "--stdin", stdin=b"x").errors == ""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b"two\r\nlines\n\n", "two\r\nlines\n"),
        ("wört".encode(), "wört"),
    ],
)
def test_ingest_from_stdin(api: Api, au2: CommandLine, given: bytes, expected: str) -> None:
    api.answer("PUT /secrets/db/value", SECRET)
    result = au2.ok("secret", "ingest", "db", "--stdin", stdin=given)
    assert api.requests[0].document == {"value": expected}
    assert expected not in result.text + result.errors


def test_ingest_from_a_file_as_it_is(api: Api, au2: CommandLine, tmp_path: Path) -> None:
    api.answer("PUT /secrets/db/value", SECRET)
    file = tmp_path / "key.pem"
    file.write_bytes(b"-----BEGIN-----\r\n\n")
    au2.ok("secret", "ingest", "db", "--file", file)
    assert api.requests[0].document == {"value": "-----BEGIN-----\r\n\n"}


@pytest.mark.parametrize(
    ("arguments", "stdin", "expected", "code"),
    [
        (("--stdin", "--file", "x"), b"v", "one of --stdin and --file", 2),
        (("--file", "no-such-file"), b"", "No such file", 2),
        (("--stdin",), b"secret\xff", "UTF-8", 2),
        (("--stdin",), b"s" * ((1 << 20) + 1), "too long", 2),
        ((), b"", "--stdin or --file", 2),
    ],
)
def test_values_that_are_none(
    api: Api,
    au2: CommandLine,
    arguments: tuple[str, ...],
    stdin: bytes,
    expected: str,
    code: int,
) -> None:
    result = au2("secret", "ingest", "db", *arguments, stdin=stdin)
    assert (result.exit_code, api.requests) == (code, [])
    assert expected in result.errors
    assert "secret\\xff" not in result.errors


def test_download(api: Api, au2: CommandLine, tmp_path: Path) -> None:
    api.answer("GET /secrets/db/value", {"value": "the\nvälue"})
    assert au2.ok("secret", "download", "db").out == "the\nvälue".encode()
    file = tmp_path / "value"
    file.write_text("old")
    file.chmod(0o644)
    result = au2.ok("secret", "download", "db", "--output-file", file)
    assert (result.out, file.read_text()) == (b"", "the\nvälue")
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if "new" in path.name] == []
    # -o chooses a format: it must not make a file of that name.
    document = au2.ok("secret", "download", "db", "-o", "json").document
    assert document == {"name": "db", "value": "the\nvälue"}


def test_a_download_never_replaces_a_device_or_a_link(
    api: Api, au2: CommandLine, tmp_path: Path
) -> None:
    api.answer("GET /secrets/db/value", {"value": "value"})
    download = ("secret", "download", "db", "--output-file")
    device, link, file = make_device(tmp_path / "null", NULL), tmp_path / "link", tmp_path / "file"
    link.symlink_to(file)
    au2.ok(*download, device)
    au2.ok(*download, link)
    assert device.is_char_device()
    assert link.is_symlink()
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("value", 0o600)


def test_a_download_to_stdout(
    api: Api, au2: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    api.answer("GET /secrets/db/value", {"value": "value"})
    result = au2.ok("secret", "download", "db", "--output-file", "-")
    assert (result.out, result.err, Path("-").exists()) == (b"value", b"", False)


@pytest.mark.parametrize("place", ["", ".", "no/file"])
def test_a_download_that_can_not_be_written_is_not_asked_for(
    api: Api, au2: CommandLine, place: str
) -> None:
    assert au2("secret", "download", "db", "--output-file", place).exit_code == 2
    assert api.requests == [], "that a value was read out is written down"


def test_delete_asks_first(api: Api, au2: CommandLine) -> None:
    api.routes["DELETE /secrets/db"] = Answer(204)
    assert au2("secret", "delete", "db").exit_code == 2
    assert au2("secret", "delete", "db", typed="n\n").exit_code == 1
    assert api.requests == []
    au2.ok("secret", "delete", "db", "--yes")
    assert api.requests[0].query == CONTEXT


def test_run_with_secrets(api: Api, au2: CommandLine) -> None:
    api.answer("POST /jobs", job_document(state="PENDING"), 201)
    au2.ok("process", "run", PROCESS, "--secret", "PASSWORD=db", "--secret", "KEY=tls.key")
    assert api.requests[0].document["secrets"] == {"PASSWORD": "db", "KEY": "tls.key"}
    assert au2("process", "run", PROCESS, "--secret", "PASSWORD").exit_code == 2


def test_a_job_shows_the_names(api: Api, au2: CommandLine) -> None:
    api.answer("GET /jobs/12", job_document(secrets={"PASSWORD": "db"}))
    assert "PASSWORD: db" in au2.ok("job", "show", "12").text
    assert json.loads(au2.ok("job", "show", "12", "-o", "json").text)["secrets"] == {
        "PASSWORD": "db"
    }
