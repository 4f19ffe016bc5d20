"""Revisions of the tables (alembic): the one in the database and those that this au2 knows."""

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from au2.domain.errors import WrongSchema


def make_config() -> Config:
    """Return the configuration of alembic with the migrations of this package."""
    config = Config()
    config.set_main_option("script_location", "au2.stores.database:migrations")
    return config


def find_revision(transaction: Connection) -> str | None:
    """Return the revision of the tables; None for an empty database."""
    return MigrationContext.configure(transaction).get_current_revision()


def ensure_not_newer(transaction: Connection) -> None:
    """Refuse tables of an unknown revision. Raises WrongSchema."""
    revision, known = find_revision(transaction), _known_revisions()
    if revision is None or revision in known:
        return
    raise WrongSchema(
        f"This database was written by a newer au2 (revision {revision}; this au2 knows "
        f"revisions up to {known[0]}). Nothing was changed.",
        hint="Start the newer au2, or restore a backup that was made before the upgrade.",
    )


def ensure_current(transaction: Connection) -> None:
    """Refuse tables of any revision but the newest. Raises WrongSchema."""
    ensure_not_newer(transaction)
    revision, newest = find_revision(transaction), _known_revisions()[0]
    if revision != newest:
        raise WrongSchema(
            f"This database was written by an older au2 (revision {revision or 'none'}; this au2 "
            f"has revision {newest}). Commands that only read do not change it.",
            hint="Make a backup with the older au2, then start the server: it migrates the "
            "database.",
        )


def _known_revisions() -> list[str]:
    """Return all revisions, the newest first."""
    scripts = ScriptDirectory.from_config(make_config())
    return [script.revision for script in scripts.walk_revisions()]
