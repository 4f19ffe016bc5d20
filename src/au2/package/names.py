"""Names of a package's files (spec section 2), and names similar to them without effect."""

import re
from collections.abc import Iterable
from typing import Final

from au2.domain.jobs.container_contract import Language

MANIFEST = "aunsight.yml"
ARGS_SCHEMA = "args.schema.yml"
OUT_SCHEMA = "out.schema.yml"
ENVIRONMENT = "env.yml"
IGNORE = ".auignore"
BEFORE = "before.sh"
AFTER = "after.sh"
PYTHON_DEPENDENCIES = "requirements.txt"
JAVASCRIPT_DEPENDENCIES = "package.json"
JAVASCRIPT_LOCK = "package-lock.json"
JAVASCRIPT_SHRINKWRAP = "npm-shrinkwrap.json"
"""npm takes it instead of a lock where both are."""
DEBIAN_PACKAGES = "packages.txt"
NPM_SETTINGS = ".npmrc"

ENTRY_POINTS = tuple(language.entry_point for language in Language)

NEVER_IGNORED = frozenset(
    {
        MANIFEST,
        ARGS_SCHEMA,
        OUT_SCHEMA,
        ENVIRONMENT,
        IGNORE,
        BEFORE,
        AFTER,
        PYTHON_DEPENDENCIES,
        JAVASCRIPT_DEPENDENCIES,
        JAVASCRIPT_LOCK,
        JAVASCRIPT_SHRINKWRAP,
        DEBIAN_PACKAGES,
        *ENTRY_POINTS,
    }
)
"""Files at the top of a package that ``.auignore`` can't leave out."""


_SHORTEST_WITH_SLIPS: Final = 5
"""In shorter names another letter makes another word: ``en.yml`` is no ``env.yml``."""
_LONGEST: Final = 32
_ENDINGS: Final = re.compile(r"\.(?:yaml|yml|json)$")
_SEPARATORS: Final = re.compile(r"[-_. ]+")
_LONG_WORDS: Final = {
    "argument": "args",
    "arguments": "args",
    "environment": "env",
    "output": "out",
    "outputs": "out",
    "schemas": "schema",
}


def find_near_names(paths: Iterable[str]) -> dict[str, str]:
    """Return each top-level file with a name similar to a special file → the right name.

    If the special file exists too, the similar one is taken as intended.

    Args:
        paths: of all files of the package.
    """
    there = {path for path in paths if len(path) <= _LONGEST and "/" not in path}
    open_to_guess = NEVER_IGNORED - there
    if there & set(ENTRY_POINTS):
        open_to_guess -= set(ENTRY_POINTS)
    found = {}
    for name in sorted(there - NEVER_IGNORED):
        meant = next((known for known in sorted(open_to_guess) if _is_near(name, known)), None)
        if meant is not None:
            found[name] = meant
    return found


def _is_near(name: str, known: str) -> bool:
    normalised, wanted = _normalise(name, known), _normalise(known, known)
    if normalised == wanted:
        return True
    stem = known.lstrip(".")
    return len(stem.rpartition(".")[0] or stem) >= _SHORTEST_WITH_SLIPS and _is_a_slip(
        normalised, wanted
    )


def _normalise(name: str, known: str) -> str:
    """Drop common differences: case, the ending of YAML, separators, long forms of words."""
    text = name.lower()
    if known.endswith(".yml"):
        text = _ENDINGS.sub(".yml", text)
    words = _SEPARATORS.split(text)
    return ".".join(_LONG_WORDS.get(word, word) for word in words)


def _is_a_slip(one: str, other: str) -> bool:
    """Whether one letter was added, left out or replaced, or two neighbours were swapped."""
    while one and other and one[0] == other[0]:
        one, other = one[1:], other[1:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    return max(len(one), len(other)) <= 1 or (len(one) == 2 and one == other[::-1])
