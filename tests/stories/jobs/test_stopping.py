"""Jobs that the platform ends, in each language: the code is told, and after.sh still runs."""

from pathlib import Path
from typing import Any

import pytest

from au2.domain.jobs.container_contract import Language
from tests.support.commands.command import Au2
from tests.support.commands.people import MakePeople
from tests.support.packages.folders import submitted_job, upload_package
from tests.support.packages.languages import RUNTIMES
from tests.support.servers.fixtures import MakeServer
from tests.support.servers.server_process import ServerProcess

AFTER = 'echo "after [$AU_EXIT_CODE]"\n'
CODE = {
    Language.PYTHON: """\
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("told", flush=True), sys.exit(9)))
print("SUCCEEDED", flush=True)
time.sleep(600)
""",
    Language.SHELL: """\
trap 'echo told; exit 9' TERM
echo SUCCEEDED
while :; do sleep 0.05; done
""",
    Language.JAVASCRIPT: """\
process.on("SIGTERM", () => { console.log("told"); process.exit(9); });
console.log("SUCCEEDED");
setInterval(() => {}, 1000);
""",
    Language.R: """\
cat("SUCCEEDED\\n")
tryCatch(Sys.sleep(600), interrupt = function(condition) { cat("told\\n"); quit(status = 9) })
""",
}


def upload(au2: Au2, directory: Path, language: Language, files: dict[str, str]) -> str:
    au2.ok(
        *("process", "repo", "init", directory, "--yes", "--name", f"stopped {language}"),
        *("--runtime", RUNTIMES[language]),
    )
    for name, content in files.items():
        (directory / name).write_text(content)
    return upload_package(au2, directory).process


def end_of(au2: Au2, job: str) -> tuple[list[str], dict[str, Any]]:
    au2("job", "wait", job)
    return au2.ok("job", "logs", job).text.splitlines(), au2.json("job", "show", job)


@pytest.mark.parametrize("language", Language)
def test_out_of_time_and_stopped(
    server: ServerProcess, au2: Au2, tmp_path: Path, language: Language
) -> None:
    server.add_runtime(RUNTIMES[language])
    files = {language.entry_point: CODE[language], "after.sh": AFTER + "exit 3\n"}
    process = upload(au2, tmp_path, language, files)

    late = submitted_job(au2.ok("process", "run", process, "--timeout", "3s"))
    stopped = submitted_job(au2.ok("process", "run", process))
    follow = au2.background("job", "logs", stopped, "--follow")
    assert follow.stdout is not None
    assert follow.stdout.readline() == b"SUCCEEDED\n"
    au2.ok("job", "stop", stopped)
    follow.communicate()

    lines, job = end_of(au2, stopped)
    assert lines == ["SUCCEEDED", "told", "after [9]"]
    assert (job["state"], job["reason"], job["exit_code"]) == ("STOPPED", "stopped", 9)
    lines, job = end_of(au2, late)
    assert lines == ["SUCCEEDED", "told", "after [9]"]
    assert (job["state"], job["reason"], job["exit_code"]) == ("FAILED", "timed-out", 9)


def test_a_hook_that_hangs_runs_out_of_time(au2: Au2, tmp_path: Path) -> None:
    files = {
        "before.sh": "echo before; sleep 600\n",
        "main.py": "print('never')\n",
        "after.sh": AFTER,
    }
    process = upload(au2, tmp_path, Language.PYTHON, files)

    job = submitted_job(au2.ok("process", "run", process, "--timeout", "1s"))

    lines, shown = end_of(au2, job)
    assert lines == ["before", "after []"]
    assert (shown["state"], shown["reason"]) == ("FAILED", "timed-out")


def test_cleaning_up_has_a_time_of_its_own(
    make_server: MakeServer, make_people: MakePeople, tmp_path: Path
) -> None:
    """Told at its end, and ended if that is no use; the platform waits for both."""
    server = make_server(env={"AU2_JOBS_AFTER_GRACE_SECONDS": "1"})
    server.start()
    au2 = make_people(server).admin()
    files = {
        "main.py": "import time; print('main', flush=True); time.sleep(600)\n",
        "after.sh": "trap 'echo told' TERM; echo cleaning\nwhile :; do sleep 0.1; done\n",
    }
    process = upload(au2, tmp_path / "package", Language.PYTHON, files)

    job = submitted_job(au2.ok("process", "run", process, "--timeout", "1s"))

    lines, shown = end_of(au2, job)
    assert lines == ["main", "cleaning", "told"]
    assert (shown["state"], shown["reason"]) == ("FAILED", "timed-out")
