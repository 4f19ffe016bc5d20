"""Bad input: a clear error, the right exit code, nothing left behind."""

import os
import re
import socket
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.support.commands.command import Au2
from tests.support.commands.people import People
from tests.support.servers.server_process import EMAIL

NOWHERE = "00000000-0000-4000-8000-000000000000"

MakePackage = Callable[..., Path]


def test_no_server(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"

        result = Au2(tmp_path / "config.toml", url)("process", "list")

    # Without a token the client may say that first; with one it must say that nobody answers.
    assert result.exit_code in {4, 6}, result
    login = Au2(tmp_path / "config.toml", url)(
        "login", "--email", EMAIL, "--password-stdin", stdin=b"x\n"
    )
    assert login.exit_code == 6, login
    assert url.removeprefix("http://") in login.errors


def test_wrong_password(people: People) -> None:
    for email in (EMAIL, "nobody@example.com"):
        result = people.anonymous()("login", "--email", email, "--password-stdin", stdin=b"wrong\n")

        assert result.exit_code == 4, result
        assert "password" in result.errors


def test_guesses_are_braked_whoever_one_claims_to_be(people: People) -> None:
    body = {"email": "guessed@example.com", "password": "guess"}
    answers = [
        httpx.post(
            f"{people.server.url}/api/v1/login",
            json=body,
            headers={"X-Forwarded-For": f"198.51.100.{number}"},
            timeout=60,
        )
        for number in range(7)
    ]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2


def test_expired_token(people: People) -> None:
    au2 = people.admin()
    token = au2.json("token-info")["id"]
    # A day is too long to wait, so its end is moved into the past where it is kept.
    database = people.server.data_dir / "database" / "au2.sqlite3"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "UPDATE tokens SET expires_at = '2020-01-01 00:00:00.000000' WHERE id = ?", [token]
        )

    result = au2("process", "list")

    assert result.exit_code == 4, result
    assert "expired" in result.errors
    assert "au2 login" in result.errors


def test_not_logged_in(people: People) -> None:
    result = people.anonymous()("process", "list")

    assert result.exit_code == 4, result
    assert "au2 login" in result.errors


@pytest.mark.parametrize(
    "arguments",
    [
        ("context", "set", NOWHERE),
        ("process", "show", NOWHERE),
        ("process", "run", NOWHERE),
        ("process", "version", "list", NOWHERE),
        ("process", "show", "no-process-of-this-name"),
        ("runtime", "show", NOWHERE),
        ("job", "show", "999999999"),
        ("job", "logs", "999999999"),
    ],
    ids=" ".join,
)
def test_unknown_things(au2: Au2, arguments: tuple[str, ...]) -> None:
    result = au2(*arguments)

    assert result.exit_code == 3, result
    assert result.stdout == b""
    assert len(result.errors.splitlines()) <= 3, "an error, not a traceback"


def test_unknown_runtime_in_package(au2: Au2, make_package: MakePackage) -> None:
    package = make_package(au2)
    manifest = package / "aunsight.yml"
    text = re.sub("^runtime: .*$", "runtime: NoSuchRuntime", manifest.read_text(), flags=re.M)
    manifest.write_text(text)

    result = au2("process", "repo", "upload", package, "--yes", "--wait")

    assert result.exit_code == 3, result
    assert "NoSuchRuntime" in result.errors


def test_foreign_things_answer_like_unknown_ones(
    people: People, au2: Au2, make_package: MakePackage
) -> None:
    mine = au2.json("process", "create", "--name", "mine")["id"]
    organization = au2.json("organization", "create", "Elsewhere")["id"]
    owner = people.admin()
    owner.ok("context", "set", organization)
    foreigner = people.member("admin", of=owner)

    foreign = foreigner("process", "show", mine)
    unknown = foreigner("process", "show", NOWHERE)
    context = foreigner("context", "set", people.server.ids["organization"])

    assert foreign.exit_code == unknown.exit_code == context.exit_code == 3
    assert foreign.errors.replace(mine, "?") == unknown.errors.replace(NOWHERE, "?")


