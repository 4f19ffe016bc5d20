"""Codes: stable words for programs, each with a sentence for people."""

from enum import StrEnum
from typing import Self


class Code(StrEnum):
    """A closed list of codes; ``meaning`` is one sentence for users."""

    meaning: str

    def __new__(cls, code: str, meaning: str = "") -> Self:
        """Make a member with the code alone as value, for ``Reason(code)``."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member
