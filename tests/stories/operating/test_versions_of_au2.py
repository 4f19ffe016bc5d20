"""A data directory that another version of au2 has written."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.commands.people import MakePeople
from tests.support.servers.fixtures import MakeServer
from tests.support.servers.server_process import (
    EMAIL,
    ServerProcess,
    StartError,
    run_server_command,
)

COMMANDS = (
    ("runtime", "list"),
    ("runtime", "show", "Python3.11"),
    ("runtime", "retire", "Python3.11"),
    ("gc", "--plan"),
    ("gc",),
    ("fsck",),
    ("fsck", "--quick"),
    ("secret-key", "list"),
    ("secret-key", "rotate"),
    ("password", EMAIL, "--password-stdin"),
    ("doctor", "-o", "json"),
    ("start", "--listen", "127.0.0.1:0"),
)
READING = (*COMMANDS[:2], COMMANDS[3], *COMMANDS[5:8], COMMANDS[10])


def write_revision(data_dir: Path, revision: str) -> None:
    with closing(sqlite3.connect(data_dir / "database" / "au2.sqlite3")) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        database.commit()


def read_revision(data_dir: Path) -> str:
    with closing(sqlite3.connect(data_dir / "database" / "au2.sqlite3")) as database:
        [(revision,)] = database.execute("SELECT version_num FROM alembic_version").fetchall()
    return str(revision)


@pytest.fixture
def stopped(make_server: MakeServer) -> ServerProcess:
    return make_server()


def run(server: ServerProcess, command: tuple[str, ...]) -> tuple[int, str]:
    result = run_server_command(
        *command, "--data-dir", server.data_dir, stdin=b"a good new password\n", env=server.env
    )
    return result.exit_code, result.text + result.errors


def test_a_newer_database_is_named_in_a_sentence(stopped: ServerProcess) -> None:
    newest = read_revision(stopped.data_dir)
    write_revision(stopped.data_dir, "9999")
    for command in COMMANDS:
        code, said = run(stopped, command)

        assert code != 0, command
        assert "This database was written by a newer au2 (revision 9999" in said, command
        assert f"up to {newest}" in said
        assert "Traceback" not in said
        assert read_revision(stopped.data_dir) == "9999"


def test_commands_that_read_do_not_migrate(stopped: ServerProcess) -> None:
    write_revision(stopped.data_dir, "0001")
    for command in READING:
        code, said = run(stopped, command)

        assert code != 0, command
        assert "This database was written by an older au2 (revision 0001" in said, command
        assert "Traceback" not in said
        assert read_revision(stopped.data_dir) == "0001"


def test_a_clean_stop_leaves_one_database_file(
    stopped: ServerProcess, make_people: MakePeople
) -> None:
    stopped.start()
    au2 = make_people(stopped).admin()
    au2.ok("process", "create", "--name", "something")
    folder = stopped.data_dir / "database"
    assert (folder / "au2.sqlite3-wal").exists(), "while it runs"

    stopped.stop()

    assert [path.name for path in folder.iterdir()] == ["au2.sqlite3"]
    write_revision(stopped.data_dir, "9999")
    with pytest.raises(StartError, match="newer au2"):
        stopped.start()
