"""Nobody is told to install by a name of a public index: the project owns none there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.checkout import ROOT

INSTALLS = re.compile(
    r"\b(?:pip3?|pipx|uv|npm|yarn|poetry|conda)\b.*?\b(?:install|add|i)\b(?P<rest>.*)"
)
BY_NAME = re.compile(
    r"(?:^|[\s'\"`])(?:au2|aunsight)(?:\[[a-z,]*\])?(?:[=<>~!@][^\s/]*)?(?=$|[\s'\"`),.;:])"
)


def pages() -> Iterator[Path]:
    yield from ROOT.glob("*.md")
    for folder, pattern in (
        ("docs", "*.md"),
        ("contributing", "*.md"),
        ("sdk", "*.md"),
        ("deploy", "*"),
        ("scripts", "*"),
        ("src/au2", "*.py"),
        ("src/au2/package/templates", "*"),
    ):
        yield from (path for path in (ROOT / folder).rglob(pattern) if path.is_file())


def names_in(line: str) -> list[str]:
    """Return names that an index would be asked for."""
    if "--no-index" in line:
        return []
    # A command ends with its backtick.
    commands = [found["rest"] for part in line.split("`") if (found := INSTALLS.search(part))]
    return [name[0].strip() for command in commands for name in BY_NAME.finditer(command)]


@pytest.mark.parametrize(
    "line",
    [
        "Install it with: pip install 'au2[server]'",
        "pip install au2",
        "uv tool install au2==0.1.0",
        "`pip install -U aunsight`.",
        "npm install aunsight",
    ],
)
def test_a_name_of_an_index_is_found(line: str) -> None:
    assert names_in(line)


@pytest.mark.parametrize(
    "line",
    [
        "pip install .",
        "pip install './au2-0.1.0-py3-none-any.whl[server]'",
        "pip install http://127.0.0.1:8080/sdk/aunsight-0.1.0-py3-none-any.whl",
        "pip install '.[server]'",
        "pip install --no-index --find-links http://127.0.0.1:8080/sdk/ aunsight",
        "npm install --package-lock-only",
    ],
)
def test_a_file_or_an_address_is_none(line: str) -> None:
    assert not names_in(line)


def test_no_page_and_no_message_names_one() -> None:
    named = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in pages()
        for line in path.read_text("utf-8", "replace").splitlines()
        if names_in(line)
    ]
    assert named == []
