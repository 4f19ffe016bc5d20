"""Help of the operator's commands: examples, ``-h``, completion."""

import os
import subprocess

import click
import pytest
from click.testing import CliRunner

from au2.cli.main import make_root
from au2.console.commands import Command
from au2.server.main import make_root as make_server_root
from tests.support.checkout import AU2_SERVER

COMMANDS = (
    *("gc", "fsck", "doctor", "start", "init", "password", "uninstall", "completion"),
    *("backup", "restore"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples_that_can_be_copied(command: str) -> None:
    shown = CliRunner().invoke(
        make_server_root(), [command, "-h"], prog_name="au2-server", terminal_width=40
    )
    assert shown.exit_code == 0, shown.output
    _, _, examples = shown.output.partition("Example")
    assert f"au2-server {command}" in examples
    assert all(line.startswith("  ") for line in examples.splitlines()[1:] if line.strip())


@pytest.mark.parametrize("words", [[], ["process"], ["process", "create"], ["process", "repo"]])
def test_h_is_help(words: list[str]) -> None:
    shown = CliRunner().invoke(make_root(), [*words, "-h"], prog_name="au2")
    assert shown.exit_code == 0, shown.output
    assert "Usage: au2" in shown.output


def test_h_is_help_whoever_asked_for_help_before() -> None:
    command = Command("x", callback=lambda: None)
    command.get_help(click.Context(command))
    assert CliRunner().invoke(command, ["-h"]).exit_code == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    script = subprocess.run(
        [AU2_SERVER, "completion", shell], check=True, capture_output=True, text=True
    ).stdout
    assert "_AU2_SERVER_COMPLETE" in script


def test_names_are_completed() -> None:
    typed = {"_AU2_SERVER_COMPLETE": "bash_complete", "COMP_WORDS": "au2-server f"}
    found = subprocess.run(
        [AU2_SERVER],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **typed, "COMP_CWORD": "1"},
    ).stdout
    assert found.split() == ["plain,fsck"]
