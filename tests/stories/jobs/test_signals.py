"""Tests that send signals, started as ``nohup`` and a script's ``&`` start them: all ignored."""

import sys

import pytest

from tests.support.checkout import ROOT
from tests.support.commands.command import run_command

IGNORING = ("sh", "-c", 'trap "" INT QUIT HUP; exec "$@"', "sh")
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=120")


@pytest.mark.parametrize(
    "arguments",
    [
        ("tests/component/images/test_launcher.py", "-k", "test_stop_is_forwarded"),
        ("tests/component/server/test_supervision.py", "-k", "test_start_answer_and_end"),
        ("tests/unit/cli/test_jobs.py", "-k", "test_interrupting_leaves_the_job_running"),
    ],
)
def test_signals_reach_the_programs_of_tests(arguments: tuple[str, ...]) -> None:
    done = run_command(*IGNORING, *PYTEST, *arguments, cwd=ROOT)

    assert done.exit_code == 0, done
    assert " passed" in done.text, done
