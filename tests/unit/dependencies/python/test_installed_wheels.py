"""Division of an installation into wheels: no wheel gets another's files."""

import base64
import hashlib
import io
import zipfile
from functools import partial
from pathlib import Path

import pytest

from au2.dependencies.python.installed_wheels import (
    InstalledWheel,
    WheelContents,
    clashes,
    merge,
    read_wheel,
    split,
)
from au2.oci.tar.writer import LayerEntry, file_entry, link_entry

INFO = "thing-1.dist-info"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def tree(files: dict[str, str]) -> InstalledWheel:
    entries = [
        file_entry(f"top/{path}", len(text), partial(io.BytesIO, text.encode()))
        for path, text in files.items()
    ]
    return InstalledWheel(entries, {f"top/{path}": digest(text) for path, text in files.items()})


def wheel(name: str, *, is_certain: bool = True, **files: str | None) -> WheelContents:
    named = {path.replace("__", "/").replace("_py", ".py"): text for path, text in files.items()}
    digests = {path: None if text is None else digest(text) for path, text in named.items()}
    return WheelContents({**digests, f"{name}.dist-info/RECORD": None}, is_certain)


def record(name: str, *paths: str) -> dict[str, str]:
    info = f"{name}.dist-info/RECORD"
    return {info: "".join(f"{path},,\n" for path in (*paths, info))}


def parts(found: InstalledWheel, *wheels: WheelContents) -> dict[str, set[str]]:
    named = {
        path.partition(".")[0]: wheel
        for wheel in wheels
        for path, text in wheel.files.items()
        if text is None and path.endswith("RECORD")
    }
    wheels_found = split(found.entries, found.digests, named, "top")
    return {
        name: {entry.path.removeprefix("top/") for entry in wheel.entries}
        - {f"{name}.dist-info/RECORD"}
        for name, wheel in wheels_found.items()
    }


def test_each_wheel_gets_its_files_and_their_compiled_modules() -> None:
    files = {"a.py": "a", "b/x.py": "b", "b/__pycache__/x.cpython-311.pyc": "!"}
    found = tree({**files, **record("a", "a.py"), **record("b", "b/x.py")})
    assert parts(found, wheel("a", a_py="a"), wheel("b", b__x_py="b")) == {
        "a": {"a.py"},
        "b": {"b/x.py", "b/__pycache__/x.cpython-311.pyc"},
    }


def test_a_wheel_that_does_not_match_its_record_is_not_kept() -> None:
    records = {**record("a", "a.py"), **record("b", "b.py"), **record("c", "c.py"), **record("d")}
    found = tree({"a.py": "other", "b.py": "b", "c.py": "c", **records})
    wheels = (wheel("a", a_py="a"), wheel("b", b_py="b"), wheel("c", c_py="c", is_certain=False))
    assert parts(found, *wheels) == {"b": {"b.py"}}
    assert parts(found, *wheels, wheel("d", more_py="not there")) == {"b": {"b.py"}}


def test_a_file_of_two_is_either_s_if_both_say_the_same() -> None:
    records = {**record("a", "x.py"), **record("b", "x.py")}
    found = tree({"x.py": "x", "__pycache__/x.cpython-311.pyc": "!", **records})
    assert set(parts(found, wheel("a", x_py="x"), wheel("b", x_py="x"))) == {"a", "b"}
    assert set(parts(found, wheel("a", x_py="x"), wheel("b", x_py="y"))) == {"a"}


def test_wheels_with_the_same_installer_file_are_not_kept() -> None:
    found = tree({"x.py": "x", **record("a", "x.py"), **record("b")})
    thief = WheelContents({"a.dist-info/RECORD": None, "b.dist-info/RECORD": None}, True)
    wheels = {"a": wheel("a", x_py="x"), "b": thief}
    assert split(found.entries, found.digests, wheels, "top") == {}


@pytest.mark.parametrize("told", [(), ("a.py", "made.py"), ("../a.py",)])
def test_a_wheel_that_the_installer_records_otherwise_is_not_kept(told: tuple[str, ...]) -> None:
    found = tree({"a.py": "a", "made.py": "", **record("a", *told)})
    assert parts(found, wheel("a", a_py="a")) == {}


def test_files_of_no_wheel_are_not_kept() -> None:
    found = tree({"a.py": "a", "more.py": "", **record("a", "a.py")})
    more = InstalledWheel([*found.entries, link_entry("top/l", "a.py")], found.digests)
    assert parts(more, wheel("a", a_py="a")) == {"a": {"a.py"}}


def test_installed_wheels_are_merged_unless_they_contradict() -> None:
    def paths(*files: dict[str, str]) -> list[str] | None:
        entries = merge([tree(some) for some in files])
        return None if entries is None else sorted(entry.path for entry in entries)

    assert paths({"a": "1"}, {"b": "2"}, {"a": "1"}) == ["top/a", "top/b"]
    assert paths({"a": "1"}, {"a": "2"}) is None
    assert paths({"a": "1"}, {"a/b": "2"}) is None
    assert merge([]) == []
    plain = tree({"a": "1"})
    program: LayerEntry = file_entry("top/a", 1, None, executable=True)
    assert merge([plain, InstalledWheel([program], plain.digests)]) is None


def test_wheels_clash_in_files_that_differ() -> None:
    assert not clashes([wheel("a", x_py="x"), wheel("b", x_py="x", y_py="y")])
    assert clashes([wheel("a", x_py="x"), wheel("b", x_py="y")])


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
