"""API process: answers HTTP."""

import signal
import socket
import sys
from contextlib import closing

from au2.server.http.limits import fit_limits
from au2.server.http.server import ApiServer
from au2.server.supervision.worker import Worker, stop_event
from au2.server.wiring.api import make_api
from au2.server.wiring.stores import open_database_for_good


def main() -> int:
    """Answer HTTP until told to stop; return the exit code."""
    # Also in force again after uvicorn, which raises the signal anew when it has stopped.
    stopping = stop_event()
    child = Worker("api")
    config = child.config
    settings = config.settings.server
    limits = fit_limits(settings.http_limits)
    # Closed at the end: the last process that closes the database leaves one file of it.
    with closing(open_database_for_good(config.data)) as database:
        app = make_api(config.data, config.settings, database, stopping)
        server = ApiServer(
            app,
            on_ready=child.ready,
            beat=child.beat,
            stopping=stopping,
            limits=limits,
            trusted_proxies=settings.trusted_proxies,
            tls=settings.tls,
            request_log=settings.request_log,
        )
        signal.signal(signal.SIGHUP, lambda *_: server.reload())
        child.when_orphaned(server.stop)
        listener = socket.socket(fileno=config.descriptors["listen"])
        server.run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
