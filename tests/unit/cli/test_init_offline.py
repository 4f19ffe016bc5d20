"""`au2 process repo init --runtime` where no server answers."""

from pathlib import Path

import pytest

from au2.cli.configuration import Configuration, save
from au2.package.manifest import parse_manifest
from au2.runtimes.recipe_file import get_recipe
from tests.unit.cli.conftest import CommandLine
from tests.unit.client.api import Api


@pytest.fixture
def offline(anonymous: CommandLine) -> CommandLine:
    """``au2`` of a user who never named a server."""
    del anonymous.environment["AU_SERVER"]
    return anonymous


def init(au2: CommandLine, folder: Path, runtime: str) -> str:
    au2.ok("process", "repo", "init", folder, "--runtime", runtime, "--yes")
    return parse_manifest((folder / "aunsight.yml").read_text()).runtime


@pytest.mark.parametrize(
    ("runtime", "entry_point"),
    [("Python3.11", "main.py"), ("node18", "main.js"), ("R4.2", "main.r"), ("Shell", "main.sh")],
)
def test_a_runtime_of_the_catalogue(
    offline: CommandLine, tmp_path: Path, runtime: str, entry_point: str
) -> None:
    written = init(offline, tmp_path / "p", runtime)

    assert written == get_recipe(runtime).id
    assert (tmp_path / "p" / entry_point).is_file()
    offline.ok("process", "repo", "check", tmp_path / "p")


@pytest.mark.parametrize(
    ("runtime", "entry_point"),
    [
        ("Python3.99", "main.py"),
        ("Node99", "main.js"),
        ("JavaScript of ours", "main.js"),
        ("R9.9", "main.r"),
        ("bash-tools", "main.sh"),
    ],
)
def test_a_runtime_whose_name_tells_the_language(
    offline: CommandLine, tmp_path: Path, runtime: str, entry_point: str
) -> None:
    assert init(offline, tmp_path / "p", runtime) == runtime
    assert (tmp_path / "p" / entry_point).is_file()
    offline.ok("process", "repo", "check", tmp_path / "p")


@pytest.mark.parametrize(
    "runtime",
    ["Cobol85", "Rust", "", "cc76d137-acf6-488f-80a7-a1db6c9d9c00", "python\n3", "r" * 300],
)
def test_a_runtime_of_an_unknown_language(
    offline: CommandLine, tmp_path: Path, runtime: str
) -> None:
    result = offline("process", "repo", "init", tmp_path / "p", "--runtime", runtime, "--yes")

    assert result.exit_code == 2
    assert "is not known here" in result.errors
    assert "No server is known" in result.errors
    assert not (tmp_path / "p").exists()


@pytest.mark.parametrize("why", ["no server", "no login", "no answer", "expired"])
def test_it_is_said_why_the_runtime_was_not_looked_up(
    api: Api, au2: CommandLine, tmp_path: Path, why: str
) -> None:
    match why:
        case "no server":
            del au2.environment["AU_SERVER"]
            save(Configuration(), au2.config_file)
        case "no login":
            save(Configuration(), au2.config_file)
        case "no answer":
            au2.environment["AU_SERVER"] = "http://127.0.0.1:9"
        case "expired":
            api.fail("GET /runtimes", 401, "token-expired", "The token has expired.")

    result = au2.ok("process", "repo", "init", tmp_path / "p", "--runtime", "Python3.11", "--yes")

    assert "Runtime Python3.11 was not looked up. " in result.errors
    assert "is a package now" in result.errors


def test_without_a_runtime_a_server_is_needed(offline: CommandLine, tmp_path: Path) -> None:
    result = offline("process", "repo", "init", tmp_path / "p", "--yes")

    assert result.exit_code == 2
    assert "--runtime" in result.errors
    assert not (tmp_path / "p").exists()
