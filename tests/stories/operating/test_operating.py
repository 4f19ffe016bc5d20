"""What an operator does with a server, and what the machine around it is like."""

import shutil
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from tests.support.commands.people import MakePeople
from tests.support.packages.folders import Uploaded, run_to_end
from tests.support.servers.fixtures import MakeServer
from tests.support.servers.server_process import EMAIL, run_server_command
from tests.support.waiting import wait_until


def test_a_strict_umask_locks_nobody_out(
    make_server: MakeServer, make_people: MakePeople, make_process: Callable[..., Uploaded]
) -> None:
    server = make_server()
    server.start(umask=0o077)
    au2 = make_people(server).admin()
    process = make_process(au2, {"main.py": "print(open('/etc/os-release').readline())\n"})

    result, job = run_to_end(au2, process, "--network", "none")

    assert job["state"] == "SUCCEEDED", result


def test_wrong_settings_are_named_and_nothing_starts(
    make_server: MakeServer,
) -> None:
    server = make_server()
    (server.data_dir / "settings.toml").write_text('[limits]\npackage_max_byte = "2 GiB"\n')

    result = run_server_command("start", "--data-dir", server.data_dir, "--listen", "127.0.0.1:0")
    (server.data_dir / "settings.toml").unlink()

    assert result.exit_code != 0
    assert "package_max_byte " in result.errors
    assert "package_max_bytes" in result.errors, "says what was meant"


def test_starting_without_init(tmp_path: Path) -> None:
    result = run_server_command("start", "--data-dir", tmp_path / "none")

    assert result.exit_code == 3, result
    assert "au2-server init" in result.errors
    assert not (tmp_path / "none").exists()


def test_uninstall_waits_for_no_running_server_and_leaves_only_the_data(
    make_server: MakeServer, make_people: MakePeople, make_process: Callable[..., Uploaded]
) -> None:
    server = make_server()
    server.start()
    au2 = make_people(server).admin()
    process = make_process(au2, {"main.py": "print('hello')\n"})
    run_to_end(au2, process)
    run_directory = (
        Path("/run/au2") / sha256(str(server.data_dir.resolve()).encode()).hexdigest()[:12]
    )
    assert run_directory.is_dir()

    refused = run_server_command("uninstall", "--data-dir", server.data_dir)
    assert refused.exit_code == 5, refused

    server.stop()
    result = run_server_command("uninstall", "--data-dir", server.data_dir)

    assert result.exit_code == 0, result
    assert not run_directory.exists()
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True)
    assert run_directory.name not in tables.stdout
    assert (server.data_dir / "database").is_dir()


def test_a_lost_password_is_replaced_while_the_server_runs(
    make_server: MakeServer, make_people: MakePeople
) -> None:
    server = make_server()
    server.start()
    people = make_people(server)
    au2 = people.admin()
    given = ("password", EMAIL, "--password-stdin", "--data-dir", server.data_dir)

    wrong = run_server_command("password", "x@example.com", *given[2:], stdin=b"long enough now\n")
    assert wrong.exit_code == 3, wrong
    replaced = run_server_command(*given, stdin=b"a new and good password\n")

    assert replaced.exit_code == 0, replaced
    assert "has a new password" in replaced.errors
    assert au2("whoami").exit_code == 4, "the old login is ended"
    assert people.login(EMAIL, "a new and good password").ok("whoami")


def test_a_data_directory_with_an_odd_path_keeps_logs_whole_and_masked(
    make_server: MakeServer,
    make_people: MakePeople,
    make_process: Callable[..., Uploaded],
    short_directory: Path,
) -> None:
    folder = short_directory / "a:b k8s-file:c %41?x=y#z,w\\ ü'\"$HOME;[*]"
    folder.mkdir()
    server = make_server(data_dir=folder / "data")
    server.start()
    au2 = make_people(server).admin()
    au2.ok("secret", "create", "key")
    au2.ok("secret", "ingest", "key", "--stdin", stdin=b"nobody-guesses-this")
    process = make_process(
        au2, {"main.py": "import os\nprint('first', os.environ['KEY'])\nprint('last')\n"}
    )

    result, job = run_to_end(au2, process, "--secret", "KEY=key")

    assert job["state"] == "SUCCEEDED", result
    assert au2.ok("job", "logs", str(job["id"])).text == "first ***\nlast\n"
    assert [path.name for path in short_directory.glob("a*")] == [folder.name]
    assert {path.name for path in folder.iterdir()} == {"data", "data.log"}
    assert (folder / "data" / "database" / "au2.sqlite3").is_file()
    made = run_server_command("backup", "--data-dir", server.data_dir, "--to", folder / "b.tar")
    assert made.exit_code == 0, made


def test_uninstall_when_the_data_directory_is_gone(
    make_server: MakeServer, make_people: MakePeople, make_process: Callable[..., Uploaded]
) -> None:
    server = make_server()
    server.start()
    au2 = make_people(server).admin()
    process = make_process(
        au2, {"main.py": "import time\nprint('up', flush=True)\ntime.sleep(600)\n"}
    )
    au2.ok("process", "run", process.process)
    run_directory = (
        Path("/run/au2") / sha256(str(server.data_dir.resolve()).encode()).hexdigest()[:12]
    )
    wait_until(lambda: any((run_directory / "containers").glob("*/record.json")))
    server.stop()
    shutil.rmtree(server.data_dir)

    result = run_server_command("uninstall", "--data-dir", server.data_dir)

    assert result.exit_code == 0, result
    assert not run_directory.exists()
    assert not server.data_dir.exists()
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True)
    assert run_directory.name not in tables.stdout
    mounts = Path("/proc/self/mounts").read_text()
    assert str(run_directory) not in mounts
    again = run_server_command("uninstall", "--data-dir", server.data_dir)
    assert again.exit_code == 3, again
