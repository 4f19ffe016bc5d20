"""Jobs: the records. Submitting, waiting and following are in ``running`` and ``following``."""

from collections.abc import Iterator

from au2.client.http.urls import context_query
from au2.client.resources.resource import Resource
from au2.domain.context import Context
from au2.wire.documents import parse_record
from au2.wire.job import JobPage, JobView

_PAGE_ITEMS = 100


class Jobs(Resource):
    """``/jobs``."""

    def list_jobs(
        self,
        context: Context,
        *,
        state: str | None = None,
        type_name: str | None = None,
        process_id: str | None = None,
        search: str | None = None,
        limit: int,
    ) -> Iterator[JobView]:
        """Yield at most ``limit`` jobs, newest first, page by page."""
        query = context_query(context) | {
            "state": state,
            "type": type_name,
            "process": process_id,
            "search": search,
        }
        before: int | None = None
        while limit > 0:
            asked = query | {"before": before, "limit": min(limit, _PAGE_ITEMS)}
            page = parse_record(JobPage, self._transport.call("GET", "/jobs", query=asked))
            yield from page.items[:limit]
            limit -= len(page.items)
            before = page.next_before
            if before is None or not page.items:
                return

    def get_job(self, job_id: int) -> JobView:
        """Return one job. Raises NotFound."""
        return parse_record(JobView, self._transport.call("GET", f"/jobs/{job_id}"))

    def stop_job(self, job_id: int) -> JobView:
        """Ask for a job's end; a PENDING one ends at once."""
        return parse_record(JobView, self._transport.call("POST", f"/jobs/{job_id}/stop"))
