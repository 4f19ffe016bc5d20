"""Contributor pages name files and modules that exist."""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.checkout import ROOT

PAGES = [
    ROOT / "ARCHITECTURE.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "STYLE.md",
    *sorted((ROOT / "contributing").glob("*.md")),
]
_PATH = re.compile(r"`((?:src|tests|scripts|docs|sdk|bench|chaos)/[\w./-]+)`")
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_MODULE = re.compile(r"`(au2\.[\w.]+)`")


def missing(page: Path) -> Iterator[str]:
    """Return what the page names and the checkout has not."""
    text = page.read_text()
    yield from (path for path in _PATH.findall(text) if not (ROOT / path).exists())
    yield from (path for path in _LINK.findall(text) if not (page.parent / path).exists())
    yield from (name for name in _MODULE.findall(text) if find_spec(name) is None)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_paths_exist(page: Path) -> None:
    assert list(missing(page)) == []


def test_a_path_that_is_gone_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("`src/au2/domain` `src/au2/gone.py` [a](gone.md) `au2.domain`")
    assert list(missing(page)) == ["src/au2/gone.py", "gone.md"]
