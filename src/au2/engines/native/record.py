"""What is written down of a container, so that any process can take over from any other."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from au2.engines.native.processes import ProcessIdentity


@dataclass(frozen=True, slots=True)
class ContainerRecord:
    """A created container."""

    container_id: str
    init: ProcessIdentity
    """Its first process."""
    monitor: ProcessIdentity
    """The process that holds its output and will know its exit code."""
    log_limit_bytes: int
    job_files: str
    """How the job files looked at first (:func:`au2.engines.native.job_files.fingerprint`)."""

    def write(self, path: Path) -> None:
        """Write the record, whole or not at all."""
        temporary = path.with_name(f"{path.name}.new")
        temporary.write_text(json.dumps(asdict(self)), "utf-8")
        temporary.chmod(0o600)
        os.replace(temporary, path)  # noqa: PTH105 - atomic is the point

    @classmethod
    def read(cls, path: Path) -> "ContainerRecord | None":
        """Read a record; None if there is none: the container was never created to the end."""
        try:
            document = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        document["init"] = ProcessIdentity(**document["init"])
        document["monitor"] = ProcessIdentity(**document["monitor"])
        return cls(**document)
