"""``au2-server secret-key``, and what a start and ``doctor`` say of the key file."""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from au2.app.secrets import Secrets
from au2.domain.accounts.context import Context
from au2.domain.accounts.identity import Actor, Membership, Role
from au2.secrets.keyring import KeyFile
from au2.server.commands.machine import check_keys
from au2.server.data_directory import DataDirectory
from au2.server.settings.sections import SecretSettings, Settings
from au2.server.supervision.prepare_process import prepare_keys
from au2.server.wiring.stores import make_key_file, open_database

pytestmark = pytest.mark.slow

COMMAND = Path(sys.executable).parent / "au2-server"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def data(tmp_path: Path) -> DataDirectory:
    return DataDirectory(tmp_path / "D")


@pytest.fixture
def run(data: DataDirectory) -> Run:
    def run(*arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [COMMAND, *arguments, "--data-dir", str(data.root)],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )

    made = run(
        *("init", "--email", "ada@example.com", "--password-stdin", "--organization", "Acme"),
        *("-o", "json"),
        stdin="correct horse\n",
    )
    assert made.returncode == 0, made
    context = Context(json.loads(made.stdout)["organization"])
    admin = Actor("u", "ada@example.com", "", memberships=(Membership(context, Role.ADMIN),))
    with closing(open_database(data)) as database:
        Secrets(database, KeyFile(data.key_file)).create(admin, context, "db", value="value")
    return run


def test_init_makes_it(data: DataDirectory, run: Run) -> None:
    assert data.key_file.stat().st_mode & 0o777 == 0o600
    (key,) = json.loads(run("secret-key", "list", "-o", "json").stdout)
    assert (key["encrypts"], key["values"]) == (True, 1)


def test_rotate(run: Run) -> None:
    done = run("secret-key", "rotate", "-o", "json")
    assert done.returncode == 0, done
    assert json.loads(done.stdout)["values"] == 1
    table = run("secret-key", "list").stdout
    assert [cell.strip() for cell in table.splitlines()[1].strip("│").split("│")] == [
        *("key", "made_at", "encrypts", "values")
    ]


def test_it_is_lost(data: DataDirectory, run: Run, caplog: pytest.LogCaptureFixture) -> None:
    data.key_file.unlink()
    with closing(open_database(data)) as database:
        prepare_keys(database, KeyFile(data.key_file))
    assert "missing" in caplog.text
    assert not data.key_file.exists()
    found = check_keys(KeyFile(data.key_file))
    assert not found.ok
    assert str(data.key_file) in found.message
    refused = run("secret-key", "rotate")
    assert refused.returncode == 1
    assert "secret-key create" in refused.stderr

    assert run("secret-key", "create").returncode == 0
    assert run("secret-key", "create").returncode == 5
    assert check_keys(KeyFile(data.key_file)).ok
    done = run("secret-key", "rotate")
    assert done.returncode == 1
    assert "1 values could not be decrypted" in done.stderr
    keys = json.loads(run("secret-key", "list", "-o", "json").stdout)
    assert [(key["made_at"] is None, key["values"]) for key in keys][-1] == (True, 1)


def test_another_place(data: DataDirectory, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.key"
    settings = Settings(secrets=SecretSettings(key_file=elsewhere))
    assert make_key_file(data, settings).path == elsewhere
    assert make_key_file(data, Settings()).path == data.key_file
