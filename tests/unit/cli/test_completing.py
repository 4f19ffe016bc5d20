"""What the shell offers for things that only the server knows."""

import shlex
from contextlib import closing
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from au2.cli.command import Session
from au2.cli.configuration import Configuration, save
from au2.cli.main import make_root
from au2.console.console import Console
from tests.unit.cli.conftest import CommandLine, Stream
from tests.unit.cli.test_data import VERSION
from tests.unit.client.api import NOW, ORGANIZATION, PROCESS, PROJECT, Answer, Api, job_document

OTHER = "4cd24262-8061-40be-bbb0-9367690240ce"
THIRD = "cc76d137-acf6-488f-80a7-a1db6c9d9cd7"


def offered(au2: CommandLine, words: str, incomplete: str = "") -> list[str]:
    out, err = Stream(is_terminal=True), Stream(is_terminal=True)
    session = Session(Console(Stream(is_terminal=True), out, err), au2.environment)
    shell = ShellComplete(make_root(), {"obj": session}, "au2", "_AU2_COMPLETE")
    with closing(session):
        found = shell.get_completions(shlex.split(words), incomplete)
    assert out.content() == err.content() == b"", "no output in the middle of a command"
    return [item.value for item in found]


def named(name: str, guid: str) -> dict[str, object]:
    return {"id": guid, "name": name, "organization": None, "project": None}


@pytest.mark.parametrize(
    "words", ["process run", "process version create", "process version upload --process"]
)
def test_processes(api: Api, au2: CommandLine, words: str) -> None:
    there = [named("forecast", PROCESS), named("far off", OTHER), named("adder", THIRD)]
    api.answer("GET /processes", there)

    assert offered(au2, words) == ["forecast", OTHER, "adder"]
    assert offered(au2, words, "fo") == ["forecast"]


def test_namesakes_are_offered_by_their_ids(api: Api, au2: CommandLine) -> None:
    api.answer("GET /processes", [named("twice", PROCESS), named("twice", OTHER)])

    assert offered(au2, "process show") == [PROCESS, OTHER]


@pytest.mark.parametrize(
    "words",
    ["version show {}", "version diff {} 1", "run {} --ver", "version upload --process {} --ver"],
)
def test_versions_newest_first(api: Api, au2: CommandLine, words: str) -> None:
    there = [{"version": number, "image_status": "AVAILABLE"} for number in (1, 2, 10)]
    api.answer(f"GET /processes/{PROCESS}/versions", there)

    assert offered(au2, "process " + words.format(PROCESS)) == ["10", "2", "1"]
    assert offered(au2, "process " + words.format(PROCESS), "1") == ["10", "1"]


def test_versions_of_the_folder_come_first(
    api: Api, au2: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    key = f"{ORGANIZATION}/{PROJECT}"
    text = f"name: forecast\nruntime: r\nprocesses: {{{key}: {PROCESS}}}\n"
    (tmp_path / "aunsight.yml").write_text(text)
    api.answer(f"GET /processes/{PROCESS}/versions", [{"version": 1, "image_status": "FAILED"}])
    api.answer("GET /processes", [named("adder", THIRD)])

    assert offered(au2, "process version show") == ["1", "adder"]
    assert offered(au2, "process run --ver") == ["1"]


def test_runtimes_and_jobs(api: Api, au2: CommandLine) -> None:
    api.answer("GET /runtimes", [named("Python3.11", THIRD)])
    api.answer("GET /jobs", {"items": [job_document(12), job_document(7)], "next": None})

    assert offered(au2, "runtime show") == ["Python3.11"]
    assert offered(au2, "process repo init --runtime") == ["Python3.11"]
    assert offered(au2, "job logs") == ["12", "7"]
    assert api.of("GET /jobs")[0].query["limit"] == "20"


def test_nothing_is_offered_or_asked_when_something_is_wrong(
    api: Api, au2: CommandLine, anonymous: CommandLine
) -> None:
    api.fail("GET /processes", 401, "token-expired", "Expired.")
    assert offered(au2, "process run") == []
    api.routes["GET /processes"] = Answer(body=b"<html>")
    assert offered(au2, "process run") == []
    save(Configuration(), anonymous.config_file)
    assert offered(anonymous, "process run") == []
    anonymous.environment["AU_SERVER"] = "http://127.0.0.1:9"
    assert offered(anonymous, "process run") == []


@pytest.mark.parametrize("word", ["help", "version"])
def test_a_word_that_is_an_option_is_suggested(au2: CommandLine, word: str) -> None:
    result = au2(word)

    assert result.exit_code == 2
    assert f"Did you mean --{word}?" in result.errors


def membership(project: str | None = None, name: str | None = None) -> dict[str, object]:
    return {
        "organization": ORGANIZATION,
        "organization_name": "Acme",
        "project": project,
        "project_name": name,
        "role": "admin",
    }


@pytest.mark.parametrize("words", ["context set", "process list --organization"])
def test_organizations(api: Api, au2: CommandLine, words: str) -> None:
    api.answer("GET /account/contexts", [membership(), membership(PROJECT, "Forecasting")])

    assert offered(au2, words) == ["Acme"]


@pytest.mark.parametrize("words", ["context set Acme", "process list --project"])
def test_projects(api: Api, au2: CommandLine, words: str) -> None:
    inside = [membership(), membership(PROJECT, "Forecasting"), membership(OTHER, "two words")]
    api.answer("GET /account/contexts", inside)

    assert offered(au2, words) == ["Forecasting", OTHER]
    assert offered(au2, "context set Elsewhere") == []


def test_secrets_tokens_and_members(api: Api, au2: CommandLine) -> None:
    secret = {"id": OTHER, "name": "DB_PASSWORD", "description": "", "organization": ORGANIZATION}
    changes = dict.fromkeys(("created_at", "updated_at"), NOW)
    changes |= dict.fromkeys(("created_by", "updated_by"), "me@x.org")
    api.answer("GET /secrets", [secret | {"project": None, "has_value": True} | changes])
    times = {"created_at": NOW, "expires_at": None, "last_used_at": None}
    api.answer("GET /tokens", [{"id": THIRD, "kind": "managed", "name": "nightly"} | times])
    api.answer("GET /members", [{"email": "me@x.org", "role": "admin", "project": None}])

    for verb in ("show", "ingest", "download", "delete"):
        assert offered(au2, f"secret {verb}") == ["DB_PASSWORD"]
    assert offered(au2, "token delete") == ["nightly"]
    assert offered(au2, "member remove") == ["me@x.org"]


def test_arguments(api: Api, au2: CommandLine) -> None:
    schema = {"type": "object", "properties": {"days": {"type": "integer"}, "region": {}}}
    api.answer(f"GET /processes/{PROCESS}/versions/default", VERSION | {"args_schema": schema})
    api.answer(f"GET /processes/{PROCESS}/versions/3", VERSION | {"args_schema": None})

    assert offered(au2, f"process run {PROCESS} --arg") == ["days=", "region="]
    assert offered(au2, f"process run {PROCESS} --arg", "da") == ["days="]
    assert offered(au2, f"process run {PROCESS} --ver 3 --arg") == []
