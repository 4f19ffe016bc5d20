"""Uploads while faults happen, each by the real command line, and what became of them."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from chaos.work import CODE
from tests.support.checkout import RUNTIME_NAME
from tests.support.commands.command import Au2, Result


@dataclass(slots=True)
class Upload:
    """One process that is uploaded under a name of its own."""

    name: str
    folder: Path
    result: Result | None = None
    problems: list[str] = field(default_factory=list)


def prepare_upload(au2: Au2, folder: Path, name: str) -> Upload:
    """Make the package of an upload."""
    folder.mkdir(parents=True)
    au2.ok(
        *("process", "repo", "init", folder, "--yes", "--name", name),
        *("--description", "Made by chaos.", "--runtime", RUNTIME_NAME),
    )
    (folder / "main.py").write_text(CODE)
    (folder / "data.txt").write_text(f"{name}\n" * 5000)
    return Upload(name, folder)


def send_upload(au2: Au2, upload: Upload) -> None:
    """Upload the package; the command waits for a server that is away by itself."""
    upload.result = au2("process", "repo", "upload", upload.folder, "--yes", "--wait")


def check_upload(au2: Au2, upload: Upload) -> list[str]:
    """Return what is not true of an upload, now that no fault is there any more.

    A command that said that the version is there must be right, an upload that failed must work
    when the command is given again, and there is one process of the name.
    """
    assert upload.result is not None
    if upload.result.exit_code:
        again = au2("process", "repo", "upload", upload.folder, "--yes", "--wait")
        if again.exit_code:
            return [f"upload {upload.name} fails again: {again}"]
    processes = [one for one in au2.json("process", "list") if one["name"] == upload.name]
    if len(processes) != 1:
        return [f"upload {upload.name} made {len(processes)} processes"]
    versions = au2.json("process", "version", "list", processes[0]["id"])
    waiting = [
        one["version"] for one in versions if one["image_status"] in ("UPLOADING", "BUILDING")
    ]
    if waiting:
        return [f"upload {upload.name}: versions {waiting} are still on their way"]
    if not any(one["image_status"] == "AVAILABLE" for one in versions):
        return [f"upload {upload.name} succeeded, and no version is AVAILABLE"]
    arguments = {"key": "k000000000000-0", "lines": 3, "pause": 0, "end": "normal", "code": 0}
    run = au2(
        *("process", "run", processes[0]["id"], "--args", json.dumps(arguments)),
        *("--network", "none", "--wait"),
    )
    return [f"upload {upload.name} can't be run: {run}"] if run.exit_code else []
