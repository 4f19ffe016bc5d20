"""A job gets its secrets, and nobody else does."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from au2.server.data_directory import DataDirectory
from tests.support.commands.command import Au2
from tests.support.commands.people import MakePeople, People
from tests.support.packages.folders import Uploaded, run_to_end, submitted_job
from tests.support.servers.server_process import ServerProcess, run_server_command
from tests.support.waiting import wait_until

MakeProcess = Callable[..., Uploaded]

VALUE = "kW9:dr4gon/Eight+tails"
SHOW = """\
import base64, json, os, sys, time
value = os.environ["PASSWORD"]
print("length", len(value), flush=True)
print("plain", value)
print("base64", base64.b64encode(b"user:" + value.encode()).decode())
sys.stdout.write("in two " + value[:9]); sys.stdout.flush(); time.sleep(0.2)
print(value[9:] + " pieces")
print("error", value, file=sys.stderr)
json.dump({"text": value}, open(os.environ["AU_STATUS_FILE"], "w"))
json.dump({"answer": [value], "length": len(value)}, open(os.environ["AU_OUTPUT_FILE"], "w"))
sys.stdout.write("at the end " + value[:5])
"""


def files_below(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def holding(value: str, *folders: Path) -> list[str]:
    """Files of these folders that hold the value, raw or in base64."""
    wanted = (value.encode(), base64.b64encode(value.encode())[:-4])
    found = []
    for folder in folders:
        for path in files_below(folder):
            try:
                data = path.read_bytes()
            except OSError:
                continue  # Removed meanwhile.
            if any(form in data for form in wanted):
                found.append(str(path))
    return found


def command_lines() -> bytes:
    found = b""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += path.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def secret_key(server: ServerProcess, verb: str) -> Any:
    done = run_server_command(
        "secret-key", verb, "--data-dir", server.data_dir, "-o", "json", env=server.env
    )
    assert done.exit_code == 0, done
    return done.document


def give(au2: Au2, name: str, value: str = VALUE) -> None:
    au2.ok("secret", "create", name, "--stdin", stdin=value.encode() + b"\n")


def test_from_env_yml_and_from_the_submission(au2: Au2, make_process: MakeProcess) -> None:
    give(au2, "story-reports", "from-env-yml")
    give(au2, "story-other", "from-submission")
    code = """\
import os
for name in ("A", "B", "C", "D"):
    print(name, ",".join(os.environ[name]))
