"""Keeps a job's raw log from filling the disk, and says in the log where something is missing."""

from au2.dispatcher.disk_space import DiskSpace
from au2.dispatcher.log_gaps import DISK_WAS_FULL
from au2.domain.errors import EngineFailure, NotFound, StorageFull
from au2.engines.base import Engine, Observation

REMARK = f"{DISK_WAS_FULL}: what was printed here is missing."


class LogRoom:
    """The raw log of one container, and the room for it."""

    def __init__(self, engine: Engine, disk_space: DiskSpace, container_id: str) -> None:
        self._engine = engine
        self._room = disk_space
        self._container_id = container_id

    def look(self, seen: Observation) -> None:
        """Let the raw log grow or not, as there is room."""
        try:
            if seen.log_restricted:
                if self._room.is_ample(seen.log_bytes):
                    self._engine.allow_log(self._container_id, REMARK)
            elif self._room.is_tight(seen.log_bytes):
                self._engine.restrict_log(self._container_id)
        except (StorageFull, EngineFailure, NotFound):
            return  # it is tried again with the next look

    def close(self) -> None:
        """The container has ended: what is missing is missing for good. Raises StorageFull."""
        self._engine.allow_log(self._container_id, REMARK)
