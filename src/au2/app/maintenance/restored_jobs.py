"""Unfinished run jobs of a restored backup: ended, as their real outcome is unknown."""

from datetime import datetime

from au2.domain.jobs.job import JobState, Outcome, Reason, StateChange
from au2.stores.database.claims import release_all_claims
from au2.stores.database.database import Database
from au2.stores.database.job_changes import change_state, update_attempt
from au2.stores.database.jobs import list_unfinished_runs
from au2.stores.database.secrets import release_values


def end_restored_runs(database: Database, *, at: datetime, made_at: str) -> int:
    """End all unfinished run jobs, so none runs a second time unnoticed; return their number.

    Args:
        database: of the restored installation, not opened by any server.
        at: present time.
        made_at: time of the backup, for the message.
    """
    outcome = Outcome(
        JobState.FAILED,
        Reason.ENGINE_LOST,
        f"The installation was restored from a backup of {made_at}, in which this job had not "
        "ended. Whether it ran after that is not known. Run it again if it is needed.",
    )
    with database.write() as transaction:
        release_all_claims(transaction)
        unfinished = list_unfinished_runs(transaction)
        for job in unfinished:
            change_state(
                transaction, job, StateChange.end(job.state, outcome, at), fencing_token=None
            )
            for attempt in job.attempts:
                if attempt.ended_at is None:
                    update_attempt(
                        transaction,
                        job.id,
                        attempt.number,
                        phases=attempt.phases,
                        ended_at=at,
                        outcome=outcome,
                    )
            release_values(transaction, job.id)
    return len(unfinished)
