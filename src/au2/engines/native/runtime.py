"""The OCI runtime (``runc``) of the host."""

from pathlib import Path

from au2.engines.native.commands import run_tool


class OciRuntime:
    """Calls the OCI runtime; containers are created through the monitor (:mod:`.monitor`)."""

    def __init__(self, command: str, root: Path) -> None:
        self._command = [command, f"--root={root}"]
        self._root = root

    def start(self, container_id: str) -> None:
        """Let a created container run. Raises EngineFailure."""
        run_tool([*self._command, "start", container_id])

    def delete(self, container_id: str) -> None:
        """Kill the container if it runs, and remove the runtime's state and control groups."""
        if self.knows(container_id):
            run_tool([*self._command, "delete", "--force", container_id])

    def knows(self, container_id: str) -> bool:
        """Whether the runtime has state of the container."""
        return (self._root / container_id).is_dir()

    def is_waiting(self, container_id: str) -> bool:
        """Whether the container is created but not started: then its start waits on this FIFO."""
        return (self._root / container_id / "exec.fifo").exists()
