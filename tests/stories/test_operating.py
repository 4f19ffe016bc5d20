"""What an operator does with a server, and what the machine around it is like."""

import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from tests.support.packages import Uploaded, run_to_end
from tests.support.people import MakePeople
from tests.support.server import MakeServer
from tests.support.server_process import run_server_command


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
