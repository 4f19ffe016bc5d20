"""Outcome of a run, computed from its last observation. Pure: each case is a line in a test."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from enum import Enum, auto
from typing import Any, Final

from au2.domain.jobs.job import JobState, Outcome, Reason, Resources
from au2.domain.wording import as_sentence, format_bytes, format_seconds
from au2.engines.protocol import ContainerState, Observation
from au2.execution.job_results import Output
from au2.secrets.masking import Masker

_FIRST_SIGNAL_CODE: Final = 128
_LAST_SIGNAL: Final = 64
KILLED: Final = _FIRST_SIGNAL_CODE + 9
"""How a program ends by SIGKILL."""
_BUS_ERROR: Final = _FIRST_SIGNAL_CODE + 7

_SIGNALS: Final = (
    *("SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE"),
    *("SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT"),
    *("SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU"),
    *("SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS"),
)
"""Linux's, from number 1 on, as signal(7) lists them: other systems, on which packages are run
without a container, have other numbers."""
_CAUSES: Final = {
    "SIGILL": "The program met an instruction that this processor does not know: mostly, it or "
    "one of its libraries was built for a newer one.",
    "SIGTRAP": "The program stopped itself at a check that failed, or was being debugged.",
    "SIGABRT": "The program gave up by itself: mostly a check in native code that failed, or "
    "memory that was freed twice. Its last lines in the log say more.",
    "SIGFPE": "The program divided a whole number by zero, in native code.",
    "SIGKILL": "Something killed the program, and the kernel reports no lack of memory: mostly "
    "another process of the same run.",
    "SIGSEGV": "The program used memory that it does not have: mostly an error in native code, "
    "as in an extension module that does not fit its libraries, or a recursion without end.",
    "SIGPIPE": "The program wrote into a pipe without a reader.",
    "SIGTERM": "Something asked the program to end, and that was not the platform: mostly another "
    "process of the same run.",
    "SIGXCPU": "The program reached a limit of CPU time that it or its image had set.",
    "SIGXFSZ": "The program wrote a larger file than a limit of its own allows.",
    "SIGSYS": "The program made a system call that is not allowed in containers.",
}
_SHELL_CAUSES: Final = {
    126: "That is how a shell ends when it may not execute a command: see the log, and check the "
    "file's mode.",
    127: "That is how a shell ends when it does not find a command: see the log for its name.",
}
LIMIT_REACHED = "The log reached its limit"
"""Begin of the remark at the end of a truncated log."""


class Interruption(Enum):
    """Cause of a termination by the platform."""

    STOP = auto()
    TIME_OUT = auto()
    DISK_FULL = auto()


def make_outcome(
    observation: Observation,
    *,
    resources: Resources,
    interruption: Interruption | None,
    launcher: Mapping[str, Any],
    output: Output,
    disk_text: str | None = None,
) -> Outcome:
    """Return the outcome of a run. Its message names memory kills in any case.

    Args:
        observation: the last one, of an exited or lost container.
        resources: of the run, for the message.
        interruption: cause of the termination; None: the run ended by itself.
        launcher: the launcher's record, ``{}`` if there is none. The record is written inside
            the container, so it only chooses between reasons of failure, never success.
        output: of the run.
        disk_text: the message of a termination for use of the disk.
    """
    kills = describe_memory_kills(observation, resources.memory_bytes)
    code = observation.exit_code
    if code == KILLED and kills is not None and interruption is None:
        return Outcome(JobState.FAILED, Reason.OUT_OF_MEMORY, kills, code)
    if interruption is Interruption.DISK_FULL and code is not None:
        outcome = Outcome(JobState.FAILED, Reason.DISK_FULL, disk_text, code)
    else:
        outcome = _find_outcome(observation, resources, interruption, launcher, output)
    if kills is None:
        return outcome
    return replace(outcome, reason_text=f"{outcome.reason_text or ''} {kills}".strip())


def mask_outcome(outcome: Outcome, masker: Masker) -> Outcome:
    """Return the outcome with secrets masked: its message may quote the code's output."""
    if outcome.reason_text is None:
        return outcome
    return replace(outcome, reason_text=masker.mask_text(outcome.reason_text))


