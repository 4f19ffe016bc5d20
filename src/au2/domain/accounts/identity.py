"""Actors, roles and actions, and the table of permissions between them."""

from dataclasses import dataclass, field
from enum import StrEnum

from au2.domain.accounts.context import Context


class Role(StrEnum):
    """Roles of members, weakest first."""

    VIEWER = "viewer"
    RUNNER = "runner"
    DEVELOPER = "developer"
    ADMIN = "admin"

    @property
    def rank(self) -> int:
        """Position from weakest (0) to strongest."""
        return list(Role).index(self)


class Action(StrEnum):
    """Actions of the table of permissions, with the names of Aunsight's permissions."""

    VIEW_ORGANIZATION = "AU-ORGANIZATION:view-organization"
    UPDATE_ORGANIZATION = "AU-ORGANIZATION:update-organization"
    DELETE_ORGANIZATION = "AU-ORGANIZATION:delete-organization"
    CREATE_PROJECT = "AU-ORGANIZATION:create-project"
    UPDATE_PROJECT = "AU-ORGANIZATION:update-project"
    DELETE_PROJECT = "AU-ORGANIZATION:delete-project"
    VIEW_MEMBERS = "AU-ORGANIZATION:view-members"
    MANAGE_MEMBERS = "AU-ORGANIZATION:manage-members"
    VIEW_RUNTIME = "AU-RUNTIME:view-runtime"
    VIEW_PROCESS = "AU-PROCESS:view-process"
    CREATE_PROCESS = "AU-PROCESS:create-process"
    UPDATE_PROCESS = "AU-PROCESS:update-process"
    DELETE_PROCESS = "AU-PROCESS:delete-process"
    CREATE_VERSION = "AU-PROCESS:create-version"
    UPLOAD_VERSION = "AU-PROCESS:upload-version"
    PUBLISH_VERSION = "AU-PROCESS:publish-version"
    DELETE_VERSION = "AU-PROCESS:delete-version"
    RUN_PROCESS = "AU-PROCESS:run-process"
    PULL_IMAGE = "AU-IMAGE:pull-image"
    PUSH_IMAGE = "AU-IMAGE:push-image"
    DELETE_IMAGE = "AU-IMAGE:delete-image"
    VIEW_SECRET = "AU-SECRET:view-secret"
    USE_SECRET = "AU-SECRET:use-secret"
    CREATE_SECRET = "AU-SECRET:create-secret"
    INGEST_SECRET = "AU-SECRET:ingest-secret"
    DOWNLOAD_SECRET = "AU-SECRET:download-secret"
    DELETE_SECRET = "AU-SECRET:delete-secret"
    VIEW_JOB = "AU-JOB:view-job"
    STOP_JOB = "AU-JOB:stop-job"


_WEAKEST_ROLE: dict[Action, Role] = {
    Action.VIEW_ORGANIZATION: Role.VIEWER,
    Action.UPDATE_ORGANIZATION: Role.ADMIN,
    Action.DELETE_ORGANIZATION: Role.ADMIN,
    Action.CREATE_PROJECT: Role.ADMIN,
    Action.UPDATE_PROJECT: Role.ADMIN,
    Action.DELETE_PROJECT: Role.ADMIN,
    Action.VIEW_MEMBERS: Role.VIEWER,
    Action.MANAGE_MEMBERS: Role.ADMIN,
    Action.VIEW_RUNTIME: Role.VIEWER,
    Action.VIEW_PROCESS: Role.VIEWER,
    Action.CREATE_PROCESS: Role.DEVELOPER,
    Action.UPDATE_PROCESS: Role.DEVELOPER,
    Action.DELETE_PROCESS: Role.DEVELOPER,
    Action.CREATE_VERSION: Role.DEVELOPER,
    Action.UPLOAD_VERSION: Role.DEVELOPER,
    Action.PUBLISH_VERSION: Role.DEVELOPER,
    Action.DELETE_VERSION: Role.DEVELOPER,
    Action.RUN_PROCESS: Role.RUNNER,
    Action.PULL_IMAGE: Role.VIEWER,
    Action.PUSH_IMAGE: Role.DEVELOPER,
    Action.DELETE_IMAGE: Role.DEVELOPER,
    Action.VIEW_SECRET: Role.VIEWER,
    Action.USE_SECRET: Role.RUNNER,
    Action.CREATE_SECRET: Role.DEVELOPER,
    Action.INGEST_SECRET: Role.DEVELOPER,
    Action.DOWNLOAD_SECRET: Role.ADMIN,
    Action.DELETE_SECRET: Role.DEVELOPER,
    Action.VIEW_JOB: Role.VIEWER,
    Action.STOP_JOB: Role.RUNNER,
}

DOWNWARD_ACTIONS = frozenset(
    {
        Action.VIEW_ORGANIZATION,
        Action.VIEW_RUNTIME,
        Action.VIEW_PROCESS,
        Action.RUN_PROCESS,
        Action.PULL_IMAGE,
        Action.VIEW_SECRET,
        Action.USE_SECRET,
    }
)
"""Actions of a project's members on objects of its organization."""


def is_allowed(role: Role, action: Action) -> bool:
    """Whether the table permits ``action`` to ``role``."""
    return role.rank >= _WEAKEST_ROLE[action].rank


@dataclass(frozen=True, slots=True)
class Membership:
    """A user's role in one context."""

    context: Context
    role: Role


@dataclass(frozen=True, slots=True)
class Actor:
    """An authenticated user: first argument of every use case."""

    user_id: str
    email: str
    token_id: str
    is_operator: bool = False
    """Whether the user runs the installation and may create organizations."""
    memberships: tuple[Membership, ...] = field(default=())

    def role_in(self, context: Context) -> Role | None:
        """Return the strongest role in ``context``, directly or by its organization."""
        roles = [m.role for m in self.memberships if m.context in context.chain]
        return max(roles, key=lambda role: role.rank, default=None)

    def knows(self, context: Context) -> bool:
        """Whether this actor may learn of the existence of ``context``."""
        return self.role_in(context) is not None or self._role_below(context) is not None

    def may(self, action: Action, context: Context) -> bool:
        """Whether this actor may do ``action`` to objects of ``context``."""
        role = self.role_in(context)
        if role is not None and is_allowed(role, action):
            return True
        below = self._role_below(context)
        return below is not None and action in DOWNWARD_ACTIONS and is_allowed(below, action)

    def list_reached(self, action: Action) -> list[Context]:
        """Return the contexts whose own objects this actor may do ``action`` to.

        An organization stands for itself with all its projects.
        """
        allowed = {m.context: None for m in self.memberships if is_allowed(m.role, action)}
        return [
            c for c in allowed if c.project_id is None or Context(c.organization_id) not in allowed
        ]

    def _role_below(self, context: Context) -> Role | None:
        """Return the strongest role in a project of the organization ``context``."""
        if context.project_id is not None:
            return None
        roles = [
            m.role
            for m in self.memberships
            if m.context.organization_id == context.organization_id and m.context.project_id
        ]
        return max(roles, key=lambda role: role.rank, default=None)
