"""Messages and hints for failed installations, from npm's output. Pure."""

import re
from collections import deque

from au2.package.javascript import MAKE_ANEW

_PREFIX = "npm error "
_LAST_LINES = 3
_SHOWN_CHARACTERS = 200
_ABOUT_LOGS = ("A complete log of this run", "Log files were not written")
_SAYS_WHY = re.compile(r"[Ee]rror:|[Ff]atal|[Cc]annot|[Nn]ot found")
_MISSING = {
    "network": re.compile(
        r"ENOTFOUND|EAI_AGAIN|ENETUNREACH|ECONNREFUSED|ETIMEDOUT|getaddrinfo|fetch failed"
        r"|[Nn]etwork is unreachable|[Cc]ould not resolve|name resolution"
    ),
    "compiler": re.compile(
        r"gyp ERR|node-gyp|not found: make|\b(make|gcc|g\+\+|cc|cmake): not found"
    ),
}
"""Needs of scripts that builds don't meet, and how their output shows them."""
_NOT_IN_SYNC = frozenset({"EUSAGE", "ETARGET", "E404", "ERESOLVE"})


class NpmFailure:
    """Parser of npm's error lines, among which is the output of a failed script.

    A script can print lines like npm's; they come after npm's own, so the first of each counts.
    """

    def __init__(self) -> None:
        self._stated: dict[str, str] = {}
        self._last: deque[str] = deque(maxlen=_LAST_LINES)
        self._reasons: deque[str] = deque(maxlen=_LAST_LINES)
        self._missing: set[str] = set()

    def take(self, line: str) -> None:
        """Read a line of the log."""
        if not line.startswith(_PREFIX):
            return
        text = line.removeprefix(_PREFIX).strip()
        key, _, value = text.partition(" ")
        if text == "command failed":
            self._stated.setdefault("failed", text)
        elif key in {"code", "path", "command"} and key not in self._stated:
            self._stated[key] = value
        elif text and not text.startswith(_ABOUT_LOGS):
            self._take_output(text)

    def _take_output(self, text: str) -> None:
        self._last.append(_shown(text))
        if _SAYS_WHY.search(text):
            self._reasons.append(_shown(text))
        self._missing |= {need for need, pattern in _MISSING.items() if pattern.search(text)}

    @property
    def message(self) -> str:
        """Sentences about the failure."""
        if "failed" not in self._stated:
            return "The dependencies could not be installed: see the log."
        command = _shown(self._stated.get("command", "").removeprefix("sh -c "))
        said = " / ".join(self._reasons or self._last)
        words = f" It said: {said}" if said else ""
        return f"The install script of {self._package} failed ('{command}').{words}"

    @property
    def hint(self) -> str:
        """A sentence about the next step."""
        if "failed" not in self._stated:
            return _advise(self._stated.get("code", ""))
        if self._missing:
            return (
                f"Builds have no {' and no '.join(sorted(self._missing))}: choose a version of "
                f"{self._package} that installs without."
            )
        return f"See the log; choose another version of {self._package}, or leave it out."

    @property
    def _package(self) -> str:
        return _shown(self._stated.get("path", "").rpartition("node_modules/")[2]) or "a package"


def _advise(code: str) -> str:
    if code in _NOT_IN_SYNC:
        return (
            "package-lock.json must fit package.json: 'npm install --package-lock-only' renews it; "
            f"if that does not help, '{MAKE_ANEW}'. If you create it with --legacy-peer-deps, "
            "write 'legacy-peer-deps=true' into the package's .npmrc."
        )
    if code == "EBADPLATFORM":
        return (
            "The package in the log is for another system: move it to optionalDependencies, and "
            "renew the lock with 'npm install --package-lock-only'."
        )
    return f"Fix the error that npm reports; '{MAKE_ANEW}' makes the lock anew."


def _shown(text: str) -> str:
    """Return untrusted text for a message: one line of limited length."""
    clean = "".join(character if character.isprintable() else "?" for character in text)
    return clean if len(clean) <= _SHOWN_CHARACTERS else f"{clean[:_SHOWN_CHARACTERS]}…"
