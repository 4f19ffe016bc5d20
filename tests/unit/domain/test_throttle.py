"""Lines that anybody can cause are logged once a minute, with the number of the others."""

import logging

import pytest

from au2.domain.throttle import LogThrottle

logger = logging.getLogger(__name__)


def test_one_line_a_period_tells_how_many_were_suppressed(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    throttle = LogThrottle(60.0, lambda: now)
    for number in range(4):
        throttle.log(logger, "the disk is full: %d", number)
    now = 60.0
    for number in range(4, 6):
        throttle.log(logger, "the disk is full: %d", number)

    assert [record.getMessage() for record in caplog.records] == [
        "the disk is full: 0",
        "the disk is full: 4 (3 more since the last such line)",
    ]


def test_each_kind_of_line_has_a_period_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    throttle = LogThrottle(60.0, lambda: 0.0)
    logged = [throttle.log(logger, "refused: %s", kind, kind=kind) for kind in ("a", "b", "a")]

    assert logged == [True, True, False]
    assert [record.getMessage() for record in caplog.records] == ["refused: a", "refused: b"]
