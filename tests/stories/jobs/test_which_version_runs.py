"""After an upload nothing older runs in silence, with the real commands and real jobs."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.support.checkout import AU2
from tests.support.commands.command import Au2
from tests.support.packages.folders import Uploaded, submitted_job

CODE = """\
import json, os

with open(os.environ["AU_STATUS_FILE"], "w") as file:
    json.dump({"text": "all done", "progress": 1}, file)
with open(os.environ["AU_OUTPUT_FILE"], "w") as file:
    json.dump({"version": int(os.environ["AU_PROCESS_VERSION"])}, file)
print("no newline", end="")
"""


def upload(au2: Au2, directory: Path, code: str, *flags: str) -> str:
    (directory / "main.py").write_text(code)
    return au2("process", "repo", "upload", directory, "--yes", *flags).errors


def test_what_runs_is_told_after_an_upload_and_with_a_run(
    au2: Au2, make_process: Callable[..., Uploaded]
) -> None:
    made = make_process(au2, {"main.py": CODE})
    au2.ok("process", "version", "publish", made.process, "1")

    told = upload(au2, made.directory, CODE + "# 2\n", "--wait")
    default = au2.ok("process", "run", made.process, "--wait")
    latest = au2.ok("process", "run", made.process, "--latest", "--wait")

    assert "Version 1 is published, so runs take that one." in told
    assert "Runs version 1 (published); 2 is newer.\n" in default.errors
    assert 'Output: {"version": 1}' in default.errors
    assert "Runs version" not in latest.errors
    assert 'Output: {"version": 2}' in latest.errors
    choice = au2.json("job", "show", submitted_job(default))["version_choice"]
    assert (choice["rule"], choice["newer"][0]["version"]) == ("published", 2)


def test_an_upload_is_waited_for_and_a_failed_one_is_told(
    au2: Au2, make_process: Callable[..., Uploaded]
) -> None:
    made = make_process(au2, {"main.py": CODE})

    upload(au2, made.directory, CODE + "# 2\n")
    second = au2.ok("process", "run", made.process, "--wait-for-build", "--wait")
    (made.directory / "requirements.txt").write_text("au2-has-no-such-package==1\n")
    failed = upload(au2, made.directory, CODE, "--wait")
    third = au2("process", "run", made.process, "--wait-for-build", "--wait")
    default = au2.ok("process", "run", made.process, "--wait")

    assert 'Output: {"version": 2}' in second.errors
    assert "Runs take version 2, as before." in failed
    assert third.exit_code == 5, third
    assert "Runs version 2 (the newest that is AVAILABLE); 3 failed (job " in default.errors


def test_the_end_is_told_on_a_line_of_its_own(
    au2: Au2, make_process: Callable[..., Uploaded]
) -> None:
    made = make_process(au2, {"main.py": CODE})
    command = [AU2, "process", "run", made.process, "--follow"]

    apart = au2.ok("process", "run", made.process, "--follow")
    mixed = subprocess.run(
        command, env=au2.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True
    )

    assert apart.stdout.endswith(b"\nno newline"), "byte for byte"
    lines = apart.errors.splitlines()
    assert lines[0].startswith(f"Job {submitted_job(apart)} SUCCEEDED after ")
    assert lines[1:] == ["Status: all done (100%)", 'Output: {"version": 1}']
    assert b"\nno newline\nJob " in mixed.stdout
