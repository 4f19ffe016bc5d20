"""`au2 process repo check`: syntax of the entry point, and files without effect."""

import os
import sys
from pathlib import Path

import pytest

from tests.unit.cli.conftest import CommandLine
from tests.unit.cli.package_store import RUNTIME, runtime_document
from tests.unit.client.api import Api


def make(folder: Path, name: str, content: bytes, runtime: str = "Python3.11") -> Path:
    (folder / "aunsight.yml").write_text(f"name: n\nruntime: {runtime}\n")
    (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"x = 1\ndef f(:\n", "main.py:2: syntax error: invalid syntax"),
        (b"print('a\n", "main.py:1: syntax error: unterminated string literal"),
        (b"x = '\xff'\n", "main.py:"),
        (b"if 1:\nx\n", "main.py:2: syntax error: expected an indented block"),
        (b"x = 1\0\n", "main.py: syntax error: source code string cannot contain null bytes"),
    ],
)
def test_python(anonymous: CommandLine, tmp_path: Path, content: bytes, told: str) -> None:
    result = anonymous("process", "repo", "check", make(tmp_path, "main.py", content))

    assert result.exit_code == 1
    assert told in result.errors


def test_nothing_is_run_and_nothing_is_written(anonymous: CommandLine, tmp_path: Path) -> None:
    code = b"import sys, warnings\nx = 1 is 1\nopen('made', 'w')\nraise SystemExit(3)\n"
    folder = make(tmp_path, "main.py", code)

    anonymous.ok("process", "repo", "check", folder)

    assert {path.name for path in folder.iterdir()} - {"config"} == {"aunsight.yml", "main.py"}


def test_a_runtime_newer_than_the_python_here(anonymous: CommandLine, tmp_path: Path) -> None:
    newer = f"Python{sys.version_info[0]}.{sys.version_info[1] + 1}"

    anonymous.ok("process", "repo", "check", make(tmp_path, "main.py", b"new syntax\n", newer))


@pytest.mark.parametrize("first", ["", "#!/bin/bash\n"])
def test_shell(anonymous: CommandLine, tmp_path: Path, first: str) -> None:
    content = f"{first}echo a\nif true; then\n".encode()

    result = anonymous("process", "repo", "check", make(tmp_path, "main.sh", content, "Shell"))

    assert result.exit_code == 1
    assert "main.sh:" in result.errors
    assert "syntax error: " in result.errors


def test_a_script_for_bash_is_read_by_bash(anonymous: CommandLine, tmp_path: Path) -> None:
    content = b"#!/usr/bin/env bash\na=(1 2)\necho ${a[@]}\n"

    anonymous.ok("process", "repo", "check", make(tmp_path, "main.sh", content, "Shell"))


def test_javascript(
    anonymous: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a program that reports like Node.js, which not every machine has."""
    node = tmp_path / "bin" / "node"
    node.parent.mkdir()
    report = f"{tmp_path}/main.js:2\n const = 2;\n\nSyntaxError: Unexpected token '='\n"
    node.write_text(
        f'#!/bin/sh\n[ "$1" = --check ] || exit 0\ncat >&2 <<"END"\n{report}END\nexit 1\n'
    )
    node.chmod(0o755)
    monkeypatch.setenv("PATH", str(node.parent), prepend=os.pathsep)

    result = anonymous(
        "process", "repo", "check", make(tmp_path, "main.js", b"const = 2;\n", "Node18")
    )

    assert result.exit_code == 1
    assert "main.js:2: syntax error: Unexpected token '='" in result.errors


def test_a_syntax_error_as_a_document(anonymous: CommandLine, tmp_path: Path) -> None:
    folder = make(tmp_path, "main.py", b"def\n")

    result = anonymous("process", "repo", "check", folder, "-o", "json")

    assert [(item["file"], item["line"]) for item in result.document] == [("main.py", 1)]


@pytest.mark.parametrize("name", ["pyproject.toml", "environment.yml", "setup.py", "Pipfile"])
def test_files_that_install_nothing(anonymous: CommandLine, tmp_path: Path, name: str) -> None:
    folder = make(tmp_path, "main.py", b"print(1)\n")
    (folder / name).write_text("")

    warned = anonymous.ok("process", "repo", "check", folder)
    (folder / "requirements.txt").write_text("six\n")
    silent = anonymous.ok("process", "repo", "check", folder)

    assert f"{name} installs nothing: list the dependencies in requirements.txt" in warned.errors
    assert "installs nothing" not in silent.errors


def check(au2: CommandLine, folder: Path, runtime: str) -> tuple[int, str]:
    result = au2("process", "repo", "check", make(folder, "main.py", b"x = 1\n", runtime))
    return result.exit_code, result.errors


def test_a_runtime_that_the_server_lacks(api: Api, au2: CommandLine, tmp_path: Path) -> None:
    api.answer("GET /runtimes", [runtime_document()])
    api.answer(f"GET /runtimes/{RUNTIME}", runtime_document())

    assert check(au2, tmp_path, "Python3.11") == (0, "The package is fine.\n")
    assert check(au2, tmp_path, RUNTIME) == (0, "The package is fine.\n")
    code, told = check(au2, tmp_path, "Pyhton3.11")
    assert code == 1
    assert "aunsight.yml: There is no runtime 'Pyhton3.11' in this context." in told
    assert "Did you mean 'Python3.11'? See: au2 runtime list." in told


def test_a_server_that_can_not_be_asked(api: Api, au2: CommandLine, tmp_path: Path) -> None:
    api.fail("GET /runtimes", 503, "busy", "The server has much to do.")

    code, told = check(au2, tmp_path, "Python3.11")

    assert code == 0
    assert told == (
        "Whether the server has the runtime is not known: The server has much to do.\n"
        "The package is fine.\n"
    )
