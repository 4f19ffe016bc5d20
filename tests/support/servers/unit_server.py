"""A server as its systemd unit starts it: the unit's command, capabilities and notices."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.servers.installing import Environment
from tests.support.servers.server_process import server_env

_INSTALLED = "/opt/au2"


@dataclass(frozen=True, slots=True)
class Unit:
    """The parts of a unit file that decide how the server runs."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    dropped_capabilities: tuple[str, ...]
    kills_all: bool
    notifies: bool


def read_unit(file: Path, root: Path) -> Unit:
    """Return a unit whose au2 is installed in ``root`` instead of where the file says."""
    lines = [line for line in file.read_text().splitlines() if re.match(r"[A-Z]\w+=", line)]
    values = dict(line.split("=", 1) for line in lines)
    capabilities = values["CapabilityBoundingSet"]
    assert capabilities.startswith("~")
    return Unit(
        command=tuple(shlex.split(values["ExecStart"].replace(_INSTALLED, str(root)))),
        environment=dict([values["Environment"].split("=", 1)]),
        dropped_capabilities=tuple(capabilities[1:].split()),
        kills_all=values["KillMode"] != "process",
        notifies=values["Type"] == "notify",
    )


@dataclass(slots=True)
class UnitServer:
    """A server from a virtual environment. ``data_dir`` replaces the unit's."""

    installed: Environment
    data_dir: Path
    env: dict[str, str] = field(default_factory=dict)
    log_file: Path = Path("/dev/null")
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Where it listens."""
        document = json.loads((self.data_dir / "server.json").read_text())
        return str(document["url"])

    @property
    def environment(self) -> dict[str, str]:
        """Environment of the server and of the operator's commands."""
        return {**server_env(self.env), "AU2_DATA_DIR": str(self.data_dir)}

    def start(self) -> None:
        """Start it as systemd does, and return when it has said that it is ready."""
        unit = read_unit(self.installed.root / "share/au2/au2-server.service", self.installed.root)
        assert unit.notifies
        assert "AU2_DATA_DIR" in unit.environment
        dropped = ",".join(
            f"-{name.removeprefix('CAP_').lower()}" for name in unit.dropped_capabilities
        )
        address = self.data_dir.with_name(f"{self.data_dir.name}.notify")
        address.unlink(missing_ok=True)
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
            self.log_file.open("ab") as log,
        ):
            manager.bind(str(address))
            manager.settimeout(1.0)
            self._process = subprocess.Popen(
                ["setpriv", "--bounding-set", dropped, *unit.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**self.environment, "NOTIFY_SOCKET": str(address)},
                start_new_session=True,
            )
            self._wait_until_ready(manager)
        address.unlink()

    def _wait_until_ready(self, manager: socket.socket) -> None:
        assert self._process is not None
        while self._process.poll() is None:
            try:
                if manager.recv(100) == b"READY=1":
                    return
            except TimeoutError:
                continue
        raise AssertionError(self.log_file.read_text(errors="replace"))

    def reload(self) -> None:
        """Do what ExecReload= does."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGHUP)

    def stop(self) -> int:
        """Stop it as KillMode=process does: the main process alone is told."""
        if self._process is None:
            return 0
        self._process.terminate()
        code = self._process.wait()
        self._process = None
        return code
