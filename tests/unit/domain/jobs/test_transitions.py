from hypothesis import given
from hypothesis import strategies as st

from au2.domain.jobs import job
from au2.domain.jobs.job import JobState
from au2.domain.processes import version
from au2.domain.processes.version import ImageStatus


@given(st.sampled_from(JobState), st.sampled_from(JobState))
def test_no_state_follows_a_final_one(present: JobState, wanted: JobState):
    assert not (present.is_final and job.may_become(present, wanted))


@given(st.lists(st.sampled_from(JobState), max_size=8))
def test_success_always_comes_through_running(path: list[JobState]):
    state = JobState.PENDING
    seen = {state}
    for wanted in path:
        if job.may_become(state, wanted):
            state = wanted
            seen.add(state)
    assert state is not JobState.SUCCEEDED or JobState.RUNNING in seen


def test_an_image_once_there_never_changes():
    for wanted in ImageStatus:
        assert not version.may_become(ImageStatus.AVAILABLE, wanted)


def test_a_failed_image_may_be_tried_again():
    assert version.may_become(ImageStatus.FAILED, ImageStatus.UPLOADING)
