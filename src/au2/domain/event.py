"""Events: the entries of the audit trail."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

PLATFORM = "platform"
"""Actor of an event that no person caused."""


class EventAction(StrEnum):
    """The closed list of actions, ``<noun>:<past participle>``, as stored."""

    JOB_SUBMITTED = "job:submitted"
    JOB_RUNNING = "job:running"
    JOB_SUCCEEDED = "job:succeeded"
    JOB_FAILED = "job:failed"
    JOB_STOPPED = "job:stopped"
    JOB_STOP_REQUESTED = "job:stop-requested"
    USER_CREATED = "user:created"
    USER_LOGGED_IN = "user:logged-in"
    USER_LOGGED_OUT = "user:logged-out"
    USER_PASSWORD_CHANGED = "user:password-changed"
    USER_PASSWORD_RESET = "user:password-reset"
    USER_DISABLED = "user:disabled"
    USER_ENABLED = "user:enabled"
    USER_PROMOTED = "user:promoted"
    USER_DEMOTED = "user:demoted"
    TOKEN_CREATED = "token:created"
    TOKEN_RENEWED = "token:renewed"
    TOKEN_DELETED = "token:deleted"
    ORGANIZATION_CREATED = "organization:created"
    ORGANIZATION_RENAMED = "organization:renamed"
    ORGANIZATION_DELETED = "organization:deleted"
    PROJECT_CREATED = "project:created"
    PROJECT_RENAMED = "project:renamed"
    PROJECT_DELETED = "project:deleted"
    MEMBER_ADDED = "member:added"
    MEMBER_REMOVED = "member:removed"
    PROCESS_CREATED = "process:created"
    PROCESS_UPDATED = "process:updated"
    PROCESS_DELETED = "process:deleted"
    VERSION_CREATED = "version:created"
    VERSION_UPDATED = "version:updated"
    VERSION_UPLOADED = "version:uploaded"
    VERSION_PUBLISHED = "version:published"
    VERSION_UNPUBLISHED = "version:unpublished"
    VERSION_DELETED = "version:deleted"
    IMAGE_PUSHED = "image:pushed"
    IMAGE_TAGGED = "image:tagged"
    IMAGE_DELETED = "image:deleted"
    RUNTIME_BUILT = "runtime:built"
    RUNTIME_RETIRED = "runtime:retired"
    SECRET_CREATED = "secret:created"
    SECRET_INGESTED = "secret:ingested"
    SECRET_DOWNLOADED = "secret:downloaded"
    SECRET_USED = "secret:used"
    SECRET_DELETED = "secret:deleted"
    SECRET_KEY_CREATED = "secret-key:created"
    SECRET_KEY_ADDED = "secret-key:added"
    SECRET_KEY_ROTATED = "secret-key:rotated"


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the audit trail: actor, action, subject, time."""

    at: datetime
    actor: str
    action: EventAction
    subject: str
    organization_id: str | None
    data: Mapping[str, Any]
