"""Division of an installation into wheels: no wheel gets another's files."""

import hashlib
import io
from functools import partial

import pytest

from au2.dependencies.python.installed_wheels import (
    InstalledWheel,
    WheelContents,
    clashes,
    merge,
    split,
)
from au2.oci.tar.writer import LayerEntry, file_entry, link_entry


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
