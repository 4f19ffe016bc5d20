"""Starts the server again whenever it is gone, as systemd would."""

import threading
import time
from dataclasses import dataclass, field

from tests.support.servers.server_process import ServerProcess, StartError


@dataclass(slots=True)
class Keeper:
    """Watches a server in a thread of its own."""

    server: ServerProcess
    starts: int = 0
    failed_starts: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def begin(self) -> None:
        """Begin to watch."""
        self._thread = threading.Thread(target=self._watch, name="keeper")
        self._thread.start()

    def end(self) -> None:
        """End watching; the server goes on."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.2):
            if self.server.is_running():
                continue
            try:
                self.server.start()
                self.starts += 1
            except StartError as error:
                self.failed_starts.append(str(error)[-500:])
                time.sleep(1.0)
