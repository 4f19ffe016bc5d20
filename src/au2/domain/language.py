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
        return f"main.{self.endings[0]}"

    @property
    def endings(self) -> tuple[str, ...]:
        """What an entry point's name may end with, the usual one first, in lower case."""
        return _ENDINGS[self.value]


_ENDINGS = {"python": ("py",), "shell": ("sh",), "javascript": ("js", "mjs", "cjs"), "r": ("r",)}