def test_too_few_rights(people: People, au2: Au2) -> None:
    viewer = people.member("viewer", of=au2)

    result = viewer("process", "create", "--name", "not for viewers")

    assert result.exit_code == 4, result
    assert "developer" in result.errors, "says which role it takes"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"main.py": None}, ["main.py"]),
        ({"env.yml": "A: 1\nB: [\n"}, ["env.yml:"]),
        (
            {"aunsight.yml": "name: x\nruntime: Python3.11\nentry: main.py\n"},
            ["aunsight.yml:3", "entry"],
        ),
        ({"env.yml": "FINE: 1\nAU_JOB: 2\n"}, ["env.yml:2", "AU_JOB"]),
        ({"args.schema.yml": "a: b: c\n"}, ["args.schema.yml:1"]),
        ({"aunsight.yml": "name: [\n", "main.py": None}, ["aunsight.yml:"]),
    ],
    ids=[
        "no entry point",
        "broken YAML",
        "unknown key",
        "AU_ name",
        "broken schema",
        "broken manifest",
    ],
)
def test_mistakes_in_a_package(
    au2: Au2, make_package: MakePackage, files: dict[str, str | None], expected: list[str]
) -> None:
    package = make_package(au2)
    for name, text in files.items():
        if text is None:
            (package / name).unlink()
        else:
            (package / name).write_text(text)

    for command in (("check", package), ("upload", package, "--yes")):
        result = au2("process", "repo", *command)
        assert result.exit_code == 1, result
        for part in expected:
            assert part in result.text + result.errors, result


def add_outward_link(package: Path) -> None:
    (package / "secret").symlink_to("/etc/passwd")


def add_climbing_link(package: Path) -> None:
    (package / "secret").symlink_to("../../../etc/passwd")


def add_device(package: Path) -> None:
    os.mknod(package / "secret", 0o600 | 0o020000, os.makedev(1, 3))


def add_fifo(package: Path) -> None:
    os.mkfifo(package / "secret")


def add_odd_name(package: Path) -> None:
    Path(os.fsdecode(os.fsencode(package) + b"/secret\xff")).write_text("x")


@pytest.mark.parametrize(
    "spoil", [add_outward_link, add_climbing_link, add_device, add_fifo, add_odd_name]
)
def test_what_a_package_must_not_hold(
    au2: Au2, make_package: MakePackage, spoil: Callable[[Path], None]
) -> None:
    package = make_package(au2)
    spoil(package)

    for command in (("check", package), ("upload", package, "--yes")):
        result = au2("process", "repo", *command)
        assert result.exit_code == 1, result
        assert "secret" in result.text + result.errors


def test_questions_without_a_terminal_name_the_flag(people: People, tmp_path: Path) -> None:
    for person, command, flag in (
        (people.anonymous(), ("login",), "--email"),
        (people.admin(), ("process", "repo", "init", tmp_path / "empty"), "--name"),
    ):
        result = person(*command)
        assert result.exit_code == 2, result
        assert flag in result.errors


@pytest.mark.parametrize(
    "options",
    [
        ("--args", "[1, 2]"),
        ("--args", "{broken"),
        ("--arg", "novalue"),
        ("--env", "AU_JOB=7"),
        ("--memory", "lots"),
        ("--timeout", "-1s"),
        ("--network", "bridge"),
        ("--args", "{}", "--arg", "a=1"),
    ],
    ids=" ".join,
)
def test_bad_options_of_run(au2: Au2, options: tuple[str, ...]) -> None:
    process = au2.json("process", "create", "--name", "never-run")["id"]

    result = au2("process", "run", process, *options)

    assert result.exit_code == 2, result
    assert au2.json("job", "list", "--process", process) == []