def _find_outcome(
    observation: Observation,
    resources: Resources,
    interruption: Interruption | None,
    launcher: Mapping[str, Any],
    output: Output,
) -> Outcome:
    """Return the outcome without regard to memory kills."""
    code = observation.exit_code
    if observation.state is ContainerState.LOST or code is None:
        return _lost(observation)
    if interruption is Interruption.STOP:
        return Outcome(JobState.STOPPED, Reason.STOPPED, "Stopped on request.", code)
    if interruption is Interruption.TIME_OUT:
        return Outcome(
            JobState.FAILED,
            Reason.TIMED_OUT,
            f"It ran longer than its time limit of {format_seconds(resources.timeout_seconds)}."
            # Code that waits for a process that was killed would only wait longer.
            + ("" if observation.out_of_memory_kills else " Give it more with --timeout."),
            code,
        )
    if code != 0:
        return _failure(code, launcher, resources)
    if output.problem is not None:
        return Outcome(JobState.FAILED, Reason.INVALID_OUTPUT, output.problem, code)
    return Outcome(JobState.SUCCEEDED, exit_code=code)


def _lost(observation: Observation) -> Outcome:
    cause = f": {observation.message}" if observation.message else ""
    lost = as_sentence(f"The platform lost the container, so how it ended is not known{cause}")
    advice = "Run it again; if it happens again, ask your operator."
    return Outcome(JobState.FAILED, Reason.ENGINE_LOST, f"{lost} {advice}")


def _failure(code: int, launcher: Mapping[str, Any], resources: Resources) -> Outcome:
    exited = describe_exit(code)
    if launcher.get("before_exit_code") not in (None, 0):
        return Outcome(
            JobState.FAILED,
            Reason.BEFORE_FAILED,
            f"before.sh exited with {exited}, so the entry point did not run. See the log.",
            code,
        )
    if launcher.get("entry_exit_code") == 0 and launcher.get("after_exit_code") not in (None, 0):
        return Outcome(
            JobState.FAILED,
            Reason.AFTER_FAILED,
            f"The entry point succeeded, but after.sh exited with {exited}. See the log.",
            code,
        )
    cause = explain_exit(code, resources)
    text = f"The code exited with {exited}."
    if cause is not None:
        text = f"{text} {cause}"
    return Outcome(JobState.FAILED, Reason.EXIT_CODE, text, code)


def describe_exit(code: int) -> str:
    """Return ``code 3``, or ``code 139 (SIGSEGV)``."""
    name = _signal_name(code)
    return f"code {code}" if name is None else f"code {code} ({name})"


def explain_exit(code: int, resources: Resources) -> str | None:
    """Return a sentence or two about the usual cause of an exit code, or None."""
    if code == _BUS_ERROR:
        return _explain_bus_error(resources)
    return _SHELL_CAUSES.get(code) or _CAUSES.get(_signal_name(code) or "")


def _explain_bus_error(resources: Resources) -> str:
    size = format_bytes(resources.shared_memory_bytes or resources.memory_bytes)
    return (
        "That is a bus error: mostly, /dev/shm was full when the code wrote to memory that its "
        f"processes share. It has {size}; give it more with --shm-size, or with --memory, "
        "which it is a part of."
    )


def _signal_name(code: int) -> str | None:
    number = code - _FIRST_SIGNAL_CODE
    if 0 < number <= len(_SIGNALS):
        return _SIGNALS[number - 1]
    return f"signal {number}" if 0 < number <= _LAST_SIGNAL else None


def list_final_remarks(
    seen: Observation, *, memory_bytes: int, log_limit_bytes: int
) -> Iterator[str]:
    """Yield the remarks for the end of a run's log."""
    if seen.log_truncated:
        yield f"{LIMIT_REACHED} of {format_bytes(log_limit_bytes)}; the rest is not kept."
    if kills := describe_memory_kills(seen, memory_bytes):
        yield kills


def describe_memory_kills(seen: Observation, memory_bytes: int) -> str | None:
    """Return cause and advice for processes killed by the kernel for memory; None: none were.

    Args:
        seen: the observation of the container.
        memory_bytes: the container's limit.
    """
    count = seen.out_of_memory_kills
    if not count:
        return None
    processes = "a process" if count == 1 else f"{count} processes"
    killed = f"The kernel killed {processes} of this run"
    limit = format_bytes(memory_bytes)
    if seen.reached_memory_limit:
        return (
            f"{killed} for memory: it needed more than its {limit}. Give the run more with "
            "--memory."
        )
    return (
        f"{killed} because the machine had no memory left; the run's own limit of {limit} was "
        "not reached. Run it again; if it happens again, ask your operator."
    )
