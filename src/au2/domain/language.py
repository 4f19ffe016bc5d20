"""The languages that packages are written in."""

from enum import StrEnum


class Language(StrEnum):
    """The languages of entry points."""

    PYTHON = "python"
    SHELL = "shell"
    JAVASCRIPT = "javascript"
    R = "r"

    @property
    def entry_point(self) -> str:
        """The default name of the entry point."""
        endings = {"python": "py", "shell": "sh", "javascript": "js", "r": "r"}
        return f"main.{endings[self.value]}"
