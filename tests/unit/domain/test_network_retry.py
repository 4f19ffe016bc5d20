"""Retries end by time or number, pause longer each time, and begin anew after progress."""

import pytest

from au2.domain.errors import ServerUnreachable
from au2.domain.network_retry import Backoff, RetryBudget

FAILURE = ServerUnreachable("Away.")


def budget(pauses: list[float], **options: float) -> RetryBudget:
    return RetryBudget(
        pause=pauses.append,
        clock=lambda: sum(pauses),
        limit_seconds=options.get("limit_seconds", 1000.0),
        most_tries=options.get("most_tries", 1000),
        backoff=Backoff(0.5, 4.0),
    )


def test_pauses_double_up_to_the_longest() -> None:
    pauses: list[float] = []
    retries = budget(pauses)
    for _ in range(5):
        retries.wait(FAILURE)

    assert pauses == [0.5, 1.0, 2.0, 4.0, 4.0]


def test_a_number_of_tries_is_the_end() -> None:
    pauses: list[float] = []
    retries = budget(pauses, most_tries=3)
    retries.wait(FAILURE)
    retries.wait(FAILURE)

    assert retries.is_last_try
    with pytest.raises(ServerUnreachable):
        retries.wait(FAILURE)
    assert pauses == [0.5, 1.0]


def test_the_last_pause_ends_with_the_time() -> None:
    pauses: list[float] = []
    retries = budget(pauses, limit_seconds=2.0)
    for _ in range(3):
        retries.wait(FAILURE)

    with pytest.raises(ServerUnreachable):
        retries.wait(FAILURE)
    assert pauses == [0.5, 1.0, 0.5]


def test_progress_fills_the_budget() -> None:
    pauses: list[float] = []
    retries = budget(pauses, most_tries=2)
    for _ in range(3):
        retries.wait(FAILURE)
        retries.note_progress()

    assert pauses == [0.5] * 3


def test_a_pause_that_the_server_states_is_kept_within_bounds() -> None:
    pauses: list[float] = []
    retries = budget(pauses)
    retries.wait(FAILURE, stated_seconds=0.0)
    retries.wait(FAILURE, stated_seconds=3600.0)

    assert pauses == [0.0, 4.0]


def test_a_backoff_knows_whether_it_has_begun() -> None:
    backoff = Backoff()
    assert not backoff.has_begun
    backoff.take()
    assert backoff.has_begun
    backoff.reset()
    assert not backoff.has_begun
