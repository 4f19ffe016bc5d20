from datetime import UTC, datetime, timedelta

from au2.dispatcher.job_records import Timeline
from au2.domain.job import Phase

START = datetime(2026, 1, 1, tzinfo=UTC)


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
