"""Help and completion are quick, and every command teaches itself."""

import json
import os
import subprocess
import sys

import click
import pytest

from au2.cli.main import _HINTS, make_root
from au2.console.commands import Command, Group

HEAVY = {
    *("rich", "pydantic", "http.client", "ssl", "ruamel", "asyncio", "email"),
    *("urllib.request", "platformdirs", "httpx", "sqlalchemy", "importlib.metadata", "tempfile"),
    *("cryptography", "jsonschema_rs", "packaging"),
}


def walk(group: Group, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    found: list[tuple[tuple[str, ...], click.Command]] = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found.append(((*path, name), command))
        if isinstance(command, Group):
            found += walk(command, (*path, name))
    return found


ALL = walk(make_root())
LEAVES = [(path, command) for path, command in ALL if isinstance(command, Command)]


def loaded_by(*arguments: str, **environment: str) -> set[str]:
    """Run ``au2`` in a fresh interpreter; return the modules it imported."""
    code = (
        "import sys, json, atexit\n"
        "atexit.register(lambda: print(json.dumps(list(sys.modules)), file=sys.stderr))\n"
        "from au2.cli.main import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        check=True,
    )
    assert done.stdout
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments", [("--help",), ("process", "--help"), ("process", "run", "--help")], ids=" ".join
)
def test_help_imports_nothing_heavy(arguments: tuple[str, ...]) -> None:
    assert not loaded_by(*arguments) & HEAVY


@pytest.mark.parametrize("words", ["au2 pro", "au2 process version ", "au2 process run --"])
def test_completion_imports_nothing_heavy(words: str) -> None:
    count = len(words.split()) - (0 if words.endswith(" ") else 1)
    environment = {"COMP_WORDS": words, "COMP_CWORD": str(count), "_AU2_COMPLETE": "zsh_complete"}

    assert not loaded_by(**environment) & HEAVY


def test_a_group_imports_no_command() -> None:
    assert not {m for m in loaded_by("process", "--help") if m.startswith("au2.cli.process.")}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("au2 pro", {"process", "project"}),
        (
            "au2 process version ",
            {"create", "upload", "list", "show", "diff", "download"}
            | {"publish", "unpublish", "update", "delete"},
        ),
        ("au2 process run --net", {"--network"}),
        ("au2 process run --network ", {"none", "internet"}),
        ("au2 job list --state succ", {"succeeded"}),
    ],
)
def test_completion_knows_the_commands(words: str, expected: set[str]) -> None:
    count = len(words.split()) - (0 if words.endswith(" ") else 1)
    done = subprocess.run(
        [sys.executable, "-c", "from au2.cli.main import main; main()"],
        env={
            **os.environ,
            "COMP_WORDS": words,
            "COMP_CWORD": str(count),
            "_AU2_COMPLETE": "bash_complete",
        },
        capture_output=True,
        check=True,
        text=True,
    )

    assert {line.partition(",")[2] for line in done.stdout.splitlines()} == expected


@pytest.mark.parametrize(
    ("path", "command"),
    LEAVES,
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_every_help_teaches_by_examples(path: tuple[str, ...], command: Command) -> None:
    text = command.get_help(click.Context(command, info_name="au2 " + " ".join(path)))

    assert command.examples
    for example in command.examples:
        assert f"  {example}" in text
        assert command.name is not None
        assert f"{command.name}" in example
    assert "--server" in text


@pytest.mark.parametrize("path", [path for path, _ in LEAVES], ids=" ".join)
def test_every_name_is_the_manuals(path: tuple[str, ...]) -> None:
    command = dict(ALL)[path]

    assert command.name == path[-1]


def test_summaries_agree_with_the_docstrings() -> None:
    """What a group says of its commands without importing them is what the commands say."""
    first_words = {path: (command.help or "").split(maxsplit=1)[0] for path, command in ALL}

    for path, _ in ALL:
        parent = dict(ALL).get(path[:-1]) or make_root()
        assert isinstance(parent, Group)
        summary = parent.summaries[path[-1]]
        assert summary.endswith(".")
        assert summary.split(maxsplit=1)[0].rstrip(":,.") == first_words[path].rstrip(":,.")


def test_the_commands_of_the_specification_are_there() -> None:
    wanted = {
        *("login", "logout", "whoami", "token-info", "renew", "completion"),
        *("context/set", "context/show", "context/whoami", "context/token-info", "context/renew"),
        *("token/create", "token/list", "token/delete"),
        *("organization/list", "organization/create", "project/list", "project/create"),
        *("member/list", "member/add", "member/remove", "runtime/list", "runtime/show"),
        *("process/list", "process/create", "process/show", "process/update", "process/delete"),
        *("process/repo/init", "process/repo/upload", "process/repo/check", "process/run"),
        *("process/args", "process/repo/run"),
        *("process/version/create", "process/version/list", "process/version/show"),
        *("process/version/publish", "process/version/unpublish", "process/version/delete"),
        *("process/version/diff", "process/version/download", "process/version/upload"),
        *("secret/create", "secret/list", "secret/show", "secret/ingest"),
        *("secret/download", "secret/delete"),
        *("job/list", "job/show", "job/logs", "job/wait", "job/stop", "job/output"),
    }
    # Operators create users and see their initial passwords, so users must be able to change them.
    # A context can only be chosen by one who sees which there are.
    added = {"job/why", "password", "process/repo/diff", "process/version/update", "context/list"}
    # Names change, and what is over goes.
    nouns, verbs = ("organization", "project"), ("rename", "delete")
    added |= {f"{noun}/{verb}" for noun in nouns for verb in verbs}

    assert {"/".join(path) for path, _ in LEAVES} == wanted | added


def test_words_of_other_tools_lead_to_commands_that_are_there() -> None:
    there = {" ".join(path) for path, _ in ALL}

    assert set(_HINTS.values()) <= there
    assert not set(_HINTS) & there
