"""Processes, their versions, and runtimes."""

from au2.client.http.urls import context_query
from au2.client.resources.resource import Resource
from au2.domain.context import Context
from au2.wire.documents import format_request, parse_record, parse_records
from au2.wire.process import (
    ProcessCreation,
    ProcessUpdate,
    ProcessView,
    RuntimeView,
    VersionCreation,
    VersionDiff,
    VersionView,
)
from au2.wire.violations import build


class Processes(Resource):
    """``/processes``."""

    def list_processes(
        self, context: Context, *, name: str | None = None, tag: str | None = None
    ) -> list[ProcessView]:
        """Return the processes that are visible in ``context``."""
        query = context_query(context) | {"name": name, "tag": tag}
        return parse_records(ProcessView, self._transport.call("GET", "/processes", query=query))

    def create_process(
        self, context: Context, name: str, description: str, tags: list[str]
    ) -> ProcessView:
        """Make a process without versions."""
        creation = build(ProcessCreation, name=name, description=description, tags=tags)
        document = self._transport.call(
            "POST", "/processes", query=context_query(context), document=format_request(creation)
        )
        return parse_record(ProcessView, document)

    def get_process(self, process_id: str) -> ProcessView:
        """Return one process. Raises NotFound."""
        return parse_record(ProcessView, self._transport.call("GET", f"/processes/{process_id}"))

    def update_process(self, process_id: str, update: ProcessUpdate) -> ProcessView:
        """Change what ``update`` sets."""
        document = self._transport.call(
            "PATCH", f"/processes/{process_id}", document=format_request(update)
        )
        return parse_record(ProcessView, document)

    def delete_process(self, process_id: str) -> None:
        """Delete a process with its versions."""
        self._transport.call("DELETE", f"/processes/{process_id}")


class Versions(Resource):
    """``/processes/{process}/versions``."""

    def list_versions(self, process_id: str) -> list[VersionView]:
        """Return the versions of a process."""
        document = self._transport.call("GET", f"/processes/{process_id}/versions")
        return parse_records(VersionView, document)

    def create_version(self, process_id: str, creation: VersionCreation) -> VersionView:
        """Make an empty image version. Raises InvalidRequest if its contract has errors."""
        document = self._transport.call(
            "POST", f"/processes/{process_id}/versions", document=format_request(creation)
        )
        return parse_record(VersionView, document)

    def get_version(self, process_id: str, number: int) -> VersionView:
        """Return one version. Raises NotFound."""
        document = self._transport.call("GET", f"/processes/{process_id}/versions/{number}")
        return parse_record(VersionView, document)

    def compare(self, process_id: str, old: int, new: int) -> VersionDiff:
        """Return what differs between two versions. Raises NotFound."""
        path = f"/processes/{process_id}/versions/{old}/diff/{new}"
        return parse_record(VersionDiff, self._transport.call("GET", path))

    def publish(self, process_id: str, number: int) -> VersionView:
        """Publish a version. Raises Conflict unless its image is AVAILABLE."""
        return self._act(process_id, number, "publish")

    def unpublish(self, process_id: str, number: int) -> VersionView:
        """Take a publication back."""
        return self._act(process_id, number, "unpublish")

    def delete_version(self, process_id: str, number: int) -> None:
        """Delete a version. Raises Conflict if it is published."""
        self._transport.call("DELETE", f"/processes/{process_id}/versions/{number}")

    def _act(self, process_id: str, number: int, verb: str) -> VersionView:
        document = self._transport.call("POST", f"/processes/{process_id}/versions/{number}/{verb}")
        return parse_record(VersionView, document)


class Runtimes(Resource):
    """``/runtimes``."""

    def list_runtimes(self, context: Context, *, name: str | None = None) -> list[RuntimeView]:
        """Return the runtimes that are visible in ``context``."""
        query = context_query(context) | {"name": name}
        return parse_records(RuntimeView, self._transport.call("GET", "/runtimes", query=query))

    def get_runtime(self, runtime_id: str) -> RuntimeView:
        """Return one runtime. Raises NotFound."""
        return parse_record(RuntimeView, self._transport.call("GET", f"/runtimes/{runtime_id}"))
