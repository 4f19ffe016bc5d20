"""What an operator does with a server, and what the machine around it is like."""

import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from tests.support.packages import Uploaded, run_to_end
from tests.support.people import MakePeople
from tests.support.server import MakeServer
from tests.support.server_process import EMAIL, run_server_command


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
