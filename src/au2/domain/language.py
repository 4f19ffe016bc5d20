"""Languages of packages."""

from enum import StrEnum


class Language(StrEnum):
    """Language of an entry point."""

    PYTHON = "python"
    SHELL = "shell"
    JAVASCRIPT = "javascript"
    R = "r"

    @property
    def entry_point(self) -> str:
        """Default name of the entry point."""
        return f"main.{self.endings[0]}"

    @property
    def endings(self) -> tuple[str, ...]:
        """File name extensions of entry points in lower case, the usual one first."""
        return _ENDINGS[self.value]


_ENDINGS = {"python": ("py",), "shell": ("sh",), "javascript": ("js", "mjs", "cjs"), "r": ("r",)}
