"""From an empty folder to the output in each language: dependency, schemas, hooks, secret.

The guide "Your first process" tells this story.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.commands.command import Au2
from tests.support.commands.people import People
from tests.support.packages.folders import submitted_job
from tests.support.servers.server_process import ServerProcess

SOURCES = Path(__file__).parents[1] / "languages"
RUNTIMES = {"python": "Python3.11", "shell": "Shell", "javascript": "Node18", "r": "R4.2"}
SECRET = "kept-to-oneself-4711"
NUMBERS = "numbers=[1, 2, 3.5]"


def write_package(au2: Au2, directory: Path, language: str) -> Path:
    """Init a package, then edit it as its author would."""
    au2.ok(
        *("process", "repo", "init", directory, "--yes", "--name", f"story in {language}"),
        *("--description", "Adds up.", "--runtime", RUNTIMES[language]),
    )
    entry_points = {path.name for path in directory.iterdir() if path.name.startswith("main.")}
    assert len(entry_points) == 1, "one entry point, of the runtime's language"
    for folder in (SOURCES / "shared", SOURCES / language):
        shutil.copytree(folder, directory, dirs_exist_ok=True)
    assert {path.name for path in directory.iterdir() if path.name.startswith("main.")} == (
        entry_points
    )
    return directory


def check_output(output: dict[str, object]) -> None:
    assert output.pop("dependency"), "the dependency's version"
    assert output == {
        "label": "sum",
        "total": 6.5,
        "greeting": "hello",
        "key_length": len(SECRET),
    }


@pytest.mark.parametrize("language", RUNTIMES)
def test_from_an_empty_folder_to_the_output(
    server: ServerProcess, people: People, tmp_path: Path, short_directory: Path, language: str
) -> None:
    server.add_runtime(RUNTIMES[language])
    cache = {"XDG_CACHE_HOME": str(short_directory / "cache")}
    au2 = replace(people.member("developer"), extra_env=cache)
    package = write_package(au2, tmp_path / language, language)
    au2.ok("process", "repo", "check", package)

    local = au2(
        *("process", "repo", "run", package, "--arg", NUMBERS, "--env", f"API_KEY={SECRET}"),
        *("--container", "-o", "json"),
    )
    assert local.exit_code == 0, local
    assert (local.document["mode"], local.document["image_digest"] is None) == ("container", False)
    check_output(local.document["output"])

    missing = au2("process", "repo", "upload", package, "--yes", "--wait")
    assert missing.exit_code == 0, missing
    process = au2.json("job", "show", submitted_job(missing))["process"]
    refused = au2("process", "run", process, "--arg", NUMBERS)
    assert refused.exit_code != 0, "there is no such secret yet"
    assert "story-key" in refused.errors
    admin = people.admin()
    admin.ok("secret", "create", "story-key", "--stdin", stdin=SECRET.encode())

    wrong = au2("process", "run", process, "--arg", "numbers=[]")
    assert wrong.exit_code != 0
    assert "/numbers" in wrong.errors

    run = au2.ok("process", "run", process, "--arg", NUMBERS, "--follow")

    assert SECRET not in run.text + run.errors
    lines = [line.strip() for line in run.text.splitlines()[1:]]
    assert lines == ["before", "prepared", "the key is ***", "after, exit code 0"]
    job = submitted_job(run)
    check_output(json.loads(au2.ok("job", "output", job).stdout))
    shown = au2.json("job", "show", job)
    assert shown["status_text"] == "adding up"
    assert SECRET not in json.dumps(shown)
    admin.ok("secret", "delete", "story-key", "--yes")
