"""Versions of a process."""

from typing import Annotated

from fastapi import APIRouter, Query

from au2.domain.errors import Conflict, NotFound, NotPermitted, StorageFull, TooLarge
from au2.domain.identity import Action
from au2.domain.version import Contract
from au2.http.dependencies import CurrentActor, ServicesOf, VersionNumber
from au2.http.errors import error_responses
from au2.http.json_body import json_body
from au2.http.permissions import may_change_process
from au2.http.v1.views import view_version
from au2.wire.process import VersionCreation, VersionView

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
