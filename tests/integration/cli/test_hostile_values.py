"""Every command with hostile values, against a real API: told in the user's words."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from au2.cli.configuration import Configuration, ServerEntry, save
from au2.console.console import standard_console
from au2.server.main import run as run_server
from tests.support.commands.command_tree import Leaf, au2_commands, server_commands
from tests.support.commands.plain_words import find_foreign_words
from tests.support.servers.backend import OPERATOR, open_backend
from tests.support.servers.live import served
from tests.unit.cli.conftest import CommandLine

HOSTILE = {
    "empty": "",
    "blank": "  ",
    "long": "x" * 300,
    "very long": "y" * 200_000,
    "NUL": "a\0b",
    "lines": "one\ntwo\r\n",
    "escape": "\x1b[31m\x07\u202e",
    "no email": "bob",
    "guid": "00000000-0000-4000-8000-000000000000",
    "path": "../../etc/passwd",
    "url": "a/b?c=d#e%00%2f&f=g",
    "huge": "9" * 30,
    "past 64 bits": str(1 << 63),
    "negative": "-1",
    "zero": "0",
    "not finite": "nan",
    "infinite": "inf",
    "exponent": "1e999",
    "pair": "K=" + "v" * 100,
    "no name": "=v",
    "JSON": '{"a": [1e999, "\\ud800"]}',
    "deep": "[" * 5000,
    "digits": "٣",
    "list": "x,y,,",
}
KNOWN_CODES = {0, 1, 2, 3, 4, 5}


class Person(NamedTuple):
    au2: CommandLine
    process: str

    def words(self, leaf: Leaf, parameter: click.Parameter, text: str) -> list[str]:
        """Return a command line with one hostile value, about a process that is there."""
        known = {p: self.process for p in leaf.command.params if p.name == "process"}
        known |= {p: "" for p in leaf.command.params if p.opts == ["--yes"]}
        return leaf.words_with(known | {parameter: text})


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """The operator, in a context with a process that can run."""
    folder = tmp_path_factory.mktemp("hostile")
    with open_backend(folder) as backend:
        context = backend.organization()
        process = backend.process(context, "hello")
        backend.version(process)
        backend.user("colleague@example.com", "viewer", context)
        with served(backend.app()) as address:
            config = folder / "config.json"
            entry = ServerEntry(
                token=backend.token(OPERATOR),
                email=OPERATOR,
                organization=context.organization_id,
                project=context.project_id,
            )
            save(Configuration().with_entry(address, entry), config)
            environment = {"AU_CONFIG_FILE": str(config), "AU_SERVER": address}
            yield Person(CommandLine(config, environment), process)


def values(leaves: list[Leaf]) -> Iterator[tuple[Leaf, click.Parameter, str]]:
    for leaf in leaves:
        for parameter in leaf.command.params:
            for text in HOSTILE.values():
                if not getattr(parameter, "is_flag", False):
                    yield leaf, parameter, text


def judge(leaf: Leaf, parameter: click.Parameter, text: str, code: int, told: str) -> str | None:
    """Say what is wrong with how a command ended; None: nothing."""
    place = f"{leaf.name}: {parameter.name} = {text[:40]!r}: {code}: {told[:300]}"
    # What the user wrote may come back.
    foreign = find_foreign_words(told.replace(text, "…") if text.strip() else told)
    if foreign is not None:
        return f"{foreign!r} in {place}"
    if code not in KNOWN_CODES or len(told) > 3000:
        return place
    return None


def calls_off(leaf: Leaf) -> bool:
    """Whether a command ends the login, or removes what the others are about."""
    return leaf.path in {("logout",), ("renew",), ("login",), ("process", "delete")}


@pytest.mark.parametrize(
    "leaf", [leaf for leaf in au2_commands() if not calls_off(leaf)], ids=lambda leaf: leaf.name
)
def test_au2(person: Person, leaf: Leaf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = []
    au2 = person.au2
    config = au2.config_file.read_bytes()
    for _, parameter, text in values([leaf]):
        result = au2(*person.words(leaf, parameter, text), stdin=b"x")
        told = result.err.decode(errors="replace")
        wrong.append(judge(leaf, parameter, text, result.exit_code, told))
        au2.config_file.write_bytes(config)
    found = [line for line in wrong if line is not None]
    assert not found, f"{len(found)} of {len(wrong)}:\n" + "\n\n".join(found[:6])


@pytest.mark.parametrize("leaf", server_commands(), ids=lambda leaf: leaf.name)
def test_au2_server(
    leaf: Leaf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    data = {p: str(tmp_path / "none") for p in leaf.command.params if p.name == "data"}
    wrong = []
    for _, parameter, text in values([leaf]):
        code = run_server(
            leaf.words_with(data | {parameter: text}), standard_console(has_input=True), {}
        )
        wrong.append(judge(leaf, parameter, text, code, capsys.readouterr().err))
    found = [line for line in wrong if line is not None]
    assert not found, f"{len(found)} of {len(wrong)}:\n" + "\n\n".join(found[:6])
