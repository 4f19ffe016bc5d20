"""Suggestions of commands for a word that is none."""

from collections.abc import Collection
from typing import Final

_SAME_MEANING: Final = (
    ("create", "add", "new", "make"),
    ("delete", "remove", "rm", "del", "destroy", "revoke", "disable"),
    ("list", "ls"),
    ("show", "get", "describe", "inspect", "info", "view", "status"),
    ("update", "edit", "change", "modify"),
    ("rename", "mv", "move"),
    ("set", "use", "switch", "select"),
    ("stop", "cancel", "kill", "abort", "terminate"),
    ("logs", "log", "tail"),
    ("output", "result", "results"),
    ("run", "start", "submit", "exec"),
    ("upload", "push"),
    ("download", "pull", "fetch"),
    ("disable", "lock", "block"),
    ("enable", "unlock", "unblock"),
)
"""Words that other tools use for the same."""


def suggest_commands(word: str, known: Collection[str]) -> list[str]:
    """Return at most two of the known commands: of the same meaning, else of similar spelling."""
    from difflib import get_close_matches  # only needed for typing errors

    same = [
        name
        for group in _SAME_MEANING
        if word in group
        for name in group
        if name in known and name != word
    ]
    return same[:2] or get_close_matches(word, known, n=2, cutoff=0.5)
