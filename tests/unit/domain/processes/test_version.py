import pytest

from au2.domain.processes.version import (
    ChoiceRule,
    ImageStatus,
    NewerVersion,
    VersionChoice,
    explain_choice,
)

AVAILABLE = NewerVersion(6, ImageStatus.AVAILABLE, 11)


@pytest.mark.parametrize(
    ("rule", "newer", "sentence"),
    [
        (ChoiceRule.PUBLISHED, (AVAILABLE,), "Runs version 5 (published); 6 is newer."),
        (
            ChoiceRule.PUBLISHED,
            (AVAILABLE, NewerVersion(7, ImageStatus.BUILDING, 12)),
            "Runs version 5 (published); 6 is newer and 7 is being built (job 12).",
        ),
        (
            ChoiceRule.AVAILABLE,
            (NewerVersion(6, ImageStatus.FAILED, 12),),
            "Runs version 5 (the newest that is AVAILABLE); 6 failed (job 12).",
        ),
        (
            ChoiceRule.LATEST,
            (NewerVersion(6, ImageStatus.UPLOADING, 12),),
            "Runs version 5 (the newest that is AVAILABLE); 6 is being uploaded (job 12).",
        ),
        (
            ChoiceRule.AVAILABLE,
            (NewerVersion(6, ImageStatus.NONE, None),),
            "Runs version 5 (the newest that is AVAILABLE); 6 has no image yet.",
        ),
        (ChoiceRule.PUBLISHED, (), None),
        (ChoiceRule.STATED, (), None),
    ],
)
def test_the_sentence(
    rule: ChoiceRule, newer: tuple[NewerVersion, ...], sentence: str | None
) -> None:
    assert explain_choice(5, VersionChoice(rule, newer)) == sentence


def test_each_status_has_words() -> None:
    for status in ImageStatus:
        newer = (NewerVersion(6, status, 1),)
        assert explain_choice(5, VersionChoice(ChoiceRule.PUBLISHED, newer))
