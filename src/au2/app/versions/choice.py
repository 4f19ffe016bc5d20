"""Choice of the version of a run, and the hints for versions without an image."""

from shlex import quote

from au2.app.lookup import get_version, process_command
from au2.domain.errors import Conflict
from au2.domain.processes.version import (
    ChoiceRule,
    ImageStatus,
    NewerVersion,
    Process,
    Version,
    VersionChoice,
    VersionType,
)
from au2.stores.database import versions
from au2.stores.database.database import Transaction

_IN_THE_WORKS = frozenset({ImageStatus.UPLOADING, ImageStatus.BUILDING})


def ensure_deletable(version: Version) -> None:
    """Raise Conflict if the version is published, or being made."""
    if version.published_at is not None:
        raise Conflict(f"Version {version.number} is published.", hint="Unpublish it first.")
    if version.image_status in _IN_THE_WORKS:
        raise Conflict(
            f"Version {version.number} is being made ({version.image_status}).",
            hint=f"Wait for job {version.upload_job_id}, or stop it.",
        )


def choose_version(
    transaction: Transaction, process: Process, number: int | None, *, latest: bool = False
) -> tuple[Version, VersionChoice]:
    """Return the version of a run, and the reason: by number, the latest, or the default one.

    Raises:
        NotFound: there is no such version.
        Conflict: the version has no image, or none has one.
    """
    if number is not None:
        version = get_version(transaction, process, number)
        ensure_available(process, version, hint=_explain_missing_image(process, version))
        return version, VersionChoice(ChoiceRule.STATED)
    find = versions.find_newest_available if latest else versions.find_default_version
    chosen = find(transaction, process.id)
    if chosen is None:
        raise Conflict(
            f"The process '{process.name}' has no version with an image yet.",
            hint=explain_first_upload(transaction, process),
        )
    rule = ChoiceRule.AVAILABLE if chosen.published_at is None else ChoiceRule.PUBLISHED
    newer = _list_newer(transaction, process, chosen)
    return chosen, VersionChoice(ChoiceRule.LATEST if latest else rule, newer)


def _list_newer(
    transaction: Transaction, process: Process, chosen: Version
) -> tuple[NewerVersion, ...]:
    """The newest version with an image and the newest of all, as far as newer than ``chosen``."""
    newest = versions.find_newest(transaction, process.id)
    if newest is None or newest.number == chosen.number:
        return ()
    found = [newest]
    if newest.image_status is not ImageStatus.AVAILABLE:
        available = versions.find_newest_available(transaction, process.id)
        if available is not None and available.number > chosen.number:
            found.insert(0, available)
    return tuple(
        NewerVersion(version.number, version.image_status, version.upload_job_id)
        for version in found
    )


def explain_first_upload(transaction: Transaction, process: Process) -> str:
    """Return the hint for a process none of whose versions has an image."""
    newest = versions.find_newest(transaction, process.id)
    if newest is None:
        return "Upload a package: au2 process repo upload"
    return _explain_missing_image(process, newest)


def _explain_missing_image(process: Process, version: Version) -> str:
    """Say what to do about a version that has no image."""
    job = version.upload_job_id
    if version.image_status in _IN_THE_WORKS:
        run = process_command("run", process)
        return f"Run it once it is built: {run} --ver {version.number} --wait-for-build"
    if job is not None:
        return f"See why its upload failed: au2 job show {job}"
    return _explain_upload(process, version)


def ensure_available(process: Process, version: Version, *, hint: str | None = None) -> None:
    """Raise Conflict, with ``hint`` if one is given, unless the version has its image."""
    if version.image_status is ImageStatus.AVAILABLE:
        return
    if hint is None and version.upload_job_id is not None:
        hint = f"See its upload: au2 job show {version.upload_job_id}"
    raise Conflict(
        f"Version {version.number} of '{process.name}' is {version.image_status}, not AVAILABLE.",
        hint=hint or _explain_upload(process, version),
    )


def _explain_upload(process: Process, version: Version) -> str:
    """Say how ``version``, which has no image yet, gets one."""
    if version.type is VersionType.PACKAGED:
        return "Upload its package again: au2 process repo upload"
    return (
        "Upload its image: docker save IMAGE | au2 process version upload "
        f"--process {quote(process.name)} --ver {version.number} --stdin"
    )
