"""Permissions on a context, by the table of roles and actions.

Objects of a context are looked up together with the permission: :mod:`au2.app.lookup`.
"""

from au2.domain.context import Context
from au2.domain.errors import NotPermitted
from au2.domain.identity import Action, Actor, Role, is_allowed


def weakest_role(action: Action) -> Role:
    """The weakest role with permission for ``action``."""
    return next(role for role in Role if is_allowed(role, action))


def not_permitted(action: Action, context: Context) -> NotPermitted:
    """The error for an own object and too few rights."""
    place = "organization" if context.project_id is None else "project"
    return NotPermitted(
        f"This needs the role '{weakest_role(action)}' or a stronger one in the {place}.",
        hint="Ask an admin of the organization for that role.",
    )


def ensure_may(actor: Actor, action: Action, context: Context) -> None:
    """Refuse unless ``actor`` may do ``action`` to objects of ``context``, which is visible.

    Raises:
        NotPermitted: naming the needed role.
    """
    if not actor.may(action, context):
        raise not_permitted(action, context)


def ensure_may_in(actor: Actor, action: Action, context: Context) -> None:
    """Refuse unless the actor's role reaches ``context`` itself: for new objects there.

    A member of a project may use objects of the organization above, but creates none there.

    Raises:
        NotPermitted: naming the needed role.
    """
    role = actor.role_in(context)
    if role is None or not is_allowed(role, action):
        raise not_permitted(action, context)
