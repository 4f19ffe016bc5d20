"""How a registry asks for a login: the header ``WWW-Authenticate`` (RFC 9110, section 11)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_MOST_CHARACTERS = 8192
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SCHEME = re.compile(rf"[\s,]*({_WORD})(?=\s|,|$)(?!\s*=)")
_PARAMETER = re.compile(rf'[\s,]*({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))')


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to log in that a registry offers."""

    scheme: str
    """In lower case: ``bearer``, ``basic`` …"""
    parameters: Mapping[str, str]
    """By their names in lower case: ``realm``, ``service``, ``scope`` …"""


def parse_challenges(header: str) -> list[Challenge]:
    """Return the challenges of a header, in order; what can't be understood ends the list."""
    text, found = header[:_MOST_CHARACTERS], []
    position = 0
    while scheme := _SCHEME.match(text, position):
        position = scheme.end()
        parameters: dict[str, str] = {}
        while pair := _PARAMETER.match(text, position):
            name, quoted, plain = pair.groups()
            value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            parameters.setdefault(name.lower(), value)
            position = pair.end()
        found.append(Challenge(scheme[1].lower(), parameters))
    return found
