"""Tables of the database and their column types.

Migrations create the tables; a test compares the two.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """Column type of an aware time in UTC; SQLite stores no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Return the time in UTC for the driver; a naive time is a programming error."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the aware time of a row."""
        if value is None:
            return None
        moment: datetime = value
        return moment.replace(tzinfo=UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

GUID = String(36)
DIGEST = String(71)
ALIAS = String(135)
"""SHA-512 digest, or either."""

users = Table(
    "users",
    metadata,
    Column("id", GUID, primary_key=True),
    Column("email", String(254), nullable=False, unique=True, comment="lower case"),
    Column("password_hash", Text, nullable=False, comment="argon2id, PHC string"),
    Column("is_operator", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("disabled_at", UtcDateTime),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", GUID, primary_key=True),
    Column("user_id", GUID, ForeignKey("users.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False, comment="login, managed or registry"),
    Column("name", String(200), nullable=False),
    Column("secret_hash", String(64), nullable=False, unique=True, comment="SHA-256, hex"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
)

organizations = Table(
    "organizations",
    metadata,
    Column("id", GUID, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(254), nullable=False),
    Column("deleted_at", UtcDateTime, comment="the row stays, because jobs refer to it"),
)

projects = Table(
    "projects",
    metadata,
    Column("id", GUID, primary_key=True),
    Column("organization_id", GUID, ForeignKey("organizations.id"), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(254), nullable=False),
    Column("deleted_at", UtcDateTime, comment="the row stays, because jobs refer to it"),
    UniqueConstraint("id", "organization_id"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("id", GUID, primary_key=True),
    Column("user_id", GUID, ForeignKey("users.id"), nullable=False, index=True),
    Column("organization_id", GUID, ForeignKey("organizations.id"), nullable=False, index=True),
    Column("project_id", GUID, ForeignKey("projects.id")),
    Column("role", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(254), nullable=False),
)

runtimes = Table(
    "runtimes",
    metadata,
    Column("id", GUID, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("language", String(16), nullable=False),
    Column("organization_id", GUID, ForeignKey("organizations.id")),
    Column("project_id", GUID, ForeignKey("projects.id")),
    Column("created_at", UtcDateTime, nullable=False),
    Column("retired_at", UtcDateTime),
)

runtime_versions = Table(
    "runtime_versions",
    metadata,
    Column("runtime_id", GUID, ForeignKey("runtimes.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("image_digest", DIGEST, nullable=False),
    Column("recipe_digest", DIGEST, nullable=False),
    Column("packages", JSON, nullable=False, comment="what is installed, with versions"),
    Column("created_at", UtcDateTime, nullable=False),
    PrimaryKeyConstraint("runtime_id", "version"),
)

processes = Table(
    "processes",
    metadata,
    Column("id", GUID, primary_key=True),
    Column("name", String(200), nullable=False, index=True),
    Column("description", Text, nullable=False),
    Column("organization_id", GUID, ForeignKey("organizations.id"), nullable=False),
    Column("project_id", GUID, ForeignKey("projects.id")),
    Column("tags", JSON, nullable=False),
    Column("version_counter", Integer, nullable=False, comment="last number given"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(254), nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("updated_by", String(254), nullable=False),
    Column("deleted_at", UtcDateTime),
    Index("ix_processes_context", "organization_id", "project_id"),
    Index("ix_processes_list", "organization_id", "project_id", "name", "created_at", "id"),
)

versions = Table(
    "versions",
    metadata,
    Column("process_id", GUID, ForeignKey("processes.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("type", String(16), nullable=False),
    Column("description", Text, nullable=False),
    Column("image_status", String(16), nullable=False),
    Column("image_digest", DIGEST),
    Column("published_at", UtcDateTime),
    Column("published_by", String(254)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(254), nullable=False),
    Column("runtime_id", GUID),
    Column("runtime_version", Integer),
    Column("upload_job_id", Integer),
    Column("environment", JSON(none_as_null=True)),
    Column("args_schema", JSON(none_as_null=True)),
    Column("out_schema", JSON(none_as_null=True)),
    Column("resources", JSON(none_as_null=True)),
    Column("deleted_at", UtcDateTime),
    Column("package_digest", DIGEST, comment="of the file list, process ids aside"),
    Column("dependencies", JSON(none_as_null=True), comment="what was resolved, with hashes"),
    PrimaryKeyConstraint("process_id", "number"),
    ForeignKeyConstraint(
        ["runtime_id", "runtime_version"],
        ["runtime_versions.runtime_id", "runtime_versions.version"],
    ),
    CheckConstraint("image_status <> 'AVAILABLE' OR image_digest IS NOT NULL", name="has_image"),
)

contents = Table(
    "contents",
    metadata,
    Column(
        "context_id", GUID, nullable=False, comment="id of the project, else of the organization"
    ),
    Column("sha256", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    PrimaryKeyConstraint("context_id", "sha256"),
    comment="Which file contents came to a context: nobody builds with another's by hash.",
)

dependency_layers = Table(
    "dependency_layers",
    metadata,
    Column("key", DIGEST, primary_key=True, comment="of runtime image, lock, tool and scope"),
    Column("organization_id", GUID, ForeignKey("organizations.id"), comment="null: for everybody"),
    Column("project_id", GUID, ForeignKey("projects.id")),
    Column("layer_digest", DIGEST, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("lock", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("id", GUID, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("organization_id", GUID, ForeignKey("organizations.id"), nullable=False),
    Column("project_id", GUID, ForeignKey("projects.id")),
    Column("description", Text, nullable=False),
    Column("ciphertext", Text, comment="null: nothing was ingested yet"),
    Column("size_bytes", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(254), nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("updated_by", String(254), nullable=False),
    Index("ix_secrets_context", "organization_id", "project_id", "name"),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", GUID, primary_key=True),
    Column("organization_id", GUID, ForeignKey("organizations.id"), nullable=False),
    Column("process_id", GUID, nullable=False),
    Column("version_number", Integer, nullable=False),
    Column("job_id", Integer, ForeignKey("jobs.id"), nullable=False, index=True),
    Column("user_id", GUID, ForeignKey("users.id"), nullable=False),
    Column("fence", Integer, nullable=False, comment="fencing token, grows when taken over"),
    Column("lease_until", UtcDateTime, nullable=False),
    Column("state", String(16), nullable=False, comment="open, complete or abandoned"),
    Column("files", JSON, nullable=False, comment="list of contract.upload.FileEntry documents"),
    Column("runtime", Text, nullable=False, comment="as the package names it"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("manifest_digest", DIGEST, comment="of an image, once all of it has come"),
    ForeignKeyConstraint(
        ["process_id", "version_number"], ["versions.process_id", "versions.number"]
    ),
    Index("ix_uploads_state_lease", "state", "lease_until"),
)

layers = Table(
    "layers",
    metadata,
    Column("digest", DIGEST, primary_key=True, comment="of the blob, as it came"),
    Column("diff_id", DIGEST, nullable=False, index=True, comment="of the uncompressed archive"),
    Column("size_bytes", BigInteger, nullable=False, comment="uncompressed"),
    Column("checked_at", UtcDateTime, nullable=False),
    comment="Layers that were read and judged safe: true for ever, as a blob never changes.",
)

repository_blobs = Table(
    "repository_blobs",
    metadata,
    Column("organization_id", GUID, ForeignKey("organizations.id"), nullable=False),
    Column("repository", String(255), nullable=False, comment="process_<GUID> or a free name"),
    Column("digest", DIGEST, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("sha512", ALIAS, comment="alias that it came by, verified"),
    PrimaryKeyConstraint("organization_id", "repository", "digest"),
    Index("ix_repository_blobs_digest", "organization_id", "digest"),
    Index("ix_repository_blobs_sha512", "organization_id", "sha512"),
    comment="Which blobs came to a repository: a digest alone is no key to another's.",
)

repository_manifests = Table(
    "repository_manifests",
    metadata,
    Column("organization_id", GUID, ForeignKey("organizations.id"), nullable=False),
    Column("repository", String(255), nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("media_type", String(255), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("artifact_type", String(255)),
    Column("subject_digest", ALIAS, comment="what it refers to, by digest or alias"),
    Column("annotations", JSON, nullable=False),
    Column("pushed_at", UtcDateTime, nullable=False),
    Column("pushed_by", String(254), nullable=False),
    Column("sha512", ALIAS, comment="alias that it came by, verified"),
    Column("absent", JSON(none_as_null=True), comment="non-distributable layers that were lacking"),
    PrimaryKeyConstraint("organization_id", "repository", "digest"),
    Index("ix_repository_manifests_subject", "organization_id", "repository", "subject_digest"),
    Index("ix_repository_manifests_sha512", "organization_id", "repository", "sha512"),
)

repository_tags = Table(
    "repository_tags",
    metadata,
    Column("organization_id", GUID, ForeignKey("organizations.id"), nullable=False),
    Column("repository", String(255), nullable=False),
    Column("name", String(128), nullable=False),
    Column("digest", DIGEST, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("updated_by", String(254), nullable=False),
    PrimaryKeyConstraint("organization_id", "repository", "name"),
)

blob_uploads = Table(
    "blob_uploads",
    metadata,
    Column("id", GUID, primary_key=True),
    Column("organization_id", GUID, ForeignKey("organizations.id"), nullable=False),
    Column("repository", String(255), nullable=False),
    Column("user_id", GUID, ForeignKey("users.id"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    comment="Blobs that a registry client is sending; what has come lies in the blob store.",
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("type", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("name", String(300), nullable=False),
    Column("organization_id", GUID, ForeignKey("organizations.id"), nullable=False),
    Column("project_id", GUID, ForeignKey("projects.id")),
    Column("process_id", GUID, ForeignKey("processes.id"), nullable=False, index=True),
    Column("version_number", Integer, nullable=False),
    Column("submitted_by", String(254), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ready_at", UtcDateTime, comment="when a dispatcher may take it"),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("reason", String(32)),
    Column("reason_text", Text),
    Column("exit_code", Integer),
    Column("request", JSON(none_as_null=True)),
    Column("output", JSON(none_as_null=True)),
    Column("status_text", Text),
    Column("progress", Float),
    Column("stop_requested_at", UtcDateTime),
    Column("stop_requested_by", String(254)),
    Column("attempt_count", Integer, nullable=False),
    Column("claim_owner", String(200)),
    Column("claim_token", Integer, nullable=False, comment="fencing token of the claim"),
    Column("claim_expires_at", UtcDateTime),
    Index("ix_jobs_context", "organization_id", "project_id", "id"),
    Index("ix_jobs_submitter", "organization_id", "project_id", "submitted_by", "id"),
    Index("ix_jobs_organization", "organization_id", "id"),
    Index("ix_jobs_process_context", "process_id", "organization_id", "project_id", "id"),
    Index("ix_jobs_state_ready", "state", "ready_at"),
    # Columns after the id are checked in the index, without reading the job.
    Index("ix_jobs_organization_state", "organization_id", "state", "type", "id", "project_id"),
    Index(
        "ix_jobs_submitter_state",
        *("submitted_by", "organization_id", "state", "type", "id", "project_id"),
    ),
    Index(
        "ix_jobs_process_state",
        *("process_id", "state", "type", "id", "organization_id", "project_id", "submitted_by"),
    ),
    sqlite_autoincrement=True,
)

job_names = Table(
    "job_names",
    metadata,
    Column("organization_id", GUID, nullable=False),
    Column("process_id", GUID, nullable=False),
    Column("name", String(300), nullable=False),
    PrimaryKeyConstraint("organization_id", "process_id", "name"),
    comment="Names of jobs by process, kept by a trigger: few, so that a search reads them all.",
)

attempts = Table(
    "attempts",
    metadata,
    Column("job_id", Integer, ForeignKey("jobs.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("state", String(16)),
    Column("reason", String(32)),
    Column("reason_text", Text),
    Column("exit_code", Integer),
    Column("container_id", String(64)),
    Column("image_digest", DIGEST),
    Column("phases", JSON, nullable=False),
    Column("used", JSON, nullable=False),
    PrimaryKeyConstraint("job_id", "number"),
)

held_secrets = Table(
    "held_secrets",
    metadata,
    Column("job_id", Integer, ForeignKey("jobs.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("ciphertext", Text, nullable=False, comment="the values that the attempt was given"),
    PrimaryKeyConstraint("job_id", "number"),
    comment="What running attempts' logs are masked by; a row goes when its attempt ends.",
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", String(254), nullable=False, comment="email address, or 'platform'"),
    Column("action", String(64), nullable=False),
    Column("subject", String(200), nullable=False, comment="for example job:12"),
    Column("organization_id", GUID),
    Column("data", JSON, nullable=False),
    Index("ix_events_subject", "subject"),
    sqlite_autoincrement=True,
)
