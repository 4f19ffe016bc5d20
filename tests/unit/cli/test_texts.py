"""Every command of both programs, given words and files that are no UTF-8 text."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click
import pytest

from au2.cli.configuration import load
from au2.console.commands import Command
from au2.console.console import standard_console
from au2.server.main import run as run_server
from tests.support.commands.command_tree import Leaf, au2_commands, server_commands
from tests.unit.cli.conftest import CommandLine
from tests.unit.client.api import PROCESS, Api, job_document

Place = tuple[Leaf, click.Parameter]
BYTES = ["\udcff", "caf\udce9", "\ud800", "a\udc80=b"]
"""What Python makes of arguments that are no UTF-8, and half a character."""
_PATHS = {"file", "directory", "path"}


def places(leaves: Sequence[Leaf]) -> list[Place]:
    """Return every parameter that takes a value."""
    return [
        (leaf, parameter)
        for leaf in leaves
        for parameter in leaf.command.params
        if not getattr(parameter, "is_flag", False)
    ]


def words_of(place: Place, text: str, folder: Path) -> list[str]:
    leaf, parameter = place
    data = {p: str(folder / "none") for p in leaf.command.params if p.name == "data"}
    return leaf.words_with(data | {parameter: text})


def check(place: Place, code: int, told: str) -> None:
    leaf, parameter = place
    assert "bug in au2" not in told, told
    if parameter.type.name in _PATHS:
        assert code != 0
        return
    # Optional arguments have brackets in the usage, and none in messages.
    name = parameter.get_error_hint(click.Context(leaf.command, info_name=leaf.name))
    name = name.replace("[", "").replace("]...", "").replace("]", "")
    assert (code, f"Invalid value for {name}: The text is not valid UTF-8" in told) == (2, True), (
        told
    )


@pytest.mark.parametrize("text", BYTES, ids=ascii)
def test_every_word_of_au2(api: Api, au2: CommandLine, tmp_path: Path, text: str) -> None:
    for place in places(au2_commands()):
        result = au2(*words_of(place, text, tmp_path))
        check(place, result.exit_code, result.errors)
    assert [request for request in api.requests if request.method != "GET"] == []


@pytest.mark.parametrize("text", BYTES, ids=ascii)
def test_every_word_of_au2_server(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    for place in places(server_commands()):
        code = run_server(words_of(place, text, tmp_path), standard_console(has_input=True), {})
        check(place, code, capsys.readouterr().err)


def test_every_command_is_checked() -> None:
    for leaf in [*au2_commands(), *server_commands()]:
        assert isinstance(leaf.command, Command), leaf.name


Give = Callable[[Path], tuple[list[object], bytes]]


def by_args(_: Path) -> tuple[list[object], bytes]:
    return ["--args", '{"days": "\\ud800"}'], b""


def by_key(_: Path) -> tuple[list[object], bytes]:
    return ["--args", '{"\\udfff": 1}'], b""


def by_file(folder: Path) -> tuple[list[object], bytes]:
    (folder / "args.json").write_bytes(b'{"days": "\xff"}')
    return ["--args-file", folder / "args.json"], b""


def by_utf16(folder: Path) -> tuple[list[object], bytes]:
    (folder / "args.json").write_bytes('{"days": 7}'.encode("utf-16"))
    return ["--args-file", folder / "args.json"], b""


def by_stdin(_: Path) -> tuple[list[object], bytes]:
    return ["--args-file", "-"], b'{"days": "\xe9"}'


@pytest.mark.parametrize("give", [by_args, by_key, by_file, by_utf16, by_stdin])
def test_arguments_that_can_not_be_sent(
    api: Api, au2: CommandLine, tmp_path: Path, give: Give
) -> None:
    words, stdin = give(tmp_path)

    result = au2("process", "run", PROCESS, *words, stdin=stdin)

    assert result.exit_code == 2
    assert "half of a character" in result.errors or "UTF-8" in result.errors
    assert api.requests == []


MARK = b"\xef\xbb\xbf"


def test_a_byte_order_mark_is_no_part_of_a_text(api: Api, au2: CommandLine, tmp_path: Path) -> None:
    api.answer("POST /jobs", job_document(state="PENDING"), 201)
    token = {"id": "t", "kind": "login", "name": "", "created_at": "2026-01-01T00:00:00Z"}
    api.answer("POST /login", token | {"expires_at": None, "last_used_at": None, "token": "x"})
    (tmp_path / "args.json").write_bytes(MARK + b'{"days": 7}')
    au2.config_file.write_bytes(MARK + au2.config_file.read_bytes())

    au2.ok("process", "run", PROCESS, "--args-file", tmp_path / "args.json")
    au2.ok("process", "run", PROCESS, "--args-file", "-", stdin=MARK + b'{"days": 7}')
    au2.ok("login", "--email", "me@x.org", "--password-stdin", stdin=MARK + b"word\r\n")

    assert [r.document["arguments"] for r in api.of("POST /jobs")] == [{"days": 7}] * 2
    assert api.of("POST /login")[0].document["password"] == "word"


def test_a_package_with_byte_order_marks_is_one(anonymous: CommandLine, tmp_path: Path) -> None:
    files = {
        "aunsight.yml": b"name: n\nruntime: Python3.11\n",
        "env.yml": b"A: 1\n",
        "args.schema.yml": b"type: object\n",
        "main.py": b"",
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(MARK + data)

    anonymous.ok("process", "repo", "check", tmp_path)


def test_a_token_that_can_not_be_sent(anonymous: CommandLine) -> None:
    anonymous.config_file.parent.mkdir()
    url = anonymous.environment["AU_SERVER"]
    text = f'{{"server": "{url}", "servers": {{"{url}": {{"token": "a\\nb"}}}}}}'
    anonymous.config_file.write_text(text)

    result = anonymous("whoami")

    assert result.exit_code == 1
    assert str(anonymous.config_file) in result.errors


@pytest.mark.parametrize("home", [None, "", "relative"])
def test_somebody_without_a_home(
    anonymous: CommandLine, home: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    del anonymous.environment["AU_CONFIG_FILE"]
    if home is None:
        # The user of this process may have an entry in passwd: then there is a home all the same.
        monkeypatch.setattr(Path, "home", no_home)
    else:
        anonymous.environment["HOME"] = home

    result = anonymous("process", "list")

    assert result.exit_code == 1
    assert "HOME" in result.errors
    assert "AU_CONFIG_FILE" in result.errors
    assert list(tmp_path.iterdir()) == []


def no_home() -> Path:
    raise RuntimeError("Could not determine home directory.")


@pytest.mark.parametrize(
    "command", [("login", "--email", "me@x.org", "--password-stdin"), ("renew",)]
)
def test_nothing_is_asked_for_that_could_not_be_kept(
    api: Api, au2: CommandLine, tmp_path: Path, command: tuple[str, ...]
) -> None:
    entry = load(au2.config_file)
    taken = tmp_path / "file"
    taken.write_text("")
    au2.environment["AU_CONFIG_FILE"] = str(taken / "config.json")
    assert entry.servers

    result = au2(*command, stdin=b"word")

    assert result.exit_code == 1
    assert str(taken) in result.errors
    assert "AU_CONFIG_FILE" in result.errors
    assert api.requests == []
