import csv
import io
from pathlib import Path

import pytest

from au2.dependencies.python.wheel import InstallScheme, InvalidWheel, LaidOutWheel, lay_out_wheel
from au2.oci.tar.writer import LayerEntry
from tests.support.packages.wheels import make_wheel

SITE = "usr/local/lib/python3.11/dist-packages"
SCHEME = InstallScheme(
    purelib=SITE,
    platlib="usr/local/lib64/python3.11",
    scripts="usr/local/bin",
    data="usr/local",
    include="usr/local/include/python3.11",
    python="/usr/bin/python3",
)


def content(entry: LayerEntry) -> bytes:
    if entry.open is None:
        return b""
    with entry.open() as file:
        return file.read()


def opened(path: Path) -> LaidOutWheel:
    return lay_out_wheel(path, path.name, SCHEME)


def test_where_things_go(tmp_path: Path) -> None:
    wheel = opened(
        make_wheel(
            tmp_path,
            "Some_thing",
            files={
                "Some_thing/empty.py": b"",
                "Some_thing-1.0.data/scripts/tool": b"#!python\nprint(1)\n",
                "Some_thing-1.0.data/scripts/other": b"#!/bin/sh\nexit\n",
                "Some_thing-1.0.data/data/share/x.txt": b"x",
                "Some_thing-1.0.data/headers/x.h": b"h",
                "Some_thing-1.0.data/platlib/y.so": b"so",
            },
            entry_points="[console_scripts]\nrun-it = Some_thing.cli:main.go [more]\n[x]\na=b\n",
        )
    )
    assert wheel[:3] == ("some-thing", "1.0", "py3-none-any")
    files = {path: content(entry) for path, entry in wheel.entries.items()}
    assert files[f"{SITE}/Some_thing/__init__.py"] == b"VERSION = '1.0'\n"
    assert files[f"{SITE}/Some_thing/empty.py"] == b""
    assert files["usr/local/bin/tool"] == b"#!/usr/bin/python3\nprint(1)\n"
    assert files["usr/local/bin/other"] == b"#!/bin/sh\nexit\n"
    assert files["usr/local/share/x.txt"] == b"x"
    assert files["usr/local/include/python3.11/Some_thing/x.h"] == b"h"
    assert files["usr/local/lib64/python3.11/y.so"] == b"so"
    script = files["usr/local/bin/run-it"].decode()
    assert "from Some_thing.cli import main\n" in script
    assert "sys.exit(main.go())" in script
    assert wheel.entries["usr/local/bin/run-it"].mode == 0o755
    assert files[f"{SITE}/Some_thing-1.0.dist-info/INSTALLER"] == b"au2\n"


def test_the_record_tells_where_things_went(tmp_path: Path) -> None:
    wheel = opened(
        make_wheel(tmp_path, "a", files={"a-1.0.data/scripts/tool": b"#!python\n"}, pure=True)
    )
    text = content(wheel.entries[f"{SITE}/a-1.0.dist-info/RECORD"]).decode()
    rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(text))}
    assert rows["a/__init__.py"] == ["sha256=stated", "16"]
    assert rows["../../../../../usr/local/bin/tool"][0].startswith("sha256=")
    assert rows["../../../../../usr/local/bin/tool"][0] != "sha256=stated", "it was changed"
    assert rows["a-1.0.dist-info/RECORD"] == ["", ""]
    assert len(rows) == len(wheel.entries)


def test_an_impure_wheel_goes_into_platlib(tmp_path: Path) -> None:
    wheel = opened(make_wheel(tmp_path, "b", pure=False))
    assert f"{SCHEME.platlib}/b/__init__.py" in wheel.entries


def test_the_same_wheel_gives_the_same_entries(tmp_path: Path) -> None:
    path = make_wheel(tmp_path, "c", entry_points="[console_scripts]\nc = c:main\n")
    first, second = (
        {name: content(entry) for name, entry in opened(path).entries.items()} for _ in range(2)
    )
    assert first == second


@pytest.mark.parametrize(
    ("files", "entry_points"),
    [
        ({"../../etc/passwd": b"x"}, ""),
        ({"d-1.0.data/scripts/../../../../x": b"x"}, ""),
        ({"d-1.0.data/data/../../../x": b"x"}, ""),
        ({"d-1.0.data/strange/x": b"x"}, ""),
        ({"d-1.0.data/scripts": b"x"}, ""),
        ({}, "[console_scripts]\n../x = d:main\n"),
        ({}, "[console_scripts]\nx = d:main;import os\n"),
        ({}, "[console_scripts]\nx = d\n"),
        ({}, "no section = 1\n"),
    ],
)
def test_wheels_that_reach_out(tmp_path: Path, files: dict[str, bytes], entry_points: str) -> None:
    path = make_wheel(tmp_path, "d", files=files, entry_points=entry_points)
    with pytest.raises(InvalidWheel):
        opened(path)


def test_a_damaged_or_misnamed_wheel_is_refused(tmp_path: Path) -> None:
    good = make_wheel(tmp_path, "e").read_bytes()
    for name, data in {
        "e-1.0-py3-none-any.whl": good[:100],
        "f-1.0-py3-none-any.whl": good,
        "e-1.0.whl": good,
        "e-2.0-py3-none-any.whl": good,
    }.items():
        (tmp_path / "bad").mkdir(exist_ok=True)
        path = tmp_path / "bad" / name
        path.write_bytes(data)
        with pytest.raises(InvalidWheel):
            opened(path)
