"""`repo check` reads what a package asks for."""

from pathlib import Path

import pytest

from au2.package.check import check_package

MANIFEST = "name: n\nruntime: r\n"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "aunsight.yml").write_text(MANIFEST)
    (tmp_path / "main.py").write_text("")
    return tmp_path


def told(package: Path) -> list[str]:
    return [str(detail) for detail in check_package(package)]


def test_mistakes_are_told_with_those_of_included_files(package: Path) -> None:
    (package / "requirements.txt").write_text("six\n-r more.txt\n-r none.txt\n-r odd.txt\n")
    (package / "more.txt").write_text("-e .\n")
    (package / "odd.txt").write_bytes(b"\xff")
    assert [line.partition(": ")[0] for line in told(package)] == [
        "odd.txt:1",
        "more.txt:1",
        "requirements.txt:3",
    ]


def test_of_another_language_it_is_any_file(package: Path) -> None:
    (package / "main.py").rename(package / "main.sh")
    (package / "requirements.txt").write_text("-e .\n")
    assert told(package) == []
