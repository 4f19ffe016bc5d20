"""A short form of scripts/chaos: jobs and uploads while faults happen."""

import pytest

from chaos.__main__ import run_rounds
from chaos.round import Size

FAULTS = (
    "kill supervisor",
    "kill API",
    "kill dispatcher",
    "kill monitor",
    "kill container",
    "pause API",
    "pause monitor",
    "full disk",
    "no descriptors for dispatcher",
)


# Long, because it ends by itself: a job that does not end is found after five minutes.
@pytest.mark.timeout(1500)
def test_every_record_is_true_and_every_log_whole_or_remarked() -> None:
    [outcome] = run_rounds(20, Size(jobs=14, uploads=2, faults=6), FAULTS, rounds=1, seconds=0)

    assert outcome.problems == []
    assert outcome.happened
    assert outcome.jobs >= 14
    assert outcome.uploads == 2
