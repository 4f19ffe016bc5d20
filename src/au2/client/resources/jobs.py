"""Calls for jobs: records, submission of runs, and waiting for the end."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from au2.client.http.transport import Transport
from au2.client.http.urls import context_query
from au2.client.resources.resource import Resource
from au2.domain.accounts.context import Context
from au2.domain.network_retry import RetryBudget
from au2.wire.documents import format_request, parse_record
from au2.wire.job import JobExplanation, JobPage, JobView, RunCreation, WaitingView

_PAGE_ITEMS = 100


class Jobs(Resource):
    """``/jobs``."""

    def list_jobs(
        self,
        context: Context | None,
        *,
        state: str | None = None,
        type_name: str | None = None,
        process_id: str | None = None,
        search: str | None = None,
        mine: bool = False,
        brief: bool = False,
        limit: int,
    ) -> Iterator[JobView]:
        """Yield at most ``limit`` jobs, newest first, page by page.

        ``context``: None is all contexts of the account, with their names. ``mine``: only jobs that
        the account submitted. ``brief``: without arguments, environment, secrets, resources and
        output.
        """
        query = {"state": state, "type": type_name, "process": process_id, "search": search}
        flags = {"mine": mine, "brief": brief, "everywhere": context is None}
        query |= {name: "true" for name, is_set in flags.items() if is_set}
        after: str | None = None
        while limit > 0:
            asked = {**query, "after": after, "limit": min(limit, _PAGE_ITEMS)}
            page = self._record(JobPage, "GET", "/jobs", context, query=asked)
            yield from page.items[:limit]
            limit -= len(page.items)
            after = page.next
            if after is None or not page.items:
                return

    def get_job(self, job_id: int) -> JobView:
        """Return one job. Raises NotFound."""
        return self._record(JobView, "GET", f"/jobs/{job_id}")

    def explain_job(self, job_id: int) -> JobExplanation:
        """Return why a job is in its state. Raises NotFound."""
        return self._record(JobExplanation, "GET", f"/jobs/{job_id}/why")

    def stop_job(self, job_id: int) -> JobView:
        """Request a job's end; a PENDING one ends at once."""
        return self._record(JobView, "POST", f"/jobs/{job_id}/stop")


LONGEST_WAIT_SECONDS: Final = 25
"""Length of one waiting request: below the time after which proxies commonly cut a connection."""
_FIRST_WAIT_SECONDS: Final = 2
"""Most jobs begin before that, so their cause of waiting need not be told."""
_PENDING_WAIT_SECONDS: Final = 5
"""Interval between two questions for the cause of waiting."""
_PAUSE_SECONDS: Final = 0.1


def submit_run(transport: Transport, context: Context, run: RunCreation) -> JobView:
    """Submit ``run`` in ``context`` and return the new job."""
    document = transport.call(
        "POST", "/jobs", query=context_query(context), document=format_request(run)
    )
    return parse_record(JobView, document)


def poll_job(transport: Transport, job_id: int, *, wait_seconds: float = 0) -> JobView:
    """Return a job, at its end or after at most ``wait_seconds``."""
    query = {"wait_seconds": f"{wait_seconds:g}"} if wait_seconds else None
    return parse_record(JobView, transport.call("GET", f"/jobs/{job_id}", query=query))


def wait_for_end(
    transport: Transport,
    job_id: int,
    *,
    budget: RetryBudget,
    pause: Callable[[float], object],
    tell: Callable[[WaitingView | None], object] = lambda _: None,
) -> JobView:
    """Return the job once ended.

    Args:
        transport: connection to the server.
        job_id: the job.
        budget: retries while the server does not answer.
        pause: ``time.sleep``.
        tell: called with the cause of waiting while the job is pending, and then with None.

    Raises:
        ServerUnreachable: the server did not answer for too long.
    """
    seconds = _FIRST_WAIT_SECONDS
    while True:
        job = budget.retry(partial(poll_job, transport, job_id, wait_seconds=seconds))
        tell(job.waiting)
        if job.is_final:
            return job
        seconds = LONGEST_WAIT_SECONDS if job.waiting is None else _PENDING_WAIT_SECONDS
        # Never a tight loop, even on a server that does not wait as asked.
        pause(_PAUSE_SECONDS)
