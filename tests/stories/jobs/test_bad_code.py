"""Code that misbehaves: the job says what happened, and the platform goes on."""

from collections.abc import Callable

from tests.support.commands.command import Au2
from tests.support.packages.folders import Uploaded, run_to_end, submitted_job

MakeProcess = Callable[..., Uploaded]


def test_exit_code_3(au2: Au2, make_process: MakeProcess) -> None:
    process = make_process(au2, {"main.py": "print('before')\nraise SystemExit(3)\n"})

    result, job = run_to_end(au2, process)
    passed_through, _ = run_to_end(au2, process, "--exit-code")

    assert (job["state"], job["reason"], job["exit_code"]) == ("FAILED", "exit-code", 3)
    assert (result.exit_code, passed_through.exit_code) == (1, 3)
    assert "before" in result.text
    assert "3" in job["reason_text"]


def test_killed_by_memory(au2: Au2, make_process: MakeProcess) -> None:
    hungry = (
        "print('eating', flush=True)\nkept = [bytearray(b'x' * (1 << 20)) for _ in range(4096)]\n"
    )
    process = make_process(au2, {"main.py": hungry})

    result, job = run_to_end(au2, process, "--memory", "64MiB")

    assert (job["state"], job["reason"]) == ("FAILED", "out-of-memory")
    assert "memory" in job["reason_text"]
    assert "eating" in result.text


def test_a_killed_worker_is_told_of(au2: Au2, make_process: MakeProcess) -> None:
    pool = """\
import multiprocessing, signal, time
def eat():
    kept = [bytearray(b'x' * (1 << 20)) for _ in range(4096)]
worker = multiprocessing.Process(target=eat)
worker.start()
worker.join()
assert worker.exitcode == -signal.SIGKILL
"""
    hanging = make_process(au2, {"main.py": pool + "time.sleep(600)\n"})
    coping = make_process(au2, {"main.py": pool})

    _, late = run_to_end(au2, hanging, "--memory", "64MiB", "--timeout", "5s")
    result, good = run_to_end(au2, coping, "--memory", "64MiB")

    assert (late["state"], late["reason"]) == ("FAILED", "timed-out")
    assert (good["state"], good["reason"]) == ("SUCCEEDED", None)
    for job in (late, good):
        assert "killed a process of this run for memory" in job["reason_text"]
        assert "--memory" in job["reason_text"]
        assert "--timeout" not in job["reason_text"]
        assert job["attempts"][-1]["used"]["out_of_memory_kills"] == 1
        shown = au2.json("job", "logs", str(job["id"]))
        assert [record["stream"] for record in shown] == ["platform"]
        assert "killed a process of this run" in shown[0]["text"]
    assert b"killed a process of this run" in result.stderr


def test_shared_memory_that_is_full(au2: Au2, make_process: MakeProcess) -> None:
    code = """\
import mmap, os
print(os.statvfs("/dev/shm").f_blocks * os.statvfs("/dev/shm").f_frsize, flush=True)
file = os.open("/dev/shm/x", os.O_RDWR | os.O_CREAT)
os.ftruncate(file, 48 << 20)
memory = mmap.mmap(file, 48 << 20)
for offset in range(0, 48 << 20, 4096):
    memory[offset] = 1
"""
    process = make_process(au2, {"main.py": code})

    wide, good = run_to_end(au2, process, "--memory", "256MiB")
    narrow, job = run_to_end(au2, process, "--memory", "256MiB", "--shm-size", "32MiB")
    refused = au2("process", "run", process.process, "--memory", "16MiB", "--shm-size", "32MiB")

    assert good["state"] == "SUCCEEDED"
    assert [run.stdout.split()[-1] for run in (wide, narrow)] == [b"268435456", b"33554432"]
    assert (job["state"], job["reason"], job["exit_code"]) == ("FAILED", "exit-code", 135)
    assert "/dev/shm was full" in job["reason_text"]
    assert "32 MiB" in job["reason_text"]
    assert job["resources"]["shared_memory_bytes"] == 32 << 20
    assert refused.exit_code == 2
    assert "32 MiB does not fit into the memory of 16 MiB" in refused.errors


def test_137_of_its_own_is_no_kill_for_memory(au2: Au2, make_process: MakeProcess) -> None:
    process = make_process(au2, {"main.py": "raise SystemExit(137)\n"})

    _, job = run_to_end(au2, process)

    assert (job["state"], job["reason"], job["exit_code"]) == ("FAILED", "exit-code", 137)
    assert job["attempts"][-1]["used"]["out_of_memory_kills"] == 0


