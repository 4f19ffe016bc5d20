"""``au2-server init`` as the operator runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from au2.app.accounts.accounts import Accounts
from au2.app.accounts.passwords import Passwords, make_hasher
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Role
from au2.server.data_directory import DataDirectory, lock_data_directory
from au2.server.wiring.stores import open_database

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).parent / "au2-server"
ORGANIZATION = "20e7f5e9-b4a9-4972-bcc6-f43610a0d7e0"
PROJECT = "8283de3e-2cce-4bc8-a523-0c7f84399530"
PASSWORD = "correct horse"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "D"


@pytest.fixture
def init(root: Path) -> Run:
    def init(
        *arguments: str, email: str = "Ada@Example.com", password: str = PASSWORD
    ) -> "subprocess.CompletedProcess[str]":
        common = ("init", "--data-dir", str(root), "--email", email)
        return subprocess.run(
            [COMMAND, *common, *arguments],
            input=f"{password}\n",
            capture_output=True,
            text=True,
            check=False,
        )

    return init


def test_a_table_of_ids_is_printed(init: Run) -> None:
    done = init(
        *("--password-stdin", "--organization", "Acme", "--organization-id", ORGANIZATION.upper()),
        *("--project", "Forecast", "--project-id", PROJECT),
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"┌{'─' * 14}┬{'─' * 38}┐"
    assert lines[1] == f"│ email        │ {'ada@example.com':36} │"
    assert lines[2] == f"├{'─' * 14}┼{'─' * 38}┤"
    assert f"│ organization │ {ORGANIZATION} │" in lines
    assert f"│ project      │ {PROJECT} │" in lines
    assert lines[-1] == f"└{'─' * 14}┴{'─' * 38}┘"


def test_it_ends_with_what_to_do_next(init: Run, root: Path) -> None:
    done = init(
        *("--password-stdin", "--organization", "Acme", "--organization-id", ORGANIZATION),
        *("--project", "Forecast", "--project-id", PROJECT),
    )
    assert done.stderr.splitlines() == [
        f"Keep a copy of {root}/secrets.key apart: without it no secret can be read again.",
        "Next:",
        f"  au2-server doctor --data-dir {root}",
        f"  au2-server runtime build Python3.11 --data-dir {root}",
        f"  au2-server start --data-dir {root}",
        "Then, in another terminal:",
        "  au2 login --server http://127.0.0.1:8080 --email ada@example.com",
        f"  au2 context set {ORGANIZATION} {PROJECT}",
    ]


def test_it_names_the_address_of_the_settings(init: Run, root: Path) -> None:
    root.mkdir()
    (root / "settings.toml").write_text('[server]\nexternal_url = "https://au2.example.org"\n')
    done = init("--password-stdin")
    assert "au2 login --server https://au2.example.org --email" in done.stderr
    assert "context set" not in done.stderr


def test_the_data_directory_may_be_a_variable(root: Path) -> None:
    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [COMMAND, *arguments],
            input=f"{PASSWORD}\n",
            env={**os.environ, "AU2_DATA_DIR": str(root)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert run("init", "--email", "ada@example.com", "--password-stdin").returncode == 0
    assert (root / "secrets.key").exists()
    listed = run("runtime", "list", "-o", "json")
    assert (listed.returncode, listed.stdout) == (0, "[]\n")
    other = run("runtime", "list", "--data-dir", str(root.with_name("other")))
    assert (other.returncode, other.stdout) == (3, "")
    assert f"'{root.with_name('other')}' is no data directory" in other.stderr


def test_the_first_user_is_operator_and_admin(init: Run, root: Path) -> None:
    done = init("--password-stdin", "--organization", "Acme", "--project", "F", "-o", "json")
    assert (done.returncode, done.stderr) == (0, "")
    record = json.loads(done.stdout)
    assert list(record) == ["email", "user", "organization", "project"]
    with closing(open_database(DataDirectory(root))) as database:
        accounts = Accounts(database, Passwords(make_hasher()))
        actor = accounts.actor_of("ada@example.com")
        assert accounts.login("ADA@example.com", PASSWORD).token.user_id == record["user"]
    assert actor.is_operator
    assert actor.role_in(Context(record["organization"], record["project"])) is Role.ADMIN


def test_the_second_time_is_refused(init: Run) -> None:
    assert init("--password-stdin").returncode == 0
    done = init("--password-stdin", email="eve@example.com")
    assert (done.returncode, done.stdout) == (5, "")
    assert "has its first user already" in done.stderr


def test_a_running_server_is_in_the_way(init: Run, root: Path) -> None:
    DataDirectory(root).create()
    with lock_data_directory(root, patience_seconds=0):
        assert init("--password-stdin").returncode == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--password-stdin", "--project", "F"], "name one, too"),
        (["--password-stdin", "--organization", "Acme", "--organization-id", "7"], "not a GUID"),
        (["--password-stdin", "--organization", " "], "name of an organization"),
        (["--password-stdin", "--project-id", PROJECT], "--project-id needs --project"),
        (["--password-stdin", "--email", "nobody"], "not an email address"),
        ([], "Answer with --password-stdin"),
    ],
)
def test_mistakes_are_told_before_anything_is_made(
    init: Run, root: Path, arguments: list[str], message: str
) -> None:
    done = init(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not root.exists()


def test_a_short_password_is_refused_and_can_be_mended(init: Run) -> None:
    assert init("--password-stdin", password="short").returncode == 2
    assert init("--password-stdin").returncode == 0


def test_start_without_init_says_what_to_do(root: Path) -> None:
    done = subprocess.run(
        [COMMAND, "start", "--data-dir", str(root)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "au2-server init" in done.stderr
    assert not root.exists()


def test_start_names_mistakes_in_the_settings(init: Run, root: Path) -> None:
    init("--password-stdin")
    (root / "settings.toml").write_text("[jobs]\nconcurrent = 0\n")
    done = subprocess.run(
        [COMMAND, "start", "--data-dir", str(root)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "settings.toml: [jobs] concurrent: expected a whole number" in done.stderr
    assert "Traceback" not in done.stderr


def test_only_the_command_that_runs_is_imported() -> None:
    code = (
        "import sys\n"
        "import au2.server.commands.start, au2.server.main\n"
        "heavy = {'sqlalchemy', 'fastapi', 'uvicorn', 'pydantic', 'rich', 'asyncio', 'argon2'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
