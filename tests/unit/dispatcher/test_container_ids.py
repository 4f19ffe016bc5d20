from datetime import UTC, datetime

from au2.dispatcher.container_ids import make_container_id, parse_container_id
from au2.domain.context import Context
from au2.domain.job import Attempt, Job, JobState, JobType

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_container_ids_can_be_read_back():
    job = Job(
        id=12,
        type=JobType.RUN,
        state=JobState.PENDING,
        name="demo",
        context=Context("o", "p"),
        process_id="x",
        version_number=3,
        submitted_by="a@example.org",
        created_at=NOW,
    )
    assert make_container_id(job, Attempt(2, NOW)) == "job-12-2"
    assert parse_container_id("job-12-2") == (12, 2)
    assert parse_container_id("job-12-2-install") == (12, 2)
    for other in ("job-12", "x", "job-a-1", "job-1-2-3", "build-1-2"):
        assert parse_container_id(other) is None
