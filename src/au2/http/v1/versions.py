"""Endpoints for versions of a process, and for the differences between two."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from au2.app.versions.diffs import FileDocument, VersionComparison
from au2.domain.accounts.identity import Action
from au2.domain.difference import Difference
from au2.domain.errors import Conflict, NotFound, NotPermitted, StorageFull, TooLarge
from au2.domain.processes.version import Contract, Version
from au2.http.created import created, set_location
from au2.http.dependencies import Call, may_change_process
from au2.http.errors import error_responses
from au2.http.paging import Order, PageOf
from au2.http.parameters import ProcessPath, VersionPath
from au2.http.request_body import json_body
from au2.http.v1.views import view, view_version
from au2.package.tree.entries import mode_of
from au2.wire.process import (
    DependencyDifference,
    FileDifference,
    RuntimeOfVersion,
    SchemaDifference,
    ValueDifference,
    VersionCreation,
    VersionDiff,
    VersionPage,
    VersionUpdate,
    VersionView,
)
from au2.wire.upload import FileEntry

router = APIRouter(prefix="/processes/{process}/versions", tags=["version"])
VersionCreationBody = Annotated[
    VersionCreation, json_body(VersionCreation, after=may_change_process(Action.CREATE_VERSION))
]
VersionUpdateBody = Annotated[
    VersionUpdate, json_body(VersionUpdate, after=may_change_process(Action.UPDATE_PROCESS))
]
_ORDER = Order[Version](int, key=lambda version: (version.number,))


@router.get("", responses=error_responses(NotFound))
def list_versions(call: Call, process: ProcessPath, asked: PageOf) -> VersionPage:
    """Versions, oldest first."""
    found = call.services.versions
    page, following = _ORDER.read(
        asked,
        lambda after, limit: found.list_versions(call.actor, process, after=after, limit=limit),
    )
    return VersionPage(items=[view_version(version) for version in page], next=following)


@router.post(
    "",
    status_code=201,
    responses=created("The new version.")
    | error_responses(NotFound, NotPermitted, Conflict, TooLarge, StorageFull),
)
def create_version(
    call: Call, process: ProcessPath, body: VersionCreationBody, response: Response
) -> VersionView:
    """Create a version without an image."""
    contract = Contract(body.environment, body.args_schema, body.out_schema)
    version = call.services.versions.create_image_version(
        call.actor, process, description=body.description, contract=contract
    )
    set_location(response, "processes", version.process_id, "versions", version.number)
    return view_version(version)


@router.get("/default", responses=error_responses(NotFound, Conflict))
def get_default_version(
    call: Call,
    process: ProcessPath,
    *,
    latest: Annotated[bool, Query(description="What a run with 'latest' takes.")] = False,
) -> VersionView:
    """The version of a run without a number: the newest published, else the newest available."""
    return view_version(call.services.versions.get_default(call.actor, process, latest=latest))


@router.get("/newest", responses=error_responses(NotFound))
def get_newest_version(call: Call, process: ProcessPath) -> VersionView:
    """The newest version with an upload, with an image or without."""
    return view_version(call.services.versions.get_newest_upload(call.actor, process))


@router.get("/{version}", responses=error_responses(NotFound))
def get_version(call: Call, process: ProcessPath, version: VersionPath) -> VersionView:
    """One version."""
    return view_version(call.services.versions.get(call.actor, process, version))


@router.patch(
    "/{version}", responses=error_responses(NotFound, NotPermitted, TooLarge, StorageFull)
)
def update_version(
    call: Call, process: ProcessPath, version: VersionPath, body: VersionUpdateBody
) -> VersionView:
    """Change the description of a version."""
    updated = call.services.versions.update(
        call.actor, process, version, description=body.description
    )
    return view_version(updated)


@router.delete(
    "/{version}",
    status_code=204,
    responses=error_responses(NotFound, NotPermitted, Conflict, StorageFull),
)
def delete_version(call: Call, process: ProcessPath, version: VersionPath) -> None:
    """Delete a version; its number is not used again."""
    call.services.versions.delete(call.actor, process, version)


@router.post(
    "/{version}/publish", responses=error_responses(NotFound, NotPermitted, Conflict, StorageFull)
)
def publish_version(call: Call, process: ProcessPath, version: VersionPath) -> VersionView:
    """Publish a version with an image."""
    return view_version(call.services.versions.publish(call.actor, process, version))


@router.post("/{version}/unpublish", responses=error_responses(NotFound, NotPermitted, StorageFull))
def unpublish_version(call: Call, process: ProcessPath, version: VersionPath) -> VersionView:
    """Withdraw a publication."""
    return view_version(call.services.versions.unpublish(call.actor, process, version))


@router.get("/{version}/diff/{other}", responses=error_responses(NotFound))
def compare_versions(
    call: Call, process: ProcessPath, version: VersionPath, other: VersionPath
) -> VersionDiff:
    """Differences from ``version`` (the old one) to ``other`` (the new one)."""
    return _view(call.services.version_diffs.compare(call.actor, process, version, other))


def _view(found: VersionComparison) -> VersionDiff:
    files = found.files
    return VersionDiff(
        process=found.old.process_id,
        old_version=found.old.number,
        new_version=found.new.number,
        same_image=found.old.image_digest == found.new.image_digest is not None,
        old_image_digest=found.old.image_digest,
        new_image_digest=found.new.image_digest,
        old_runtime=_view_runtime(found.old),
        new_runtime=_view_runtime(found.new),
        files=None if files is None else [_view_file(difference) for difference in files],
        dependencies=[
            *(view(DependencyDifference, item) for item in found.dependencies),
            *(view(DependencyDifference, item).replaced(kind="debian") for item in found.debian),
        ],
        schemas=[
            view(SchemaDifference, change, schema_of=name)
            for name, changes in (("arguments", found.arguments), ("output", found.output))
            for change in changes
        ],
        environment=[_view_value(item) for item in found.environment],
        resources=[_view_value(item) for item in found.resources],
    )


def _view_runtime(version: Version) -> RuntimeOfVersion | None:
    runtime = version.runtime
    if runtime is None:
        return None
    return RuntimeOfVersion(id=runtime.runtime_id, version=runtime.runtime_version)


def _view_file(difference: Difference) -> FileDifference:
    old, new = (_read_entry(document) for document in (difference.old, difference.new))
    is_folder = all(entry is None or entry.type == "folder" for entry in (old, new))
    return FileDifference(
        path=f"{difference.name}/" if is_folder else difference.name,
        change=difference.change,
        old_size_bytes=_view_size(old),
        new_size_bytes=_view_size(new),
        mode_only=old is not None and new is not None and _content(old) == _content(new),
        old_mode=_view_mode(old),
        new_mode=_view_mode(new),
    )


def _read_entry(document: FileDocument | None) -> FileEntry | None:
    return None if document is None else FileEntry(**document)


def _content(entry: FileEntry) -> tuple[str, str, str]:
    return entry.type, entry.sha256, entry.target


def _view_size(entry: FileEntry | None) -> int | None:
    return None if entry is None or entry.type == "folder" else entry.size_bytes


def _view_mode(entry: FileEntry | None) -> str | None:
    return None if entry is None or entry.type == "link" else f"{mode_of(entry):04o}"


def _view_value(difference: Difference) -> ValueDifference:
    old, new = _format_value(difference.old), _format_value(difference.new)
    return view(ValueDifference, difference, old=old, new=new)


def _format_value(value: Any) -> str | None:
    if isinstance(value, dict):
        return " ".join(f"{kind} {name}" for kind, name in value.items())
    return None if value is None else str(value)
