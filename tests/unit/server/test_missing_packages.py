"""The sentence of ``au2-server`` where the packages of a server are missing."""

import sys

import pytest

from au2.server.missing_packages import describe_missing


@pytest.mark.parametrize(
    ("source", "requirement"),
    [
        ("/x/au2-0.1.0-py3-none-any.whl", "'/x/au2-0.1.0-py3-none-any.whl[server]'"),
        ("/home/a b/au2", "'/home/a b/au2[server]'"),
    ],
)
def test_the_command_names_what_au2_was_installed_from(source: str, requirement: str) -> None:
    error = describe_missing(ModuleNotFoundError("No module", name="argon2"), source)

    assert "'argon2' is missing first" in error.message
    assert error.hint == f"Install them: {sys.executable} -m pip install {requirement}"
    assert error.exit_code == 1
