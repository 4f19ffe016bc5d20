from pathlib import Path

import pytest

from au2.domain.jobs.container_contract import Language
from au2.package.check import inspect_package
from au2.package.template import write_package


@pytest.fixture
def package(tmp_path: Path) -> Path:
    write_package(tmp_path, name="a", description="", runtime="r", language=Language.PYTHON)
    return tmp_path


def found(package: Path, language: Language | None = None) -> list[str]:
    return sorted(str(detail) for detail in inspect_package(package, language=language).errors)


def test_a_new_package_has_no_errors(package: Path) -> None:
    assert found(package) == []
    assert found(package, Language.PYTHON) == []


def test_every_error_at_once(package: Path) -> None:
    (package / "main.py").unlink()
    (package / "aunsight.yml").write_text("name: a\nruntime: r\nentry_point: run.py\nx: 1\n")
    (package / "env.yml").write_text("A: 1\nAU_B: 2\n")
    (package / "args.schema.yml").write_text("type: object\nx: [\n")
    (package / "out.schema.yml").write_bytes(b"a: 1\nb: \xff\n")
    (package / "before.sh").symlink_to("env.yml")
    (package / "up").symlink_to("/etc/passwd")
    messages = found(package)
    places = [message.partition(": ")[0] for message in messages]
    assert places == [
        "args.schema.yml:3",
        "aunsight.yml:4",
        "before.sh",
        "env.yml:2",
        "out.schema.yml:2",
        "run.py",
        "up",
    ]


def test_the_entry_point_suits_the_runtime(package: Path) -> None:
    assert "must end with .r" in found(package, Language.R)[0]
    (package / "main.py").rename(package / "main.js")
    assert found(package) == ["main.py: the entry point is missing"]


def test_broken_yaml_is_told_once(package: Path) -> None:
    (package / "aunsight.yml").write_text("name: a\n  b: c\n")
    messages = found(package)
    assert len([text for text in messages if text.startswith("aunsight.yml:2")]) == 1


def test_a_large_manifest(package: Path) -> None:
    (package / "env.yml").write_text("#" * (1 << 20) + "\n")
    assert found(package) == ["env.yml: the file is larger than 1 MiB"]
