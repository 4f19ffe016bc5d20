"""The guide's package is the one that the story test runs."""

from pathlib import Path

import pytest

from tests.support.checkout import ROOT

SOURCES = ROOT / "tests" / "stories" / "languages"
FILES = sorted([*(SOURCES / "shared").iterdir(), *(SOURCES / "python").iterdir()])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_guide_shows_the_file_as_it_is(file: Path) -> None:
    guide = (ROOT / "docs" / "guides" / "first-process.md").read_text()
    assert f"`{file.name}`" in guide
    assert f"\n{file.read_text()}```" in guide
