"""The walk of an operator: a server for a team, from a wheel to an upgrade and back."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.commands.command import Au2, Result, run_command
from tests.support.packages.folders import Uploaded, run_to_end, submitted_job
from tests.support.servers.certificates import Certificates, make_certificates
from tests.support.servers.installing import (
    Environment,
    build_distributions,
    install,
    make_environment,
)
from tests.support.servers.older_database import make_older, read_revision
from tests.support.servers.server_process import runtime_cache_locked
from tests.support.servers.unit_server import UnitServer
from tests.support.waiting import wait_until

ADA, GRACE = "ada@example.com", "grace@example.com"
PASSWORD = b"a good password for all\n"
RELEASED = "0004"
SETTINGS = """\
[server]
listen = "127.0.0.1:0"
tls_certificate = "{files.certificate}"
tls_key = "{files.key}"
"""
MakeProcess = Callable[..., Uploaded]


class Team:
    """Operator and users of one server."""

    def __init__(self, installed: Environment, folder: Path, trusted: Path) -> None:
        self.server = UnitServer(installed, folder / "data", log_file=folder / "server.log")
        self.folder = folder
        self.trusted = trusted
        self.ids: dict[str, str] = {}

    def operate(self, *arguments: str | Path, stdin: bytes | None = None) -> Result:
        """Run ``au2-server`` without ``--data-dir``, and insist that it succeeds."""
        command = self.server.installed.bin / "au2-server"
        done = run_command(command, *arguments, stdin=stdin, env=self.server.environment)
        assert done.exit_code == 0, done
        return done

    def set_up(self, files: Certificates) -> None:
        self.server.data_dir.mkdir()
        (self.server.data_dir / "settings.toml").write_text(SETTINGS.format(files=files))
        made = self.operate(
            *("init", "--email", ADA, "--password-stdin", "--organization", "Acme"),
            *("--project", "Forecast", "-o", "json"),
            stdin=PASSWORD,
        )
        self.ids = made.document
        with runtime_cache_locked():
            self.operate("runtime", "build", "Python3.11")

    def login(self, email: str) -> Au2:
        trusted = {"SSL_CERT_FILE": str(self.trusted)}
        file = self.folder / f"{email}.json"
        au2 = Au2(file, self.server.url, self.folder, trusted)
        # With the wheel's own command; after that, all are the same.
        words = (self.server.installed.bin / "au2", "login", "--email", email, "--password-stdin")
        done = run_command(*words, stdin=PASSWORD, env=au2.env)
        assert done.exit_code == 0, done
        au2.ok("context", "set", self.ids["organization"], self.ids["project"])
        return au2

    def remove(self) -> None:
        self.server.stop()
        command = self.server.installed.bin / "au2-server"
        run_command(command, "uninstall", env=self.server.environment)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    distributions = build_distributions(tmp_path / "dist")
    installed = make_environment(tmp_path / "au2", with_pip=False)
    install(installed, f"{distributions.wheel}[server]")
    # A short path for sockets, and on the disk: the memory that other servers share is not for the
    # copies of a whole installation.
    folder = Path(tempfile.mkdtemp(prefix="au2-team-"))
    folder.chmod(0o711)
    team = Team(installed, folder, folder / "ca.crt")
    yield team
    team.remove()
    shutil.rmtree(folder)


@pytest.mark.timeout(1500)  # pip fetches and unpacks what is not in its cache.
def test_the_walk_of_an_operator(team: Team, make_process: MakeProcess) -> None:
    server = team.server
    team.set_up(make_certificates(team.folder))
    server.start()
    ada = team.login(ADA)
    process = make_process(ada, {"main.py": "print('hello')\n"})
    result, first = run_to_end(ada, process)
    assert first["state"] == "SUCCEEDED", result

    _add_a_second_operator(team, ada)
    _renew_the_certificate(team, ada)

    # A stop for the upgrade leaves a job alone. The backup is made before it.
    waiting = {"main.py": "import time\nfor n in range(20):\n    print(n)\n    time.sleep(0.5)\n"}
    running = submitted_job(ada.ok("process", "run", make_process(ada, waiting).process))
    wait_until(lambda: ada.json("job", "show", running)["state"] == "RUNNING")
    backup = team.folder / "backup"
    team.operate("backup", "--to", backup)
    assert server.stop() == 0
    database = server.data_dir / "database" / "au2.sqlite3"
    newest = read_revision(database)
    make_older(database, RELEASED)

    server.start()

    [copy] = (server.data_dir / "database" / "copies").iterdir()
    assert (read_revision(copy), read_revision(database)) == (RELEASED, newest)
    assert f"was copied to {copy} before its migration" in server.log_file.read_text()
    ada = team.login(ADA)
    assert ada.ok("job", "wait", running).exit_code == 0
    assert ada.ok("job", "logs", running).text.split() == [str(n) for n in range(20)]
    plan = {line["what"] for line in team.operate("gc", "--plan", "-o", "json").document["lines"]}
    assert {"logs", "database", "database copies", "unpacked layers"} <= plan

    _go_back_to_the_copy(team, database, copy, first["id"])
    _go_back_to_the_backup(team, backup, process)


def _add_a_second_operator(team: Team, ada: Au2) -> None:
    team.operate("user", "add", GRACE, "--operator", "--password-stdin", stdin=PASSWORD)
    ada.ok("member", "add", GRACE, "--role", "admin")
    grace = team.login(GRACE)

    team.operate("user", "disable", ADA)

    refused = ada("process", "list")
    assert refused.exit_code == 4, refused
    assert "Traceback" not in refused.errors
    grace.ok("process", "list")
    states = {
        one["email"]: one["state"] for one in team.operate("user", "list", "-o", "json").document
    }
    assert states == {ADA: "disabled", GRACE: "active"}
    team.operate("user", "enable", ADA)
    team.login(ADA)


def _renew_the_certificate(team: Team, ada: Au2) -> None:
    old = team.folder / "old.crt"
    shutil.copy(team.trusted, old)
    make_certificates(team.folder)
    team.server.reload()
    wait_until(lambda: "new connections get the certificate" in team.server.log_file.read_text())
    ada.ok("process", "list")
    team.trusted, new = old, team.trusted
    refused = run_command(
        *(team.server.installed.bin / "au2", "process", "list"),
        env={**ada.env, "SSL_CERT_FILE": str(old)},
    )
    assert refused.exit_code == 6, refused
    team.trusted = new


def _go_back_to_the_copy(team: Team, database: Path, copy: Path, ended: int) -> None:
    """Do what the guide says; there is no older version here, so the same one migrates again."""
    assert team.server.stop() == 0
    guide = (ROOT / "docs" / "guides" / "backup.md").read_text()
    [_, block] = guide.split("systemctl stop au2-server", 1)
    lines = block.split("```", 1)[0].splitlines()[1:]
    script = "\n".join(lines).replace("/var/lib/au2", str(team.server.data_dir))
    subprocess.run(["sh", "-euc", script], check=True)

    assert read_revision(database) == RELEASED
    assert copy.exists()
    team.server.start()
    assert "hello" in team.login(ADA).ok("job", "logs", str(ended)).text


def _go_back_to_the_backup(team: Team, backup: Path, process: Uploaded) -> None:
    assert team.server.stop() == 0
    keys = shutil.copy(team.server.data_dir / "secrets.key", team.folder / "kept.key")
    team.remove()
    shutil.rmtree(team.server.data_dir)
    team.operate("restore", "--from", backup, "--secret-key", keys)
    team.server.start()
    result, job = run_to_end(team.login(ADA), process)
    assert job["state"] == "SUCCEEDED", result
