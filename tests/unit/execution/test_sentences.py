"""All sentences about how a job ended: built one by one, and read as a proof-reader would."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from au2.app.uploads.sessions import ABANDONED, DISK_FULL, GIVEN_UP
from au2.dispatcher.faults import describe_platform_fault
from au2.domain.errors import EngineFailure, StorageFull
from au2.domain.jobs.container_contract import Network
from au2.domain.jobs.job import Outcome, Reason, Resources
from au2.engines.protocol import ContainerState, Observation
from au2.execution.job_results import Output, check_output, parse_output
from au2.execution.outcome import Interruption, describe_exit, describe_memory_kills, make_outcome

_LIMIT = 1 << 20
_SCHEMA = {"required": ["rows"], "properties": {"rows": {"type": "integer"}}}
_OUTPUTS = (
    None,
    b"{}",
    b"",
    b"{",
    b"[]",
    b'"text"',
    b"true",
    b"null",
    b"7",
    b'{"a": NaN}',
    b'{"a": "\\ud800"}',
    b'{"rows": "many"}',
    b"\xff\xfe",
    b"[" * 100_000,
    json.dumps({"a": "x" * _LIMIT}).encode(),
)
_LOST = (
    None,
    "the host was restarted",
    "there is no container of that id",
    "the container was not created to the end",
    "the container's monitor is gone, and with it the exit code",
)
_LAUNCHERS: tuple[Mapping[str, Any], ...] = (
    {},
    {"before_exit_code": 4},
    {"before_exit_code": 0, "entry_exit_code": 0, "after_exit_code": 5},
)


def resources(timeout_seconds: float, memory_bytes: int = 64 << 20) -> Resources:
    return Resources(
        cpu=1,
        memory_bytes=memory_bytes,
        processes=64,
        timeout_seconds=timeout_seconds,
        network=Network.NONE,
    )


def outputs() -> Iterator[Output]:
    for content in _OUTPUTS:
        output = parse_output(content, limit_bytes=_LIMIT)
        yield output
        yield check_output(output, _SCHEMA, lambda value: value)


def observations() -> Iterator[Observation]:
    for message in _LOST:
        yield Observation(ContainerState.LOST, message=message)
    for code, kills, at_limit in itertools.product(range(256), (0, 1, 3), (True, False)):
        yield Observation(
            ContainerState.EXITED,
            exit_code=code,
            out_of_memory_kills=kills,
            reached_memory_limit=at_limit and kills > 0,
        )


def end(seen: Observation, asked: Resources, **more: Any) -> Outcome:
    given: dict[str, Any] = {"interruption": None, "launcher": {}, "output": Output()}
    if more.get("interruption") is Interruption.DISK_FULL:
        # Who watches the disk gives the sentence with the interruption.
        given["disk_text"] = "It wrote more to the disk than a job may."
    return make_outcome(seen, resources=asked, **{**given, **more})


def endings() -> Iterator[Outcome]:
    for seen, launcher in itertools.product(observations(), _LAUNCHERS):
        yield end(seen, resources(90), launcher=launcher)
    good = Observation(ContainerState.EXITED, exit_code=0)
    for output in outputs():
        yield end(good, resources(90), output=output)
    times = (0.5, 1, 90, 3600, 86_400, 30 * 86_400)
    for seconds, interruption in itertools.product(times, Interruption):
        for memory_bytes in (4 << 20, 5_500_000, 256 << 30):
            asked = resources(seconds, memory_bytes)
            for seen in (good, Observation(ContainerState.EXITED, 137, 2, True)):
                yield end(seen, asked, interruption=interruption)
            yield end(Observation(ContainerState.EXITED, 135), asked)
    yield from (ABANDONED, DISK_FULL, GIVEN_UP)


def sentences() -> set[str]:
    found = {outcome.reason_text for outcome in endings() if outcome.reason_text is not None}
    errors = (EngineFailure("runc ended with 1"), StorageFull(hint="Ask for space."))
    found |= {describe_platform_fault(12, error) for error in errors}
    found |= {text for seen in observations() if (text := describe_memory_kills(seen, 4 << 20))}
    return found


_MISTAKES = {
    "no capital at its beginning": r"^(?!before\.sh )[^A-Z]",
    "no full stop at its end": r"[^.]$",
    "two full stops": r"\.\.|\. \.",
    "two blanks, or one at an end": r"  |^ | $|\n",
    "a blank before punctuation": r" [.,;:!?]",
    "a sentence without an end before the next": r"[^.:;!?'\"(] (Run|Give|Ask|See|Upload|Write) ",
    "a large number without a unit": r"(?<![\w.#])\d{4,}(?! ?(bytes|[KMG]iB|s\b))",
    "a number in powers of ten": r"\de[+-]\d",
    "what Python prints": r"\bNone\b|<[\w.]+ |Traceback|\bError\(",
}
_ALLOWED = re.compile(r"line \d+ column \d+ \(char \d+\)|position \d+")
"""Places in the output file, in the JSON parser's words."""


@pytest.mark.parametrize("mistake", _MISTAKES)
def test_no_sentence_has(mistake: str) -> None:
    pattern = re.compile(_MISTAKES[mistake])

    wrong = {text for text in sentences() if pattern.search(_ALLOWED.sub("here", text))}

    assert wrong == set()


def test_every_end_but_success_has_a_sentence() -> None:
    for outcome in endings():
        assert (outcome.reason is None) or outcome.reason_text, outcome


def test_a_lost_container_says_why_and_what_to_do() -> None:
    seen = Observation(ContainerState.LOST, message="the host was restarted")

    outcome = end(seen, resources(90))

    assert outcome.reason is Reason.ENGINE_LOST
    assert outcome.reason_text == (
        "The platform lost the container, so how it ended is not known: the host was restarted. "
        "Run it again; if it happens again, ask your operator."
    )


@pytest.mark.parametrize(
    ("code", "name", "cause"),
    [
        (132, "SIGILL", "processor"),
        (134, "SIGABRT", "native code"),
        (135, "SIGBUS", "/dev/shm"),
        (136, "SIGFPE", "zero"),
        (137, "SIGKILL", "no lack of memory"),
        (139, "SIGSEGV", "native code"),
        (141, "SIGPIPE", "pipe"),
        (143, "SIGTERM", "not the platform"),
        (159, "SIGSYS", "not allowed in containers"),
    ],
)
def test_signals_have_their_name_and_their_usual_cause(code: int, name: str, cause: str) -> None:
    text = end(Observation(ContainerState.EXITED, code), resources(90)).reason_text or ""

    assert text.startswith(f"The code exited with code {code} ({name}). ")
    assert cause in text


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (1, "code 1"),
        (128, "code 128"),
        (129, "code 129 (SIGHUP)"),
        (159, "code 159 (SIGSYS)"),
        (162, "code 162 (signal 34)"),
        (192, "code 192 (signal 64)"),
        (193, "code 193"),
        (255, "code 255"),
    ],
)
def test_what_is_no_signal_has_no_name(code: int, text: str) -> None:
    assert describe_exit(code) == text
