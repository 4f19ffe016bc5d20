"""``au2-server user`` as the operator runs it."""

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from au2.app.accounts.accounts import Accounts
from au2.app.accounts.passwords import Passwords, make_hasher
from au2.domain.errors import AccountDisabled
from au2.server.data_directory import DataDirectory
from au2.server.wiring.stores import open_database

pytestmark = pytest.mark.slow
COMMAND = Path(sys.executable).parent / "au2-server"
PASSWORD = "correct horse"
ADA, EVE = "ada@example.com", "eve@example.com"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run(*arguments: str, password: str = PASSWORD) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [COMMAND, *arguments, "--data-dir", str(tmp_path / "D")],
            input=f"{password}\n",
            capture_output=True,
            text=True,
            check=False,
        )

    assert run("init", "--email", ADA, "--password-stdin").returncode == 0
    return run


def test_a_second_operator_takes_the_place_of_the_first(run: Run, tmp_path: Path) -> None:
    refused = run("user", "disable", ADA)
    added = run("user", "add", EVE.upper(), "--operator", "--password-stdin")
    disabled = run("user", "disable", ADA)
    listed = run("user", "list", "-o", "json")
    shown = run("user", "list")

    assert (refused.returncode, refused.stdout) == (5, "")
    assert "ada@example.com is the only operator" in refused.stderr
    assert (added.returncode, added.stderr) == (0, f"{EVE} is an operator.\n")
    assert disabled.stderr == f"{ADA} is disabled; 0 tokens were ended.\n"
    first, second = json.loads(listed.stdout)
    assert (first["email"], first["state"], first["tokens"]) == (ADA, "disabled", [])
    assert (second["email"], second["state"], second["operator"]) == (EVE, "active", True)
    assert "disabled" in shown.stdout
    with closing(open_database(DataDirectory(tmp_path / "D"))) as database:
        accounts = Accounts(database, Passwords(make_hasher()))
        assert accounts.login(EVE, PASSWORD).secret
        with pytest.raises(AccountDisabled):
            accounts.login(ADA, PASSWORD)

    assert run("user", "enable", ADA).returncode == 0
    assert run("user", "demote", EVE).stderr == f"{EVE} is no operator.\n"
    assert run("user", "promote", EVE).stderr == f"{EVE} is an operator.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["add", ADA, "--password-stdin"], 5, "There is already a user ada@example.com."),
        (["add", "eve", "--password-stdin"], 2, "'eve' is not an email address."),
        (["add", EVE], 2, "Answer with --password-stdin"),
        (["disable", "x\x1b[31m@example.com"], 3, "There is no user"),
        (["enable", "nobody@example.com"], 3, "There is no user 'nobody@example.com'"),
        (["promote", ""], 3, "There is no user ''"),
        (["remove", EVE], 2, "There is no command 'au2-server user remove'"),
    ],
)
def test_mistakes(run: Run, arguments: list[str], code: int, message: str) -> None:
    done = run("user", *arguments)

    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr


def test_a_user_without_a_role_is_told_what_is_missing(run: Run) -> None:
    added = run("user", "add", EVE, "--password-stdin")
    assert (added.returncode, added.stderr) == (
        0,
        f"{EVE} can log in, and has no role yet: au2 member add {EVE} --role ROLE\n",
    )


def test_a_short_password_is_refused(run: Run) -> None:
    done = run("user", "add", EVE, "--password-stdin", password="short")
    assert done.returncode == 2
    assert len(json.loads(run("user", "list", "-o", "json").stdout)) == 1
