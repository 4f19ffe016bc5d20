"""Which version a run takes, why, and which newer ones it does not take."""

from dataclasses import dataclass
from enum import StrEnum

from au2.domain.version import ImageStatus


class ChoiceRule(StrEnum):
    """What chose the version of a run."""

    STATED = "stated"
    """The submission named it."""
    PUBLISHED = "published"
    """It is the newest published one."""
    AVAILABLE = "available"
    """None is published, and it is the newest with an image."""
    LATEST = "latest"
    """The submission asked for the newest with an image, published or not."""


@dataclass(frozen=True, slots=True)
class NewerVersion:
    """A version with a higher number than the chosen one."""

    number: int
    image_status: ImageStatus
    upload_job_id: int | None


@dataclass(frozen=True, slots=True)
class VersionChoice:
    """Why a run has its version, as of its submission."""

    rule: ChoiceRule
    newer: tuple[NewerVersion, ...] = ()
    """The newest with an image, and the newest of all: those of the two that are newer than the
    chosen version. Empty where the version was named."""


_RULES = {
    ChoiceRule.PUBLISHED: "published",
    ChoiceRule.AVAILABLE: "the newest that is AVAILABLE",
    ChoiceRule.LATEST: "the newest that is AVAILABLE",
}


def explain_choice(number: int, choice: VersionChoice) -> str | None:
    """Return the sentence about a run that does not take the newest version; None: it does."""
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
