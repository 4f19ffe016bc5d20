"""Every command of both programs, typed wrongly: one sentence, what to type instead."""

from collections.abc import Callable, Iterator

import click
import pytest

from au2.console.console import standard_console
from au2.server.main import run as run_server
from tests.support.commands.command_tree import Leaf, au2_commands, server_commands
from tests.unit.cli.conftest import CommandLine
from tests.unit.client.api import Api

Run = Callable[[list[str]], tuple[int, str]]


@pytest.fixture(params=["au2", "au2-server"])
def program(
    request: pytest.FixtureRequest, au2: CommandLine, capfd: pytest.CaptureFixture[str]
) -> tuple[str, list[Leaf], Run]:
    """Name and commands of a program, and a way to run it."""

    def run_au2(words: list[str]) -> tuple[int, str]:
        result = au2(*words)
        assert result.out == b""
        return result.exit_code, result.errors

    def run_au2_server(words: list[str]) -> tuple[int, str]:
        code = run_server(words, standard_console(has_input=True), {})
        out, err = capfd.readouterr()
        assert out == ""
        return code, err

    if request.param == "au2":
        return "au2", au2_commands(), run_au2
    return "au2-server", server_commands(), run_au2_server


def required(leaf: Leaf) -> Iterator[click.Argument]:
    """Yield the arguments that a command needs."""
    for parameter in leaf.command.params:
        if isinstance(parameter, click.Argument) and parameter.required:
            yield parameter


def data_dir(leaf: Leaf) -> list[str]:
    """Return the option that nearly every command of a server needs."""
    return ["--data-dir", "/nowhere"] if any(p.name == "data" for p in leaf.command.params) else []


def check(answer: tuple[int, str], message: str, hint: str) -> None:
    """Check a refusal: exit code, first line, last line."""
    code, told = answer
    lines = told.splitlines()
    assert (code, lines[0]) == (2, f"error: {message}"), told
    assert lines[-1].startswith(f"hint: {hint}"), told


def test_a_word_too_many(program: tuple[str, list[Leaf], Run], api: Api) -> None:
    name, leaves, run = program
    for leaf in leaves:
        arguments = [p for p in leaf.command.params if isinstance(p, click.Argument)]
        if any(p.nargs == -1 for p in arguments):
            continue
        words = leaf.words_with(
            {p: "." if p.type.name != "integer range" else "1" for p in arguments}
        )
        code, told = run([*words, "surplus"])
        assert code == 2, told
        assert told.startswith("error: "), told
        assert "[" not in told.splitlines()[0], told
        if "Too many" in told:
            check((code, told), "Too many arguments: surplus.", f"Usage: {name} {leaf.name} ")
    assert api.requests == []


def test_an_argument_too_few(program: tuple[str, list[Leaf], Run], api: Api) -> None:
    name, leaves, run = program
    for leaf in leaves:
        first = next(required(leaf), None)
        if first is None:
            continue
        code, told = run([*leaf.path, *data_dir(leaf)])
        assert code == 2
        assert told.startswith("error: Missing "), told
        assert f"hint: Usage: {name} {leaf.name} " in told
        assert told.splitlines()[-1].endswith(f"; see {name} {leaf.name} --help")
    assert api.requests == []


def test_an_unknown_option(program: tuple[str, list[Leaf], Run], api: Api) -> None:
    name, leaves, run = program
    for leaf in leaves:
        check(
            run([*leaf.path, "--qqzz"]),
            "No such option '--qqzz'.",
            f"See: {name} {leaf.name} --help",
        )
    assert api.requests == []


def test_two_letters_changed(program: tuple[str, list[Leaf], Run], api: Api) -> None:
    name, leaves, run = program
    known = {leaf.path for leaf in leaves}
    for leaf in leaves:
        *group, word = leaf.path
        wrong = f"{word[:-2]}{word[-1]}{word[-2]}"
        if (*group, wrong) in known:
            continue
        code, told = run([*group, wrong])
        assert code == 2, told
        assert f"Did you mean {word}" in told or f" or {word}" in told, told
        assert told.splitlines()[-1] == f"hint: See: {' '.join([name, *group])} --help"
    assert api.requests == []


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("member create", "add"),
        ("secret rm", "delete"),
        ("token revoke", "delete"),
        ("process ls", "list"),
        ("job cancel", "stop"),
        ("job status", "show"),
        ("process version pull", "download"),
        ("context use", "set"),
    ],
)
def test_a_word_of_another_tool(au2: CommandLine, words: str, meant: str) -> None:
    assert f"Did you mean {meant}" in au2(*words.split()).errors


@pytest.mark.parametrize("text", ["٣", "1_0", "twelve", "1e3", "0x10", "1.0", ""])
def test_what_is_no_number(au2: CommandLine, api: Api, text: str) -> None:
    result = au2("job", "show", "--", text)

    assert result.exit_code == 2
    assert f"'{text}' is not a whole number" in result.errors or not text
    assert api.requests == []
