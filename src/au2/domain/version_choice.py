"""Choice of a run's version: its rule, and the newer versions passed over."""

from dataclasses import dataclass
from enum import StrEnum

from au2.domain.version import ImageStatus


class ChoiceRule(StrEnum):
    """Rules for the choice of a run's version."""

    STATED = "stated"
    """The version named in the submission."""
    PUBLISHED = "published"
    """The newest published version."""
    AVAILABLE = "available"
    """The newest version with an image, because none is published."""
    LATEST = "latest"
    """The newest version with an image, published or not, as the submission asked."""


@dataclass(frozen=True, slots=True)
class NewerVersion:
    """A version with a higher number than the chosen one."""

    number: int
    image_status: ImageStatus
    upload_job_id: int | None


@dataclass(frozen=True, slots=True)
class VersionChoice:
    """Reason for a run's version, as of its submission."""

    rule: ChoiceRule
    newer: tuple[NewerVersion, ...] = ()
    """The newest version with an image and the newest of all, if newer than the chosen one.
    Empty for a version that the submission named."""


_RULES = {
    ChoiceRule.PUBLISHED: "published",
    ChoiceRule.AVAILABLE: "the newest that is AVAILABLE",
    ChoiceRule.LATEST: "the newest that is AVAILABLE",
}


def explain_choice(number: int, choice: VersionChoice) -> str | None:
    """Return the sentence about newer versions passed over; None without any."""
    if not choice.newer:
        return None
    others = " and ".join(_describe(version) for version in choice.newer)
    return f"Runs version {number} ({_RULES[choice.rule]}); {others}."


def _describe(version: NewerVersion) -> str:
    job = "" if version.upload_job_id is None else f" (job {version.upload_job_id})"
    words = {
        ImageStatus.AVAILABLE: "is newer",
        ImageStatus.UPLOADING: f"is being uploaded{job}",
        ImageStatus.BUILDING: f"is being built{job}",
        ImageStatus.FAILED: f"failed{job}",
        ImageStatus.NONE: "has no image yet",
    }
    return f"{version.number} {words[version.image_status]}"
