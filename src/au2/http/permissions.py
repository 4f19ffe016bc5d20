"""Dependencies that refuse whoever may not send a body, before it is read.

The use cases ask again, and are what counts; see :mod:`au2.http.json_body`.
"""

from collections.abc import Callable

from au2.app.organizations.organizations import ensure_operator
from au2.app.permissions import ensure_may, ensure_may_in
from au2.domain.identity import Action
from au2.http.dependencies import CurrentActor, CurrentContext, Fence, ServicesOf


def may_make(action: Action) -> Callable[..., None]:
    """Only those whose role in the context itself allows it: for what is made there."""

    def check(actor: CurrentActor, context: CurrentContext) -> None:
        ensure_may_in(actor, action, context)

    return check


def may(action: Action) -> Callable[..., None]:
    """Only those who may do it to what belongs to the context."""

    def check(actor: CurrentActor, context: CurrentContext) -> None:
        ensure_may(actor, action, context)

    return check


def may_change_process(action: Action) -> Callable[..., None]:
    """Only those who may do it to the process that the path names."""

    def check(services: ServicesOf, actor: CurrentActor, process: str) -> None:
        services.processes.authorize(actor, process, action)

    return check


def is_operator(actor: CurrentActor) -> None:
    """Only operators."""
    ensure_operator(actor)


def may_make_project(services: ServicesOf, actor: CurrentActor, organization: str) -> None:
    """Only admins of the organization that the path names."""
    context = services.organizations.resolve_context(actor, organization, None)
    ensure_may(actor, Action.CREATE_PROJECT, context)


def sends_image(services: ServicesOf, actor: CurrentActor, upload: str, fence: Fence) -> None:
    """Only the sender of the image whose upload the path names, at this fencing token."""
    services.image_uploads.authorize(actor, upload, fence)