def test_200_megabytes_of_log(au2: Au2, make_process: MakeProcess) -> None:
    talker = """\
import sys
line = b"x" * 999 + b"\\n"
for _ in range(200):
    sys.stdout.buffer.write(line * 1000)
"""
    process = make_process(au2, {"main.py": talker})

    run = au2.ok("process", "run", process.process, "--wait")
    job = submitted_job(run)
    logs = au2.ok("job", "logs", job).stdout

    assert len(logs) == 200_000_000
    assert set(logs.split(b"\n")) == {b"x" * 999, b""}


def test_bytes_that_are_not_text(au2: Au2, make_process: MakeProcess) -> None:
    every_byte = bytes(range(256))
    code = "import sys\nsys.stdout.buffer.write(bytes(range(256)) + b'\\n\\xff\\xfe no newline')\n"
    process = make_process(au2, {"main.py": code})

    result, job = run_to_end(au2, process)

    assert job["state"] == "SUCCEEDED"
    wanted = every_byte + b"\n\xff\xfe no newline"
    assert wanted in result.stdout
    assert au2.ok("job", "logs", str(job["id"])).stdout == wanted


def test_forking_without_end(au2: Au2, make_process: MakeProcess) -> None:
    bomb = """\
import os, sys
print("forking", flush=True)
while True:
    try:
        os.fork()
    except OSError as error:
        os.write(2, f"no more: {error}\\n".encode())
        os._exit(7)
"""
    process = make_process(au2, {"main.py": bomb})
    innocent = make_process(au2, {"main.py": "print('still here')\n"})

    _, job = run_to_end(au2, process, "--timeout", "20s")
    alive, _ = run_to_end(au2, innocent)

    assert job["state"] == "FAILED"
    assert job["reason"] in {"exit-code", "timed-out", "out-of-memory"}
    assert "still here" in alive.text


def test_ignoring_sigterm(au2: Au2, make_process: MakeProcess) -> None:
    stubborn = """\
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("I stay", flush=True))
print("ready", flush=True)
while True:
    time.sleep(0.1)
"""
    process = make_process(au2, {"main.py": stubborn})
    job = submitted_job(au2.ok("process", "run", process.process))
    follow = au2.background("job", "logs", job, "--follow")
    assert follow.stdout is not None
    assert follow.stdout.readline() == b"ready\n"

    au2.ok("job", "stop", job)
    waited = au2("job", "wait", job)
    rest, _ = follow.communicate()

    shown = au2.json("job", "show", job)
    assert (shown["state"], shown["reason"]) == ("STOPPED", "stopped")
    assert waited.exit_code == 1
    assert b"I stay" in rest


def test_running_too_long(au2: Au2, make_process: MakeProcess) -> None:
    process = make_process(
        au2, {"main.py": "import time\nprint('tick', flush=True)\ntime.sleep(600)\n"}
    )

    _, job = run_to_end(au2, process, "--timeout", "1s")

    assert (job["state"], job["reason"]) == ("FAILED", "timed-out")


def test_output_that_is_no_object(au2: Au2, make_process: MakeProcess) -> None:
    code = "import os\nopen(os.environ['AU_OUTPUT_FILE'], 'w').write('[1, 2')\n"
    process = make_process(au2, {"main.py": code})

    _, job = run_to_end(au2, process)

    assert (job["state"], job["reason"]) == ("FAILED", "invalid-output")


def test_lives_for_milliseconds(au2: Au2, make_process: MakeProcess) -> None:
    """Everything is in the log, each time, however soon the container is gone."""
    process = make_process(
        au2, {"main.py": "import os\nos.write(1, b'one\\ntwo\\nthree')\nos._exit(0)\n"}
    )

    for _ in range(5):
        result, job = run_to_end(au2, process)
        assert job["state"] == "SUCCEEDED"
        assert au2.ok("job", "logs", str(job["id"])).stdout == b"one\ntwo\nthree"
        assert b"one\ntwo\nthree" in result.stdout


def test_a_printed_success_has_no_effect(au2: Au2, make_process: MakeProcess) -> None:
    process = make_process(au2, {"main.py": "print('SUCCEEDED')\nraise SystemExit(1)\n"})

    _, job = run_to_end(au2, process)

    assert job["state"] == "FAILED"
