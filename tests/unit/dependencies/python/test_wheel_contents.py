"""Contents of wheels: the files that they install, and when these are not certain."""

import base64
import hashlib
import zipfile
from pathlib import Path

import pytest

from au2.dependencies.python.installed_wheels import WheelContents, read_wheel

INFO = "thing-1.dist-info"


def read(
    folder: Path, files: dict[str, str], *, record: str | None = None, more: str = ""
) -> WheelContents | None:
    def line(name: str, text: str) -> str:
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
        return f"{name},sha256={digest.rstrip('=')},{len(text)}\n"

    if record is None:
        record = "".join(line(*file) for file in files.items()) + f"{INFO}/RECORD,,\n"
    path = folder / "thing.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**files, f"{INFO}/RECORD": record + more}.items():
            archive.writestr(name, text)
    return read_wheel(path, "/usr/bin/python3")


def test_every_file_is_told_where_it_goes(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        {
            "thing/a.py": "a",
            "thing/__pycache__/a.cpython-311.pyc": "left out",
            "thing-1.data/purelib/b.py": "b",
            "thing-1.data/data/share/c": "c",
            "thing-1.data/scripts/d": "d",
            "thing-1.data/headers/e.h": "e",
            f"{INFO}/entry_points.txt": "[console_scripts]\ngo = thing.a:run.now [x]\n",
        },
    )
    assert found is not None
    assert found.is_certain
    assert set(found.files) == {
        *("thing/a.py", "b.py", "share/c", "bin/d", "bin/go", "include/thing/e.h"),
        *(f"{INFO}/{name}" for name in ("RECORD", "INSTALLER", "entry_points.txt")),
    }
    assert found.files["b.py"] == hashlib.sha256(b"b").hexdigest()
    assert [path for path, digest in found.files.items() if digest is None] == [f"{INFO}/RECORD"]


@pytest.mark.parametrize("record", ["", f"{INFO}/RECORD,,\n", "a.py,md5=x,1\n", "a.py\n", "\n\n"])
def test_a_record_without_a_file_makes_the_contents_uncertain(tmp_path: Path, record: str) -> None:
    found = read(tmp_path, {"a.py": "a"}, record=record)
    assert found is not None
    assert not found.is_certain


def test_a_record_with_another_file_makes_the_contents_uncertain(tmp_path: Path) -> None:
    found = read(tmp_path, {"a.py": "a"}, more="b.py,sha256=AAAA,1\n")
    assert found is not None
    assert not found.is_certain


@pytest.mark.parametrize(
    "files",
    [
        {"../a.py": ""},
        {"/a.py": ""},
        {"a/./b": ""},
        {"a\\b": ""},
        {"thing-1.data/other/x": ""},
        {"thing-1.data/scripts": ""},
        {"thing-1.data/purelib/a.py": "", "a.py": ""},
        {"other-1.dist-info/METADATA": ""},
        {f"{INFO}/entry_points.txt": "[console_scripts]\n../x = a:b\n"},
        {f"{INFO}/entry_points.txt": "[console_scripts]\nx = import os\n"},
        {f"{INFO}/entry_points.txt": "nonsense"},
    ],
)
def test_an_odd_wheel_is_not_read(tmp_path: Path, files: dict[str, str]) -> None:
    assert read(tmp_path, files) is None


@pytest.mark.parametrize("data", [b"", b"PK", b"nonsense" * 100])
def test_a_file_that_is_no_archive_is_not_read(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "thing.whl"
    assert read_wheel(path, "python3") is None
    path.write_bytes(data)
    assert read_wheel(path, "python3") is None


def test_an_archive_without_a_record_is_no_wheel(tmp_path: Path) -> None:
    path = tmp_path / "thing.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{INFO}/METADATA", "")
    assert read_wheel(path, "python3") is None
