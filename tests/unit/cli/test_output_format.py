"""``--output``: one document on stdout, or one error on stderr, from every command."""

import json

import click
import pytest
from ruamel.yaml import YAML

from au2.console.console import FORMATS
from tests.support.commands.command_tree import Leaf, au2_commands, server_commands
from tests.unit.cli.conftest import CommandLine
from tests.unit.client.api import PROCESS, Answer, Api

WITHOUT = {"completion", "start", "process version download"}
"""They print a script, run for ever, and (an older form) take ``-o FILE``."""


@pytest.mark.parametrize("leaf", [*au2_commands(), *server_commands()], ids=lambda leaf: leaf.name)
def test_every_command_has_the_option(leaf: Leaf) -> None:
    chooses = any(
        parameter.type.choices == FORMATS
        for parameter in leaf.command.params
        if "--output" in parameter.opts and isinstance(parameter.type, click.Choice)
    )
    assert chooses == (leaf.name not in WITHOUT)


@pytest.mark.parametrize(
    ("words", "exit_code", "code"),
    [
        (("process", "show", PROCESS, "-o", "json"), 3, "not-found"),
        (("process", "show", "-o", "json"), 2, "invalid-request"),
        (("job", "show", "twelve", "--output=json"), 2, "invalid-request"),
        (("-o", "json", "process", "list"), 2, "invalid-request"),
        (("process", "list", "--colour", "-ojson"), 2, "invalid-request"),
        (("process", "lst", "--output", "json"), 2, "invalid-request"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_error_is_one_json_object(
    api: Api, au2: CommandLine, words: tuple[str, ...], exit_code: int, code: str
) -> None:
    api.fail(f"GET /processes/{PROCESS}", 404, "not-found", "There is no process.")

    result = au2(*words)

    assert result.exit_code == exit_code
    assert result.out == b""
    told = json.loads(result.err)["error"]
    assert set(told) == {"code", "message", "hint", "details", "exit_code"}
    assert (told["code"], told["exit_code"]) == (code, exit_code)


def test_an_error_in_yaml(au2: CommandLine) -> None:
    result = au2("job", "show", "twelve", "-o", "yaml")

    document = YAML(typ="safe", pure=True).load(result.errors)
    assert document["error"]["exit_code"] == 2


def test_a_word_behind_two_dashes_is_no_option(au2: CommandLine) -> None:
    result = au2("job", "show", "--none", "--", "-o", "json")

    assert result.errors.startswith("error: ")


def test_a_command_without_data_prints_what_it_did(api: Api, au2: CommandLine) -> None:
    api.routes["DELETE /secrets/DB_PASSWORD"] = Answer(204)

    result = au2.ok("secret", "delete", "DB_PASSWORD", "--yes", "-o", "json")

    assert result.document == {"name": "DB_PASSWORD", "deleted": True}
    assert result.err == b""


def test_lines_of_text_become_messages(api: Api, au2: CommandLine) -> None:
    api.routes[f"DELETE /processes/{PROCESS}"] = Answer(204)

    result = au2.ok("process", "delete", PROCESS, "--yes", "-o", "json")

    assert isinstance(result.document, dict)
    assert result.err == b""


def test_a_terminal_still_shows_remarks(api: Api, au2: CommandLine) -> None:
    api.routes["DELETE /secrets/DB_PASSWORD"] = Answer(204)

    result = au2.ok("secret", "delete", "DB_PASSWORD", "-o", "json", typed="y\n")

    assert result.document == {"name": "DB_PASSWORD", "deleted": True}
    assert "is deleted" in result.errors
