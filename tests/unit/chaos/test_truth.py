"""The judge of chaos finds what is not true: a lost line, a second run, a wrong end."""

from typing import Any

import pytest

from chaos.faults import Happened
from chaos.truth import find_problems
from chaos.work import Work

KEY = "k0123456789ab-7"
AT = 1_800_000_000.0
TIME = "2027-01-15T08:00:00.000000Z"


def work(state: str = "SUCCEEDED", reason: str | None = None, code: int | None = 0) -> Work:
    arguments = {"key": KEY, "lines": 4, "pause": 0, "end": "normal", "code": code}
    return Work(KEY, arguments, state, reason, code, job_id=5)


def record(state: str = "SUCCEEDED", reason: str | None = None, code: int | None = 0) -> Any:
    return {
        "id": 5,
        "state": state,
        "reason": reason,
        "reason_text": None if reason is None else "A sentence.",
        "exit_code": code,
        "output": {"key": KEY, "lines": 4} if state == "SUCCEEDED" else None,
        "created_at": TIME,
        "ended_at": TIME,
        "attempts": [{}],
    }


def log(*lines: str) -> bytes:
    whole = [f"{KEY} begin ab12", *(f"{KEY} out {n}" for n in range(4))]
    errors = [f"{KEY} err {n}" for n in (0, 3)]
    chosen = lines or tuple(f"stdout F {line}" for line in whole) + tuple(
        f"stderr F {line}" for line in errors
    )
    return b"".join(f"{TIME} {line}\n".encode() for line in chosen)


def fault(name: str, target: str = "") -> Happened:
    return Happened(name, AT, AT + 1, target)


def problems(job: Any, data: bytes, *happened: Happened, expected: Work | None = None) -> list[str]:
    return find_problems(expected or work(), job, data, happened)


def test_a_job_as_it_should_be() -> None:
    assert problems(record(), log()) == []


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ((f"stdout F {KEY} begin a1", f"stdout F {KEY} begin b2"), "it ran 2 times"),
        ((f"stdout F {KEY} begin a1", f"stdout F {KEY} out 0", f"stdout F {KEY} out 2"), "gap"),
        ((f"stdout F {KEY} out 1", f"stdout F {KEY} out 1"), "twice or out of order"),
        ((f"stdout F {KEY} out 1", f"stdout F {KEY} out 0"), "twice or out of order"),
        ((f"stdout F {KEY} ou", f"stdout F {KEY} out 1"), "a line that nobody printed"),
        ((f"stdout F {KEY} begin a1", f"stdout F {KEY} out 0"), "1 of 4 lines"),
        (("stdout F k0123456789ab-8 out 0",), "a line that nobody printed"),
        (("platform F nothing",), ""),
    ],
)
def test_logs_that_are_not_whole(lines: tuple[str, ...], sentence: str) -> None:
    found = problems(record(), log(*lines))
    assert any(sentence in problem for problem in found) if sentence else found == []


@pytest.mark.parametrize(
    ("state", "reason", "code"),
    [
        ("FAILED", "exit-code", 1),
        ("FAILED", "engine-lost", None),
        ("FAILED", "start-failed", None),
        ("STOPPED", "stopped", None),
    ],
)
def test_an_end_that_nothing_explains(state: str, reason: str, code: int | None) -> None:
    assert problems(record(state, reason, code), b"")
    assert problems(record(state, reason, code), b"", fault("kill API"), fault("kill dispatcher"))


@pytest.mark.parametrize(
    ("happened", "reason", "code"),
    [
        (fault("kill monitor", "job-5-1"), "engine-lost", None),
        (fault("kill container", "job-5-1"), "exit-code", 137),
        (fault("full disk"), "start-failed", None),
        (fault("full disk"), "disk-full", None),
    ],
)
def test_an_end_that_a_fault_explains(happened: Happened, reason: str, code: int | None) -> None:
    assert problems(record("FAILED", reason, code), b"", happened) == []


def test_faults_explain_nothing_elsewhere_or_long_before() -> None:
    other = fault("kill monitor", "job-6-1")
    assert problems(record("FAILED", "engine-lost", None), b"", other)
    early = Happened("full disk", AT - 5000, AT - 4000)
    assert problems(record("FAILED", "start-failed", None), b"", early)


def test_records_that_are_not_whole() -> None:
    assert problems({**record(), "output": {"key": "other"}}, log())
    assert problems({**record(), "attempts": [{}, {}]}, log())
    assert problems({**record("FAILED", "exit-code", 3), "reason_text": None}, b"")
