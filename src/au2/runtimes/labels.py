"""What a runtime's image says of itself, for the builder."""

from collections.abc import Mapping

from au2.domain.language import Language

LANGUAGE = "au2.runtime.language"
NAME = "au2.runtime.name"
RESET_SIGNALS = "au2.runtime.reset-signals"
"""A command that runs another with SIGINT and SIGQUIT as they were before a shell touched them."""


def find_language(labels: Mapping[str, str]) -> Language | None:
    """Return the language that the image's labels tell, if they do."""
    try:
        return Language(labels.get(LANGUAGE, ""))
    except ValueError:
        return None
