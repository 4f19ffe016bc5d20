"""The language of the code: STYLE.md, as far as a program can hold it."""

import re
from collections.abc import Iterator

from tests.support.docstrings import list_docstrings, packages, share_of_pronouns

MOST_WHAT = 0.9
MOST_PRONOUNS = 13.0
"""Per thousand words of docstrings: the most in hatch, procrastinate, litestar and dstack."""

MOST_WHAT_IN_ALL = 7.5
MOST_PRONOUNS_IN_ALL = 29.0
"""The same in all of ``src/au2``, while packages are still to be rewritten. Only ever lowered."""

TO_REWRITE: frozenset[str] = frozenset()
"""Packages whose docstrings are still above the limits. None is added; a rewritten one leaves."""

BANNED = re.compile(
    r"\b(whoever|whomever|lacking|somebody|anybody|house|rooms|mend|mended|mends|elsewhere)\b",
    re.IGNORECASE,
)
"""Words of the private dialect that no docstring of a rewritten package holds."""


def rewritten() -> list[str]:
    return [name for name in packages() if name not in TO_REWRITE]


def test_docstrings_name_their_subject() -> None:
    for package in rewritten():
        shares = share_of_pronouns(list_docstrings(package))
        assert shares.what <= MOST_WHAT, package
        assert shares.pronouns <= MOST_PRONOUNS, package


def test_docstrings_of_all_packages_get_no_worse() -> None:
    shares = share_of_pronouns(list_docstrings())
    assert shares.words > 10_000
    assert shares.what <= MOST_WHAT_IN_ALL
    assert shares.pronouns <= MOST_PRONOUNS_IN_ALL


def test_rewritten_packages_have_left_the_list() -> None:
    for package in TO_REWRITE.intersection(packages()):
        shares = share_of_pronouns(list_docstrings(package))
        assert shares.what > MOST_WHAT or shares.pronouns > MOST_PRONOUNS, f"{package} is rewritten"


def banned_words(package: str) -> Iterator[str]:
    for docstring in list_docstrings(package):
        for match in BANNED.finditer(docstring.text):
            yield f"{docstring.path}:{docstring.line}: {match[0]}"


def test_only_packages_to_rewrite_hold_private_dialect() -> None:
    holding = {package for package in packages() if any(banned_words(package))}
    assert holding <= TO_REWRITE
