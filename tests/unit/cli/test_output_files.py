"""Every option that names a file or folder, whatever command has it."""

from pathlib import Path

import click
import pytest

from tests.support.commands.command_tree import Leaf, au2_commands
from tests.support.machine.devices import NULL, ZERO, make_device
from tests.unit.cli.conftest import CommandLine
from tests.unit.client.api import Api


def places() -> list[tuple[Leaf, click.Parameter]]:
    """Return every parameter that takes a path."""
    names = {"file", "directory", "path"}
    return [
        (leaf, parameter)
        for leaf in au2_commands()
        for parameter in leaf.command.params
        if parameter.type.name in names
    ]


@pytest.mark.parametrize(
    ("leaf", "parameter"), places(), ids=lambda value: str(getattr(value, "name", value))
)
@pytest.mark.parametrize("text", ["", "a\0b"], ids=["empty", "NUL"])
def test_nothing_names_no_file(
    api: Api, au2: CommandLine, leaf: Leaf, parameter: click.Parameter, text: str
) -> None:
    result = au2(*leaf.words_with({parameter: text}))

    assert result.exit_code == 2, result
    assert ("names no file or folder" if not text else "NUL") in result.errors
    assert api.requests == []


def test_a_configuration_in_a_device(api: Api, au2: CommandLine, tmp_path: Path) -> None:
    device = make_device(tmp_path / "null", NULL)
    au2.environment["AU_CONFIG_FILE"] = str(device)
    token = {"id": "t", "kind": "login", "name": "", "created_at": "2026-01-01T00:00:00Z"}
    api.answer("POST /login", token | {"expires_at": None, "last_used_at": None, "token": "x"})

    au2.ok("login", "--email", "me@example.org", "--password-stdin", stdin=b"x")

    assert device.is_char_device()
    assert au2("process", "list").exit_code == 4, "nothing is kept"


def test_a_configuration_in_a_device_that_never_ends(au2: CommandLine, tmp_path: Path) -> None:
    device = make_device(tmp_path / "zeros", ZERO)
    au2.environment["AU_CONFIG_FILE"] = str(device)

    result = au2("logout")

    assert result.exit_code == 1
    assert f"'{device}' is larger than 4 MiB" in result.errors


def test_an_empty_configuration_is_a_new_one(anonymous: CommandLine) -> None:
    anonymous.config_file.parent.mkdir()
    anonymous.config_file.write_text("\n")

    assert anonymous("process", "list").exit_code == 4
