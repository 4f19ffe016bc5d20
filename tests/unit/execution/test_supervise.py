"""The run loop with a scripted execution: order of steps, signals, retries, masking."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from au2.domain.errors import DatabaseUnavailable
from au2.domain.jobs.container_contract import Network
from au2.domain.jobs.job import JobState, Reason, Resources
from au2.engines.protocol import ContainerState, Observation
from au2.execution.job_results import Status
from au2.execution.supervise import RunHooks, RunResult, Supervisor
from au2.execution.termination import Detached, DiskVerdict, JobControl, TerminationPolicy
from au2.secrets.masking import Masker

RESOURCES = Resources(
    cpu=1, memory_bytes=64 << 20, processes=64, timeout_seconds=90, network=Network.NONE
)
RUNNING = Observation(ContainerState.RUNNING)
EXITED = Observation(ContainerState.EXITED, exit_code=0)
LOST = Observation(ContainerState.LOST, message="the host was restarted")
STATUS = b'{"text": "half", "progress": 0.5}'


@dataclass
class ScriptedRun:
    """Execution and log hook in one; notes each call by name."""

    observations: list[Observation]
    files: dict[str, bytes] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    has_more: bool = False

    def start(self) -> None:
        self.calls.append("start")

    def observe(self, timeout_seconds: float) -> Observation:
        return self.observations.pop(0)

    def stop(self) -> None:
        self.calls.append("stop")

    def kill(self) -> None:
        self.calls.append("kill")

    def read_file(self, name: str, limit_bytes: int, /) -> bytes | None:
        self.calls.append(f"read {name}")
        return self.files.get(name)

    def remove(self) -> None:
        self.calls.append("remove")

    def advance(self, seen: Observation) -> None:
        self.calls.append("advance")

    def complete(self, seen: Observation) -> None:
        self.calls.append("complete")

    def end(self) -> None:
        self.calls.append("end")


def supervise(
    run: ScriptedRun,
    *,
    control: JobControl | None = None,
    times: Iterable[float] = (),
    secrets: Iterable[str] = (),
    **hooks: Any,
) -> RunResult:
    clock = iter(times)
    hooks.setdefault("write_status", run.statuses.append)
    return Supervisor(
        run,
        RunHooks(log=run, masker=Masker(secrets), on_end=run.end, **hooks),
        control or JobControl(),
        TerminationPolicy(deadline=100, grace_seconds=5),
        resources=RESOURCES,
        out_schema={"required": ["rows"]},
        output_limit_bytes=1 << 20,
        now=lambda: next(clock, 0.0),
    ).supervise()


def test_results_are_read_before_the_disk_is_freed_and_the_log_completed() -> None:
    files = {"output.json": b'{"rows": 1}', "launcher.json": b'{"entry_exit_code": 0}'}
    run = ScriptedRun([RUNNING, EXITED], files)

    result = supervise(run)

    assert run.calls == [
        "advance",
        "read status.json",
        "read status.json",
        "read output.json",
        "read launcher.json",
        "end",
        "complete",
    ]
    assert result.outcome.state is JobState.SUCCEEDED
    assert (result.output, result.launcher) == ({"rows": 1}, {"entry_exit_code": 0})
    assert result.observation == EXITED


def test_of_a_lost_run_nothing_is_read() -> None:
    run = ScriptedRun([LOST])

    result = supervise(run)

    assert run.calls == ["end", "complete"]
    assert result.outcome.reason is Reason.ENGINE_LOST


def test_time_limit_and_grace_time() -> None:
    run = ScriptedRun([RUNNING] * 4 + [Observation(ContainerState.EXITED, exit_code=137)])

    result = supervise(run, times=(99, 100, 104, 105))

    assert [call for call in run.calls if call in ("stop", "kill")] == ["stop", "kill"]
    assert result.outcome.reason is Reason.TIMED_OUT


@pytest.mark.parametrize(("kill", "signals"), [(False, ["stop"]), (True, ["kill"])])
def test_requests_of_other_threads(kill: bool, signals: list[str]) -> None:
    control = JobControl()
    control.stop.set()
    if kill:
        control.kill.set()
    run = ScriptedRun([RUNNING, RUNNING, EXITED])

    result = supervise(run, control=control)

    assert [call for call in run.calls if call in ("stop", "kill")] == signals
    assert result.outcome.state is JobState.STOPPED


def test_a_detached_run_goes_on_by_itself() -> None:
    control = JobControl()
    control.detach.set()
    run = ScriptedRun([RUNNING])

    with pytest.raises(Detached):
        supervise(run, control=control)

    assert run.calls == []


def test_a_verdict_of_the_disk_hook_ends_the_run() -> None:
    run = ScriptedRun([RUNNING, Observation(ContainerState.EXITED, exit_code=137)])

    result = supervise(run, check_disk=lambda: DiskVerdict("Write less.", at_once=True))

    assert "kill" in run.calls
    assert (result.outcome.reason, result.outcome.reason_text) == (Reason.DISK_FULL, "Write less.")


def test_a_status_that_could_not_be_written_is_written_in_the_end() -> None:
    run = ScriptedRun([RUNNING, EXITED], {"status.json": STATUS, "output.json": b'{"rows": 1}'})
    tried: list[Status] = []

    def write_status(status: Status) -> None:
        tried.append(status)
        if len(tried) < 3:
            raise DatabaseUnavailable

    def persist(write: Callable[[], object]) -> None:
        with pytest.raises(DatabaseUnavailable):
            write()
        write()

    result = supervise(run, write_status=write_status, persist=persist)

    assert tried == [Status("half", 0.5)] * 3
    assert result.status == Status("half", 0.5)


def test_a_status_is_written_once() -> None:
    run = ScriptedRun([RUNNING, EXITED], {"status.json": STATUS, "output.json": b'{"rows": 1}'})

    supervise(run)

    assert run.statuses == [Status("half", 0.5)]


def test_secrets_are_masked_in_status_output_and_message() -> None:
    secret = "very-secret-value"
    files = {
        "status.json": json.dumps({"text": f"with {secret}"}).encode(),
        "output.json": json.dumps({secret: secret}).encode(),
    }
    run = ScriptedRun([EXITED], files)

    result = supervise(run, secrets=[secret])

    assert result.status == Status("with ***")
    assert result.outcome.reason is Reason.INVALID_OUTPUT
    assert secret not in repr(result)
