"""Dispatcher process: executes jobs. Containers outlive the process."""

import logging
import os
import sys
import threading
from contextlib import closing

from au2.domain.errors import Au2Error
from au2.server.supervision.worker import Worker, stop_event
from au2.server.wiring.dispatcher import make_dispatcher
from au2.server.wiring.stores import open_database_for_good

logger = logging.getLogger(__name__)


def main() -> int:
    """Dispatch until told to stop; return the exit code."""
    # Containers run as other users, who must be able to pass through what we make for them. What is
    # for root only gets its mode where it is made.
    os.umask(0o022)
    stop, ready = stop_event(), threading.Event()
    child = Worker("dispatcher")
    child.when_orphaned(stop.set)
    threading.Thread(target=_tell, args=(ready, child), name="ready", daemon=True).start()
    try:
        config = child.config
        # Closed at the end: the last process that closes the database leaves one file of it.
        with closing(open_database_for_good(config.data)) as database:
            dispatcher = make_dispatcher(config.data, config.settings, database, child.beat)
            dispatcher.run(stop, on_ready=ready)
    except Au2Error as error:
        logger.error("%s", error.message)
        return error.exit_code
    except BaseException:
        # Threads of jobs go on without this one, so that the process would live and do nothing.
        logger.exception("the dispatcher ends")
        logging.shutdown()
        os._exit(1)
    return 0


def _tell(ready: threading.Event, child: Worker) -> None:
    ready.wait()
    child.ready()


if __name__ == "__main__":
    sys.exit(main())
