"""What runs around the entry point, and which variables it sees."""

from collections.abc import Callable

from tests.support.commands.command import Au2
from tests.support.packages.folders import Uploaded, run_to_end

MakeProcess = Callable[..., Uploaded]


def test_before_main_after(au2: Au2, make_process: MakeProcess) -> None:
    process = make_process(
        au2,
        {
            "before.sh": "echo before > seen\n",
            "main.py": "print(open('seen').read().strip(), 'main')\nraise SystemExit(6)\n",
            "after.sh": 'echo "after $AU_EXIT_CODE"\n',
        },
    )

    result, job = run_to_end(au2, process)

    logged = au2.ok("job", "logs", str(job["id"])).text
    assert logged.splitlines() == ["before main", "after 6"], result
    assert (job["reason"], job["exit_code"]) == ("exit-code", 6)


def test_failing_before_keeps_main_from_running(au2: Au2, make_process: MakeProcess) -> None:
    process = make_process(
        au2,
        {
            "before.sh": "exit 9\n",
            "main.py": "print('never')\n",
            "after.sh": 'echo "after [$AU_EXIT_CODE]"\n',
        },
    )

    _, job = run_to_end(au2, process)

    assert au2.ok("job", "logs", str(job["id"])).text.splitlines() == ["after []"]
    assert (job["state"], job["reason"]) == ("FAILED", "before-failed")


def test_failing_after_fails_the_job(au2: Au2, make_process: MakeProcess) -> None:
    process = make_process(au2, {"main.py": "print('fine')\n", "after.sh": "exit 2\n"})

    _, job = run_to_end(au2, process)

    assert (job["state"], job["reason"]) == ("FAILED", "after-failed")


def test_variables_weakest_first(au2: Au2, make_process: MakeProcess) -> None:
    code = """\
import os
for name in ("KEPT", "GIVEN", "VERSION", "ANSWER", "AU_PROCESS_VERSION", "AU_PROCESS"):
    print(name, os.environ[name])
"""
    process = make_process(
        au2,
        {"main.py": code, "env.yml": "KEPT: package\nGIVEN: package\nVERSION: 1.10\nANSWER: NO\n"},
    )

    result, _ = run_to_end(au2, process, "--env", "GIVEN=submission")

    shown = dict(line.split(" ", 1) for line in result.text.splitlines() if " " in line)
    assert shown["KEPT"] == "package"
    assert shown["GIVEN"] == "submission"
    assert (shown["VERSION"], shown["ANSWER"]) == ("1.10", "NO")
    assert (shown["AU_PROCESS_VERSION"], shown["AU_PROCESS"]) == ("1", process.process)


def test_a_job_sees_neither_host_nor_other_jobs(au2: Au2, make_process: MakeProcess) -> None:
    code = """\
import os, socket
print("pids", len([name for name in os.listdir("/proc") if name.isdigit()]) < 10)
print("root", os.path.exists("/root/.ssh"))
try:
    open("/proc/sysrq-trigger", "w")
    print("writable sysrq")
except OSError:
    print("no sysrq")
try:
    socket.create_connection(("127.0.0.1", 22), timeout=1)
    print("reached")
except OSError:
    print("alone")
"""
    process = make_process(au2, {"main.py": code})

    result, _ = run_to_end(au2, process, "--network", "none")

    assert {"pids True", "root False", "no sysrq", "alone"} <= set(result.text.splitlines()), result
