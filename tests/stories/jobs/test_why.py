"""`au2 job why`: real jobs that fail, wait for their end and are stopped."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.commands.command import Au2
from tests.support.packages.folders import Uploaded, submitted_job
from tests.support.waiting import wait_until

GUIDE = ROOT / "docs" / "guides" / "when-a-job-fails-or-waits.md"
CODE = """\
import json, os, sys, time

kind = json.load(open(os.environ["AU_ARGS_FILE"]))["kind"]
print("begun", flush=True)
if kind == "exit-code":
    sys.exit(3)
if kind == "out-of-memory":
    b"x" * (1 << 30)
if kind == "invalid-output":
    open(os.environ["AU_OUTPUT_FILE"], "w").write("[")
if kind in {"timed-out", "stopped"}:
    time.sleep(600)
"""


@pytest.fixture
def process(make_process: Callable[..., Uploaded], au2: Au2) -> str:
    return make_process(au2, {"main.py": CODE}).process


@pytest.mark.parametrize(
    "kind", ["exit-code", "out-of-memory", "invalid-output", "timed-out", "succeeded"]
)
def test_ends(au2: Au2, process: str, kind: str) -> None:
    options = ("--timeout", "2s") if kind == "timed-out" else ()
    job = submitted_job(au2("process", "run", process, "--arg", f"kind={kind}", "--wait", *options))

    found = au2.json("job", "why", job)
    shown = au2.ok("job", "why", job).text
    record = au2.json("job", "show", job)

    assert found["code"] == kind
    assert f"`{kind}`" in (ROOT / "docs" / "reference" / "reasons.md").read_text()
    assert kind == "succeeded" or f"`{kind}`" in GUIDE.read_text()
    assert f"Job {job} {found['state']} ({kind}): " in shown
    spans = found["timeline"]
    assert [span["name"] for span in spans][:1] == ["queued"]
    assert "run" in [span["name"] for span in spans]
    assert not any(span["is_open"] for span in spans)
    assert found["text"] == (record["reason_text"] or found["text"])


def test_running_and_stopped(au2: Au2, process: str) -> None:
    job = submitted_job(au2.ok("process", "run", process, "--arg", "kind=stopped"))
    wait_until(lambda: au2.json("job", "why", job)["code"] == "running")
    au2.ok("job", "stop", job)
    au2("job", "wait", job)

    assert au2.json("job", "why", job)["code"] == "stopped"


def test_the_commands_of_the_guide_exist(au2: Au2, process: str, tmp_path: Path) -> None:
    job = submitted_job(au2("process", "run", process, "--arg", "kind=exit-code", "--wait"))
    guide = GUIDE.read_text()
    for command in ("au2 job logs 12 --tail 20", "au2 job show 12", "au2 job logs 12"):
        assert f"`{command}`" in guide
        au2.ok(*command.replace("12", job).split()[1:])
    listed = "au2 job list --state RUNNING --all-contexts"
    assert f"`{listed}`" in guide
    au2.ok(*listed.split()[1:])
