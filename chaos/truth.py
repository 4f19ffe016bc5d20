"""Whether records and logs tell the truth, by what is known from outside."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from au2.stores.logs.record import PLATFORM, parse_records
from chaos.faults import SCARCE, Happened
from chaos.work import Work

_PLATFORM_REASONS = frozenset({"start-failed", "engine-lost", "image-missing", "disk-full"})
_LINE = re.compile(r"(k[0-9a-f]{12}-\d+) (begin|out|err) ([0-9a-f]+)")
_EARLY_SECONDS = 5.0
_LATE_SECONDS = 60.0
"""A fault may show in jobs that began shortly after it, while the server recovers."""


@dataclass(frozen=True, slots=True)
class Log:
    """What a job's log says."""

    remarks: tuple[str, ...]
    """Lines of the platform."""
    streams: dict[str, list[str]]


def read_log(data: bytes) -> Log:
    """Return the lines of a log at rest."""
    records, _ = parse_records(data)
    streams: dict[str, list[str]] = {"stdout": [], "stderr": []}
    pending = dict.fromkeys(streams, "")
    remarks = []
    for record in records:
        text = record.content.decode("utf-8", "replace")
        if record.stream == PLATFORM:
            remarks.append(text)
            continue
        pending[record.stream] += text
        if not record.partial:
            streams[record.stream].append(pending[record.stream])
            pending[record.stream] = ""
    for stream, rest in pending.items():
        if rest:
            streams[stream].append(rest)
    return Log(tuple(remarks), streams)


def find_problems(
    work: Work, job: dict[str, Any], data: bytes, happened: Sequence[Happened]
) -> list[str]:
    """Return what is not true of a job that has ended, each as a sentence; empty: all is true."""
    name = f"job {job['id']} ({work.key}, {job['state']} {job['reason']} {job['exit_code']})"
    log = read_log(data)
    problems = [
        *_record_problems(work, job, happened),
        *_log_problems(work, job, log, happened),
    ]
    return [f"{name}: {problem}" for problem in problems]


def _record_problems(work: Work, job: dict[str, Any], happened: Sequence[Happened]) -> list[str]:
    problems = []
    found = (job["state"], job["reason"], job["exit_code"])
    expected = (work.state, work.reason, work.exit_code)
    same = found[:2] == expected[:2] and work.exit_code in (None, found[2])
    if not same and not _is_explained(work, job, happened):
        problems.append(f"expected {expected}; it says: {job['reason_text']}")
    if job["state"] == "SUCCEEDED" and job["output"] != {"key": work.key, "lines": work.lines}:
        problems.append(f"its output is {job['output']}")
    attempts = (0, 1) if job["reason"] == "stopped" else (1,)
    if job["ended_at"] is None or len(job["attempts"]) not in attempts:
        problems.append(f"ended at {job['ended_at']}, {len(job['attempts'])} attempts")
    if job["state"] != "SUCCEEDED" and not job["reason_text"]:
        problems.append("its record has no sentence")
    return problems


def _is_explained(work: Work, job: dict[str, Any], happened: Sequence[Happened]) -> bool:
    """Whether a fault that was brought about makes another end the true one."""
    found = (job["state"], job["reason"], job["exit_code"])
    container = f"job-{job['id']}-1"
    hit = {fault.name for fault in happened if fault.target == container}
    if "kill monitor" in hit and found[1] == "engine-lost":
        return True
    if "kill container" in hit and found == ("FAILED", "exit-code", 137):
        return True
    if work.stop and not work.stopped:
        # Nobody heard that it was to be stopped: it hangs until its time limit.
        return found[1] in ("timed-out", "stopped")
    scarce = _overlapping(job, happened) & SCARCE
    if scarce and found[0] == "FAILED" and found[1] in _PLATFORM_REASONS:
        return True
    # The code itself met the full disk: its output could not be written.
    return "full disk" in scarce and found[:2] in (
        ("FAILED", "exit-code"),
        ("FAILED", "invalid-output"),
    )


def _overlapping(job: dict[str, Any], happened: Sequence[Happened]) -> set[str]:
    begun = datetime.fromisoformat(job["created_at"]).timestamp() - _EARLY_SECONDS
    ended = datetime.fromisoformat(job["ended_at"] or job["created_at"]).timestamp()
    return {
        fault.name
        for fault in happened
        if fault.begun_at <= ended + _EARLY_SECONDS and fault.ended_at + _LATE_SECONDS >= begun
    }


def _log_problems(
    work: Work, job: dict[str, Any], log: Log, happened: Sequence[Happened]
) -> list[str]:
    problems = []
    out, err = log.streams["stdout"], log.streams["stderr"]
    begins = [line for line in out if " begin " in line]
    if len(begins) > 1:
        problems.append(f"it ran {len(begins)} times")
    may_be_cut = bool(log.remarks) or job["state"] != "SUCCEEDED"
    for stream, lines, wanted in (
        ("stdout", [line for line in out if line not in begins], range(work.lines)),
        ("stderr", err, range(0, work.lines, 3)),
    ):
        problems += _stream_problems(work, log, stream, lines, wanted, cut=may_be_cut)
    whole = job["state"] == "SUCCEEDED" or (job["reason"] == "exit-code" and work.exit_code)
    if whole and not log.remarks and job["exit_code"] == work.exit_code:
        if len(begins) != 1:
            problems.append("its first line is missing, with no remark")
        problems += _missing(out, err, work, happened, job)
    return problems


def _stream_problems(
    work: Work, log: Log, stream: str, lines: list[str], wanted: range, *, cut: bool
) -> list[str]:
    """What stands in a stream must be the lines of the code, in order and once each."""
    kind = "out" if stream == "stdout" else "err"
    numbers = []
    for position, line in enumerate(lines):
        match = _LINE.fullmatch(line)
        if match is None or match[1] != work.key or match[2] != kind:
            is_end = position == len(lines) - 1
            if kind == "err" and ("Traceback" in line or "Error" in line):
                break  # What Python says of a full disk.
            if log.remarks or (is_end and cut):
                continue  # The code, or what the disk had room for, ended in the middle of a line.
            return [f"{stream} has a line that nobody printed: {line[:100]!r}"]
        numbers.append(int(match[3]))
    if numbers != sorted(set(numbers)):
        return [f"{stream} has lines twice or out of order"]
    if not cut and numbers != list(wanted)[: len(numbers)]:
        return [f"{stream} has a gap, with no remark"]
    return []


def _missing(
    out: list[str], err: list[str], work: Work, happened: Sequence[Happened], job: dict[str, Any]
) -> list[str]:
    if any("Traceback" in line for line in err) and "full disk" in _overlapping(job, happened):
        return []
    count = sum(" out " in line for line in out)
    if count != work.lines:
        return [f"stdout has {count} of {work.lines} lines, with no remark"]
    return []
