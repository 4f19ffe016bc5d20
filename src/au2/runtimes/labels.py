"""Labels of a runtime's image."""

from collections.abc import Mapping

from au2.domain.language import Language

LANGUAGE = "au2.runtime.language"
NAME = "au2.runtime.name"
RESET_SIGNALS = "au2.runtime.reset-signals"
"""A command that restores SIGINT and SIGQUIT, which a shell may ignore, and runs another."""


def find_language(labels: Mapping[str, str]) -> Language | None:
    """Return the language in an image's labels, if any."""
    try:
        return Language(labels.get(LANGUAGE, ""))
    except ValueError:
        return None