"""
    process = make_process(
        au2,
        {
            "main.py": code,
            "env.yml": "A: {secret: story-reports}\nB: {secret: story-reports}\n"
            "C: {secret: story-reports}\nD: text\n",
        },
    )
    version = au2.json("process", "version", "show", process.process, "1")
    assert version["environment"]["A"] == {"secret": "story-reports"}

    result, job = run_to_end(
        au2, process, "--env", "B=plain", "--secret", "C=story-other", "--secret", "D=story-other"
    )

    shown = dict(line.split(" ", 1) for line in result.text.splitlines() if "," in line)
    values = {name: text.replace(",", "") for name, text in shown.items()}
    assert values == {
        "A": "from-env-yml",
        "B": "plain",
        "C": "from-submission",
        "D": "from-submission",
    }, result
    assert job["secrets"] == {"C": "story-other", "D": "story-other"}
    assert job["environment"] == {"B": "plain"}


def test_nothing_of_it_is_to_be_found(
    private_server: ServerProcess, make_people: MakePeople, make_process: MakeProcess
) -> None:
    au2 = make_people(private_server).admin()
    give(au2, "password")
    code = SHOW + "sys.stdout.flush()\nwhile not os.path.exists('/run/au2/go'): time.sleep(0.05)\n"
    process = make_process(au2, {"main.py": code})
    job = submitted_job(au2.ok("process", "run", process.process, "--secret", "PASSWORD=password"))
    while b"at the end" not in au2.ok("job", "logs", job).stdout:
        pass

    # While it runs: only in the raw log, which no other user can read, and in its own memory.
    data = private_server.data_dir
    (container,) = (data / "containers").iterdir()
    raw = container / "log"
    run_dir = DataDirectory(data).run_directory(None)
    found = set(holding(VALUE, data, run_dir))
    written_by_the_code = {
        str(container / "files" / f"{name}.json") for name in ("status", "output")
    }
    assert found <= {str(raw), *written_by_the_code}
    assert container.stat().st_mode & 0o077 == 0
    assert VALUE.encode() not in command_lines()

    (container / "files" / "go").touch()
    au2.ok("job", "wait", job)
    # The record comes first, for only then may the container go.
    wait_until(lambda: not container.exists())
    assert holding(VALUE, data, run_dir, private_server.log_file.parent) == []
    answers = [
        au2.ok("job", "show", job, "-o", "json").text,
        au2.ok("job", "output", job).text,
        au2.ok("job", "list", "-o", "json").text,
        au2.ok("secret", "list", "-o", "json").text,
        au2.ok("secret", "show", "password", "-o", "json").text,
        private_server.log_tail(1 << 20),
    ]
    assert not [answer for answer in answers if VALUE in answer]
    logged = au2.ok("job", "logs", job)
    lines = [*logged.text.splitlines(), *logged.errors.splitlines()]
    assert f"length {len(VALUE)}" in lines
    assert {"plain ***", "in two *** pieces", "error ***"} <= set(lines)
    assert f"at the end {VALUE[:5]}" in lines
    assert au2.json("job", "output", job) == {"answer": ["***"], "length": len(VALUE)}
    assert au2.json("job", "show", job)["status_text"] == "***"


def test_what_can_not_be_given_is_refused_at_once(
    au2: Au2, people: People, make_process: MakeProcess
) -> None:
    au2.ok("secret", "create", "story-empty")
    process = make_process(au2, {"env.yml": "A: {secret: story-none}\nB: {secret: story-empty}\n"})
    before = au2.json("job", "list", "-o", "json")

    refused = au2("process", "run", process.process, "--secret", "C=story-missing")

    assert refused.exit_code == 2
    for expected in ("story-none", "story-empty", "no value", "story-missing", "au2 secret create"):
        assert expected in refused.errors, refused
    twice = au2("process", "run", process.process, "--secret", "A=story-empty", "--env", "A=x")
    assert "both" in twice.errors
    platform = au2("process", "run", process.process, "--secret", "AU_JOB=story-empty")
    assert "AU_" in platform.errors
    assert [job["id"] for job in au2.json("job", "list")] == [job["id"] for job in before]
    # What is overridden is not needed.
    result, job = run_to_end(au2, process, "--env", "A=x", "--env", "B=y")
    assert job["state"] == "SUCCEEDED", result


def test_one_that_is_deleted_before_the_start(
    make_server: Callable[..., ServerProcess], make_people: MakePeople, make_process: MakeProcess
) -> None:
    server = make_server(env={"AU2_JOBS_CONCURRENT": "1"})
    server.start()
    au2 = make_people(server).admin()
    give(au2, "short-lived")
    process = make_process(au2, {"main.py": "import time; time.sleep(3600)\n"})
    first = submitted_job(au2.ok("process", "run", process.process))
    second = submitted_job(au2.ok("process", "run", process.process, "--secret", "A=short-lived"))
    au2.ok("secret", "delete", "short-lived", "--yes")
    au2.ok("job", "stop", first)

    assert au2("job", "wait", second).exit_code == 1
    job = au2.json("job", "show", second)
    assert (job["state"], job["reason"]) == ("FAILED", "start-failed")
    assert "'short-lived'" in job["reason_text"]
    assert "deleted" in job["reason_text"]


def test_masking_goes_on_after_a_restart(
    private_server: ServerProcess, make_people: MakePeople, make_process: MakeProcess
) -> None:
    """Whatever becomes of the secrets, and of their key, meanwhile."""
    au2 = make_people(private_server).admin()
    give(au2, "replaced")
    give(au2, "deleted", "the-other:value")
    code = """\
import os, time, sys
first, second = os.environ["A"], os.environ["B"]
for number in range(100):
    print(number, first, second, "." * number)
sys.stdout.write("begun " + first[:6]); sys.stdout.flush()
while not os.path.exists('/run/au2/go'): time.sleep(0.05)
print(first[6:], second, "ended")
"""
    process = make_process(au2, {"main.py": code})
    secrets = ("--secret", "A=replaced", "--secret", "B=deleted")
    job = submitted_job(au2.ok("process", "run", process.process, *secrets))
    while b"begun" not in au2.ok("job", "logs", job).stdout:
        pass
    (old_key,) = secret_key(private_server, "list")
    rotated = secret_key(private_server, "rotate")
    # Two secrets, and what the job holds of them.
    assert (old_key["values"], rotated["values"]) == (3, 3)
    keys = secret_key(private_server, "list")
    assert [(key["key"], key["values"]) for key in keys] == [
        (rotated["key"], 3),
        (old_key["key"], 0),
    ]
    assert au2.ok("secret", "download", "replaced").text == VALUE
    au2.ok("secret", "ingest", "replaced", "--stdin", stdin=b"quite another value")
    au2.ok("secret", "delete", "deleted", "--yes")
    private_server.kill()
    private_server.start()
    (container,) = (private_server.data_dir / "containers").iterdir()
    (container / "files" / "go").touch()

    au2.ok("job", "wait", job)

    lines = au2.ok("job", "logs", job).text.splitlines()
    expected = [f"{number} *** *** {'.' * number}" for number in range(100)]
    assert lines == [*expected, "begun *** *** ended"]
    assert [key["values"] for key in secret_key(private_server, "list")] == [1, 0]
