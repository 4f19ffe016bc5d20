"""Commands for hints, with names quoted for a shell."""

from shlex import quote

from au2.domain.process import Process
from au2.domain.version import Version, VersionType


def process_command(command: str, process: Process) -> str:
    """Return ``au2 process COMMAND`` for this process."""
    return f"au2 process {command} {quote(process.name)}"


def explain_upload(process: Process, version: Version) -> str:
    """Say how ``version``, which has no image yet, gets one."""
    if version.type is VersionType.PACKAGED:
        return "Upload its package again: au2 process repo upload"
    return (
        "Upload its image: docker save IMAGE | au2 process version upload "
        f"--process {quote(process.name)} --ver {version.number} --stdin"
    )
