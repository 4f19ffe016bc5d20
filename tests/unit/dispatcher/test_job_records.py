from datetime import UTC, datetime, timedelta

from au2.dispatcher.job_records import Timeline, make_container_id, parse_container_id
from au2.domain.accounts.context import Context
from au2.domain.jobs.job import Attempt, Job, JobState, JobType, Phase

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_each_phase_begins_where_the_last_ends():
    seconds = iter(range(10))
    timeline = Timeline(lambda: START + timedelta(seconds=next(seconds)))
    timeline.begin("prepare")
    timeline.begin("run")
    timeline.end()
    timeline.end()
    assert timeline.phases == (
        Phase("prepare", START, START + timedelta(seconds=1)),
        Phase("run", START + timedelta(seconds=2), START + timedelta(seconds=3)),
    )


def test_a_timeline_goes_on_where_another_was_cut():
    timeline = Timeline(lambda: START + timedelta(seconds=5), [Phase("run", START)])
    timeline.end()
    assert timeline.phases == (Phase("run", START, START + timedelta(seconds=5)),)


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
