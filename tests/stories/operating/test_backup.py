"""A backup of a running server, and the server that is made of it."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.commands.people import MakePeople
from tests.support.packages.folders import Uploaded, run_to_end, submitted_job
from tests.support.servers.fixtures import MakeServer
from tests.support.servers.server_process import ServerProcess, run_server_command

SECRET = "a value that nobody guesses"


@pytest.mark.parametrize("name", ["folder", "file.tar.zst"])
def test_a_server_goes_on_from_its_backup(
    make_server: MakeServer,
    make_people: MakePeople,
    make_process: Callable[..., Uploaded],
    short_directory: Path,
    name: str,
) -> None:
    server = make_server()
    server.start()
    au2 = make_people(server).admin()
    process = make_process(
        au2, {"main.py": "import os\nprint(len(os.environ['KEY']), 'letters')\n"}
    )
    au2.ok("secret", "create", "key")
    au2.ok("secret", "ingest", "key", "--stdin", stdin=SECRET.encode())
    _, finished = run_to_end(au2, process, "--secret", "KEY=key")
    sleeper = make_process(au2, {"main.py": "import time\ntime.sleep(600)\n"})
    running = submitted_job(au2.ok("process", "run", sleeper.process))
    backup = short_directory / name

    made = run_server_command("backup", "--data-dir", server.data_dir, "--to", backup)

    assert made.exit_code == 0, made
    assert "secrets.key" in made.errors
    au2.ok("job", "stop", str(running))
    au2.ok("process", "create", "--name", "after the backup")
    key_file = shutil.copy(server.data_dir / "secrets.key", short_directory / "kept.key")
    server.remove()

    again = ServerProcess(short_directory / "again", ids=server.ids)
    words = ("restore", "--from", backup, "--data-dir", again.data_dir, "--secret-key", key_file)
    restored = run_server_command(*words)
    assert restored.exit_code == 0, restored
    checked = run_server_command("fsck", "--data-dir", again.data_dir)
    assert checked.exit_code == 0, checked
    try:
        again.start()
        au2 = make_people(again).admin()
        assert au2.ok("job", "logs", str(finished["id"])).text == f"{len(SECRET)} letters\n"
        assert "after the backup" not in au2.ok("process", "list").text
        job = au2.json("job", "show", str(running))
        assert (job["state"], job["reason"]) == ("FAILED", "engine-lost")
        assert "restored from a backup" in job["reason_text"]
        _, job = run_to_end(au2, process, "--secret", "KEY=key")
        assert job["state"] == "SUCCEEDED"
        assert int(job["id"]) > int(running)
    finally:
        again.remove()
        subprocess.run(["rm", "-rf", backup], check=True)


def test_a_wrong_key_file_is_told_before_anything_is_restored(
    make_server: MakeServer, short_directory: Path
) -> None:
    server = make_server()
    backup, wrong = short_directory / "b.tar", short_directory / "wrong.key"
    made = run_server_command("backup", "--data-dir", server.data_dir, "--to", backup)
    assert made.exit_code == 0, made
    wrong.write_text("no key\n")
    new = short_directory / "new"

    words = ("restore", "--from", backup, "--data-dir", new, "--secret-key", wrong)
    refused = run_server_command(*words)

    assert refused.exit_code == 1, refused
    assert "wrong.key holds a line that is no key" in refused.errors
    assert not new.exists()
