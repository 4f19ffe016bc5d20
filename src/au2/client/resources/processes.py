"""Calls for processes, their versions, and runtimes."""

from au2.client.http.urls import quote_segment
from au2.client.resources.resource import Resource
from au2.domain.accounts.context import Context
from au2.wire.process import (
    ProcessCreation,
    ProcessUpdate,
    ProcessView,
    RuntimeView,
    VersionCreation,
    VersionDiff,
    VersionUpdate,
    VersionView,
)
from au2.wire.upload import FileEntry
from au2.wire.violations import build


class Processes(Resource):
    """``/processes``."""

    def list_processes(
        self,
        context: Context,
        *,
        name: str | None = None,
        tag: str | None = None,
        overview: bool = False,
    ) -> list[ProcessView]:
        """Return the processes visible in ``context``.

        ``overview``: with newest and published version, and the last run there.
        """
        query = {"name": name, "tag": tag, "overview": "true" if overview else None}
        return self._list(ProcessView, "/processes", context, query)

    def create_process(
        self, context: Context, name: str, description: str, tags: list[str]
    ) -> ProcessView:
        """Create a process without versions."""
        creation = build(ProcessCreation, name=name, description=description, tags=tags)
        return self._record(ProcessView, "POST", "/processes", context, body=creation)

    def get_process(self, process_id: str) -> ProcessView:
        """Return one process. Raises NotFound."""
        return self._record(ProcessView, "GET", _process_path(process_id))

    def update_process(self, process_id: str, update: ProcessUpdate) -> ProcessView:
        """Change the fields set in ``update``."""
        return self._record(ProcessView, "PATCH", _process_path(process_id), body=update)

    def delete_process(self, process_id: str) -> None:
        """Delete a process with its versions."""
        self._call("DELETE", _process_path(process_id))


class Versions(Resource):
    """``/processes/{process}/versions``."""

    def list_versions(self, process_id: str) -> list[VersionView]:
        """Return the versions of a process."""
        return self._list(VersionView, f"{_process_path(process_id)}/versions")

    def create_version(self, process_id: str, creation: VersionCreation) -> VersionView:
        """Create an image version without an image. Raises InvalidRequest for its schemas."""
        path = f"{_process_path(process_id)}/versions"
        return self._record(VersionView, "POST", path, body=creation)

    def get_version(self, process_id: str, number: int) -> VersionView:
        """Return one version. Raises NotFound."""
        return self._record(VersionView, "GET", _version_path(process_id, number))

    def compare(self, process_id: str, old: int, new: int) -> VersionDiff:
        """Return the differences between two versions. Raises NotFound."""
        return self._record(VersionDiff, "GET", f"{_version_path(process_id, old)}/diff/{new}")

    def list_files(self, process_id: str, number: int) -> list[FileEntry]:
        """Return the files of a packaged version. Raises NotFound, Conflict, InvalidRequest."""
        return self._list(FileEntry, f"{_version_path(process_id, number)}/files")

    def update_version(self, process_id: str, number: int, update: VersionUpdate) -> VersionView:
        """Change the description of a version. Raises NotFound."""
        return self._record(VersionView, "PATCH", _version_path(process_id, number), body=update)

    def publish(self, process_id: str, number: int) -> VersionView:
        """Publish a version. Raises Conflict unless its image is AVAILABLE."""
        return self._record(VersionView, "POST", f"{_version_path(process_id, number)}/publish")

    def unpublish(self, process_id: str, number: int) -> VersionView:
        """Withdraw a publication."""
        return self._record(VersionView, "POST", f"{_version_path(process_id, number)}/unpublish")

    def delete_version(self, process_id: str, number: int) -> None:
        """Delete a version. Raises Conflict if published."""
        self._call("DELETE", _version_path(process_id, number))


class Runtimes(Resource):
    """``/runtimes``."""

    def list_runtimes(self, context: Context, *, name: str | None = None) -> list[RuntimeView]:
        """Return the runtimes visible in ``context``."""
        return self._list(RuntimeView, "/runtimes", context, {"name": name})

    def get_runtime(self, runtime_id: str) -> RuntimeView:
        """Return one runtime. Raises NotFound."""
        return self._record(RuntimeView, "GET", f"/runtimes/{quote_segment(runtime_id, 'runtime')}")


def _version_path(process_id: str, number: int) -> str:
    return f"{_process_path(process_id)}/versions/{number}"


def _process_path(process_id: str) -> str:
    return f"/processes/{quote_segment(process_id, 'process')}"
