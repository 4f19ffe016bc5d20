"""First process of a start: checks the machine, migrates the database, ends.

A process of its own, so that the supervisor never loads a database library.
"""

import logging
import os
import sys

from au2.app.secret_keys import ensure_keys
from au2.console.console import standard_console
from au2.domain.clock import now
from au2.domain.errors import Au2Error, Detail, NotFound, SecretUnreadable, Unsupported
from au2.engines.protocol import Engine
from au2.secrets.keyring import KeyFile
from au2.server.supervision.worker import Worker
from au2.server.wiring.engine import make_engine
from au2.server.wiring.stores import make_key_file, opened_to_write, remove_unfinished_blobs
from au2.stores.database.accounts import count_users
from au2.stores.database.database import Database

logger = logging.getLogger(__name__)


def main() -> int:
    """Prepare the installation; return the exit code."""
    child = Worker("prepare")
    child.when_orphaned(lambda: os._exit(1))
    data, settings = child.config.data, child.config.settings
    try:
        engine = make_engine(data, settings)
        # First of all: jobs that ended since may have filled the disk.
        engine.reclaim(file_limit_bytes=settings.limits.output_max_bytes)
        remove_unfinished_blobs(data)
        check_engine(engine)
        with opened_to_write(data) as database:
            check_users(database)
            prepare_keys(database, make_key_file(data, settings))
    except Au2Error as error:
        standard_console(has_input=False).error(error)
        return error.exit_code
    return 0


def check_engine(engine: Engine) -> None:
    """Raise Unsupported with all unmet needs of the engine."""
    failed = [check for check in engine.check() if not check.ok]
    if failed:
        raise Unsupported(
            "This machine can't run jobs.",
            details=[Detail(f"{check.name}: {check.message}") for check in failed],
            hint="Fix that and start again; 'au2-server doctor' shows all findings.",
        )


def prepare_keys(database: Database, keys: KeyFile) -> None:
    """Create the first key; log an error if no key works, since all else works without."""
    ensure_keys(database, keys, now())
    try:
        keys.ring()
    except SecretUnreadable as error:
        logger.error("%s %s", error.message, error.hint or "")


def check_users(database: Database) -> None:
    """Raise NotFound if nobody could log in."""
    with database.read() as transaction:
        if not count_users(transaction):
            raise NotFound(
                "There is no user yet, so nobody could log in.",
                hint="Create the first one with 'au2-server init'.",
            )


if __name__ == "__main__":
    sys.exit(main())
