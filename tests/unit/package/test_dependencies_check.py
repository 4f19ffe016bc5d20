"""`repo check` reads what a package asks for."""

import json
from pathlib import Path

import pytest

from au2.package.check import inspect_package

MANIFEST = "name: n\nruntime: r\n"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "aunsight.yml").write_text(MANIFEST)
    (tmp_path / "main.py").write_text("")
    return tmp_path


def told(package: Path) -> list[str]:
    return [str(detail) for detail in inspect_package(package).errors]


def test_errors_are_told_with_those_of_included_files(package: Path) -> None:
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


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_a_byte_order_mark_says_how_the_list_is_written(package: Path, encoding: str) -> None:
    (package / "requirements.txt").write_bytes("six\n-r more.txt\n-e .\n".encode(encoding))
    (package / "more.txt").write_bytes("idna\r\n\r\nsix==\r\n".encode("utf-16"))
    assert [line.partition(": ")[0] for line in told(package)] == [
        "more.txt:3",
        "requirements.txt:3",
    ]


def test_a_comment_says_how_the_list_is_written(package: Path) -> None:
    list_ = package / "requirements.txt"
    list_.write_bytes("# -*- coding: latin-1 -*-\nsix  # für alle\n".encode("latin-1"))
    assert told(package) == []
    for encoding in (
        "utf_99",
        "punycode",
        "rot13",
        "unicode_escape",
        "undefined",
        "zlib",
        "os.path",
        "mbcs",
        "..",
    ):
        list_.write_text(f"# coding: {encoding}\nsix\n")
        (message,) = told(package)
        assert message.startswith(f"requirements.txt:1: the encoding '{encoding}' is not known")
    list_.write_bytes(b"# coding: ascii\n# \xff\n")
    assert told(package) == [
        "requirements.txt:1: the file is not ascii, as it says: save it as UTF-8"
    ]


def test_other_files_say_what_they_are_instead_of_utf_8(package: Path) -> None:
    (package / "env.yml").write_bytes("A: b\n".encode("utf-16"))
    (message,) = told(package)
    assert message.startswith("env.yml: the file is UTF-16, not UTF-8: save it as UTF-8")
    for encoding in ("utf-16-le", "utf-16-be"):
        (package / "env.yml").write_bytes("A: b\n".encode(encoding))
        (message,) = told(package)
        assert message.startswith("env.yml:1: the file looks like UTF-16 without a byte order")


def test_a_name_of_an_encoding_without_end_is_refused(package: Path) -> None:
    (package / "requirements.txt").write_text(f"# coding: {'x' * 9000}\nsix\n")
    (message,) = told(package)
    assert "is not known" in message
    assert len(message) < 200


def test_errors_in_requirements_are_told_with_their_line(package: Path) -> None:
    (package / "requirements.txt").write_text(
        "six; python_version > 3\nsix; pyhton_version > '3'\nsix>=1.*\nsix>=0!1.0\n"
    )
    assert [line.partition(": ")[0] for line in told(package)] == [
        f"requirements.txt:{line}" for line in (1, 2, 3)
    ]


ENTRY = {"version": "1.0.0", "resolved": "https://registry.npmjs.org/a/-/a-1.0.0.tgz"}


@pytest.fixture
def javascript(package: Path) -> Path:
    (package / "main.py").rename(package / "main.js")
    (package / "package.json").write_text('{"dependencies": {"a": "1"}}')
    return package


def test_a_shrinkwrap_file_is_a_lock(javascript: Path) -> None:
    lock = {"lockfileVersion": 3, "packages": {"": {}, "node_modules/a": ENTRY}}
    (javascript / "npm-shrinkwrap.json").write_text(json.dumps(lock))
    assert told(javascript) == []
    # npm takes it before the other.
    (javascript / "package-lock.json").write_text("{}")
    assert told(javascript) == []
    (javascript / "npm-shrinkwrap.json").write_text("{}")
    (message,) = told(javascript)
    assert message.startswith("npm-shrinkwrap.json: this is no lock of version 2 or 3")


def test_a_missing_lock_is_told(javascript: Path) -> None:
    (message,) = told(javascript)
    assert message.startswith("package-lock.json: the file is missing")
