"""One requirement, parsed by ``packaging`` and limited to forms read alike by all installers.

pip and uv agree on the grammar (PEP 508, PEP 440). On a few comparisons one of them fails, or
differs from the other. Those are refused: a distribution skipped in silence is missed only in the
job.
"""

import re

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, Specifier
from packaging.version import InvalidVersion, Version

_COMPARISON = re.compile(
    r"""("[^"]*"|'[^']*'|\w+) (not in|in|[=~!<>]+) ("[^"]*"|'[^']*'|\w+)""", re.ASCII
)
"""As ``packaging`` writes one."""
_VERSION_LIST = re.compile(r"[0-9]+\.[0-9]+([ ,]+[0-9]+\.[0-9]+)*", re.ASCII)
_VERSIONS = frozenset({"python_version", "python_full_version", "implementation_version"})
_OF_LOCK_FILES = frozenset({"extras", "dependency_groups"})
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_LARGEST_NUMBER = (1 << 64) - 2
"""In a version: uv keeps 64 bits."""
_MOST_DIGITS = 100


class RequirementError(ValueError):
    """A requirement that can't be installed; the message says why."""


def parse_requirement(text: str) -> Requirement:
    """Return the requirement of one line. Raises RequirementError."""
    try:
        found = Requirement(text)
        written = str(found)
    except (InvalidRequirement, InvalidVersion, InvalidSpecifier) as error:
        reason = str(error).partition("\n")[0]
        raise RequirementError(f"{reason}. Write NAME, NAME==VERSION or NAME; MARKER") from None
    except (ValueError, RecursionError):
        raise RequirementError("a number is too long, or it is nested too deeply") from None
    if found.url is not None:
        raise RequirementError("URLs are not supported")
    for specifier in found.specifier:
        _check_version(specifier)
    if found.marker is not None:
        for comparison in _COMPARISON.finditer(written.partition(";")[2]):
            _check_comparison(*comparison.groups())
    return found


def _check_version(specifier: Specifier) -> None:
    if specifier.operator == "===":
        try:
            Version(specifier.version)
        except InvalidVersion:
            raise RequirementError(f"'{specifier.version}' after === is no version") from None
    for number in re.findall(r"[0-9]+", specifier.version):
        if len(number) > _MOST_DIGITS or int(number) > _LARGEST_NUMBER:
            raise RequirementError(f"a number in '{specifier.version[:80]}' is too large")


def _check_comparison(left: str, operator: str, right: str) -> None:
    """Raise RequirementError unless all installers understand a comparison alike."""
    shown = f"'{left} {operator} {right}'"
    is_turned = left[0] in "\"'"
    variable, text = (right, left) if is_turned else (left, right)
    if variable[0] in "\"'" or text[0] not in "\"'":
        raise RequirementError(f"{shown} must compare one variable with one quoted text")
    value = text[1:-1]
    if variable in _OF_LOCK_FILES:
        raise RequirementError(f"{variable} is for lock files")
    if operator in {"==", "!="} and variable not in _VERSIONS:
        return
    if operator in {"in", "not in"}:
        _check_membership(variable, value, shown, is_turned=is_turned)
        return
    if variable not in _VERSIONS:
        raise RequirementError(f"{shown}: {variable} is a text, compare it with ==, != or in")
    try:
        Specifier(f"{_TURNED.get(operator, operator) if is_turned else operator}{value}")
    except InvalidSpecifier:
        raise RequirementError(f"{shown} compares with no version") from None
    if operator == "===" or (is_turned and operator == "~="):
        raise RequirementError(f"{shown}: {operator} is not supported in that place")


def _check_membership(variable: str, value: str, shown: str, *, is_turned: bool) -> None:
    """Raise RequirementError where one looks in a list of versions or names, another in a text."""
    if variable == "extra":
        raise RequirementError(f"{shown}: compare extra with == or !=")
    if variable in _VERSIONS and (
        is_turned or variable != "python_version" or not _VERSION_LIST.fullmatch(value)
    ):
        raise RequirementError(f'{shown}: write python_version in "3.10 3.11"')
