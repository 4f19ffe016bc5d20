"""OCI runtime (``runc``) of the host: calls, and errors that an image is to blame for."""

import re
from pathlib import Path

from au2.domain.errors import InvalidImage
from au2.engines.native.host.commands import run_tool

_MESSAGE = re.compile(r'msg="((?:[^"\\]|\\.)*)"')
_STARTING = r"unable to start container process: "
_INSIDE = _STARTING + r"error during container init: "
_COMMAND = re.compile(_STARTING + r'exec: "(.*)": (.*)', re.DOTALL)
_WORKING_FOLDER = re.compile(
    _INSIDE + r"(?:chdir to cwd \(.*\) .*failed|mkdir /.*): (.*)", re.DOTALL
)
_MOUNTING = re.compile(
    _INSIDE + r'error mounting ".*" to rootfs at "(/[^"]*)": .*'
    r"(not a directory|is a directory|file exists|on ordinary directory|levels of symbolic links)",
    re.DOTALL,
)
_USER = re.compile(_STARTING + r"unable to setup user: (.*)", re.DOTALL)
_COMMAND_HINT = (
    "The image's Entrypoint and Cmd say what is run: the program must be in the image, executable, "
    "and named by its whole path or found by the PATH of the image's Env. Fix the image and "
    "upload it to a new version."
)
_FOLDER_HINT = (
    "WorkingDir of the image must be a folder that its User may enter. Fix the image and upload "
    "it to a new version."
)
_MOUNT_HINT = "Take it out of the image and upload that to a new version."
_USER_HINT = "Fix /etc/passwd and /etc/group of the image and upload it to a new version."
_SHOWN = 300


class OciRuntime:
    """Client of the OCI runtime; containers are created through the monitor (:mod:`.monitor`)."""

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
        """Whether the container is created but not started: its first process waits on a FIFO."""
        return (self._root / container_id / "exec.fifo").exists()


def find_image_fault(said: str) -> InvalidImage | None:
    """Return the image's fault behind an error of the runtime; None if the image has none.

    Args:
        said: what the OCI runtime (runc) wrote when it could not create a container.
    """
    message = _unescaped(said)
    if found := _COMMAND.search(message):
        return InvalidImage(
            f"The image's command {found[1][:_SHOWN]!r} can't be run: {_shown(found[2])}.",
            hint=_COMMAND_HINT,
        )
    if found := _MOUNTING.search(message):
        return InvalidImage(
            f"The image has something at {found[1][:_SHOWN]} that is in the way of what belongs "
            f"there: {found[2]}.",
            hint=_MOUNT_HINT,
        )
    if found := _WORKING_FOLDER.search(message):
        return InvalidImage(
            f"The image's working folder can't be entered: {_shown(found[1])}.", hint=_FOLDER_HINT
        )
    if found := _USER.search(message):
        return InvalidImage(
            f"The image's user can't be looked up: {_shown(found[1])}.", hint=_USER_HINT
        )
    return None


def _unescaped(said: str) -> str:
    """Return the message of the last line of a log that quotes it."""
    lines = _MESSAGE.findall(said)
    return re.sub(r"\\(.)", r"\1", lines[-1]) if lines else said


def _shown(text: str) -> str:
    return text.strip().rstrip(".")[:_SHOWN]
