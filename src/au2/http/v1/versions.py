"""Versions of a process, and the difference between two."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from au2.app.versions.diffs import Difference, FileDocument, VersionComparison
from au2.domain.errors import Conflict, NotFound, NotPermitted, StorageFull, TooLarge
from au2.domain.identity import Action
from au2.domain.version import Contract, Version
from au2.http.dependencies import CurrentActor, ServicesOf, VersionNumber, may_change_process
from au2.http.errors import error_responses
from au2.http.request_body import json_body
from au2.http.v1.views import view_version
from au2.jsonschema.compare import SchemaChange
from au2.package.tree.entries import mode_of
from au2.wire.process import (
    DependencyDifference,
    FileDifference,
    RuntimeOfVersion,
    SchemaDifference,
    ValueDifference,
    VersionCreation,
    VersionDiff,
    VersionView,
)
from au2.wire.upload import FileEntry

router = APIRouter(prefix="/processes/{process}/versions", tags=["version"])
VersionCreationBody = Annotated[
    VersionCreation, json_body(VersionCreation, after=may_change_process(Action.CREATE_VERSION))
]


@router.get("", responses=error_responses(NotFound))
def list_versions(services: ServicesOf, actor: CurrentActor, process: str) -> list[VersionView]:
    """All versions, oldest first."""
    return [view_version(version) for version in services.versions.list_versions(actor, process)]


@router.post(
    "",
    status_code=201,
    responses=error_responses(NotFound, NotPermitted, Conflict, TooLarge, StorageFull),
)
def create_version(
    services: ServicesOf,
    actor: CurrentActor,
    process: str,
    body: VersionCreationBody,
) -> VersionView:
    """Make a version that waits for an image."""
    contract = Contract(body.environment, body.args_schema, body.out_schema)
    version = services.versions.create_image_version(
        actor, process, description=body.description, contract=contract
    )
    return view_version(version)


@router.get("/default", responses=error_responses(NotFound, Conflict))
def get_default_version(
    services: ServicesOf,
    actor: CurrentActor,
    process: str,
    *,
    latest: Annotated[bool, Query(description="What a run with 'latest' takes.")] = False,
) -> VersionView:
    """The version that a run takes where none is named: the newest published, else available."""
    return view_version(services.versions.get_default(actor, process, latest=latest))


@router.get("/newest", responses=error_responses(NotFound))
def get_newest_version(services: ServicesOf, actor: CurrentActor, process: str) -> VersionView:
    """The newest version that something was uploaded to, with an image or without."""
    return view_version(services.versions.get_newest_upload(actor, process))


@router.get("/{version}", responses=error_responses(NotFound))
def get_version(
    services: ServicesOf, actor: CurrentActor, process: str, version: VersionNumber
) -> VersionView:
    """One version."""
    return view_version(services.versions.get(actor, process, version))


@router.delete(
    "/{version}",
    status_code=204,
    responses=error_responses(NotFound, NotPermitted, Conflict, StorageFull),
)
def delete_version(
    services: ServicesOf, actor: CurrentActor, process: str, version: VersionNumber
) -> None:
    """Delete a version; its number is not given again."""
    services.versions.delete(actor, process, version)


@router.post(
    "/{version}/publish", responses=error_responses(NotFound, NotPermitted, Conflict, StorageFull)
)
def publish_version(
    services: ServicesOf, actor: CurrentActor, process: str, version: VersionNumber
) -> VersionView:
    """Publish a version that has its image."""
    return view_version(services.versions.publish(actor, process, version))


@router.post("/{version}/unpublish", responses=error_responses(NotFound, NotPermitted, StorageFull))
def unpublish_version(
    services: ServicesOf, actor: CurrentActor, process: str, version: VersionNumber
) -> VersionView:
    """Take a publication back."""
    return view_version(services.versions.unpublish(actor, process, version))


@router.get("/{version}/diff/{other}", responses=error_responses(NotFound))
def compare_versions(
    services: ServicesOf,
    actor: CurrentActor,
    process: str,
    version: VersionNumber,
    other: VersionNumber,
) -> VersionDiff:
    """What differs from ``version`` (the old one) to ``other`` (the new one)."""
    return _view(services.version_diffs.compare(actor, process, version, other))


def _view(found: VersionComparison) -> VersionDiff:
    files = found.files
    schemas: tuple[tuple[Literal["arguments", "output"], Sequence[SchemaChange]], ...] = (
        ("arguments", found.arguments),
        ("output", found.output),
    )
    return VersionDiff(
        process=found.old.process_id,
        old=found.old.number,
        new=found.new.number,
        same_image=found.old.image_digest == found.new.image_digest is not None,
        old_image_digest=found.old.image_digest,
        new_image_digest=found.new.image_digest,
        old_runtime=_view_runtime(found.old),
        new_runtime=_view_runtime(found.new),
        files=None if files is None else [_view_file(difference) for difference in files],
        dependencies=[
            DependencyDifference(name=item.name, change=item.change, old=item.old, new=item.new)
            for item in found.dependencies
        ],
        schemas=[
            SchemaDifference(
                schema_of=which,
                pointer=change.pointer,
                message=change.message,
                breaks=change.breaks,
            )
            for which, changes in schemas
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
    return ValueDifference(
        name=difference.name,
        change=difference.change,
        old=_format_value(difference.old),
        new=_format_value(difference.new),
    )


def _format_value(value: Any) -> str | None:
    if isinstance(value, dict):
        return " ".join(f"{kind} {name}" for kind, name in value.items())
    return None if value is None else str(value)
