"""Tests run their subject or fail: nothing is skipped, and our own modules are not replaced."""

import re
from pathlib import Path

from tests.support.checkout import ROOT

FORBIDDEN = re.compile(
    r"pytest\.skip|mark\.skip|importorskip|mark\.xfail|mock\.patch|monkeypatch\.setattr\(.?au2"
)


def test_nothing_is_skipped_or_patched() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if path != Path(__file__)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if FORBIDDEN.search(line)
    ]

    assert found == []
