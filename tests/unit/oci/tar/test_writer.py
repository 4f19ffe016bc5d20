import io
import os
import random
import subprocess
import tarfile
import tracemalloc
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import DigestMismatch, InvalidImage
from au2.oci.tar.layer import MemberType, read_layer
from au2.oci.tar.writer import (
    EntryType,
    LayerEntry,
    directory_entry,
    file_entry,
    format_layer,
    link_entry,
    measure_layer,
    with_parents,
    write_layer,
)
from tests.support.images.hashing_writer import HashingWriter


def a_file(path: str, data: bytes = b"", *, executable: bool = False, owner: int = 0) -> LayerEntry:
    return file_entry(path, len(data), lambda: BytesIO(data), executable=executable, owner=owner)


def written(entries: Sequence[LayerEntry], modified_at: int = 0) -> bytes:
    out = BytesIO()
    write_layer(entries, out, modified_at=modified_at)
    return out.getvalue()


NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=60
).filter(lambda name: name not in (".", "..") and not name.startswith(".wh."))
PATHS = st.lists(NAMES, min_size=1, max_size=5).map("/".join)
CONTENTS = st.dictionaries(PATHS, st.binary(max_size=1500), max_size=8)


def only_leaves(contents: dict[str, bytes]) -> dict[str, bytes]:
    return {
        path: data
        for path, data in contents.items()
        if not any(other.startswith(path + "/") for other in contents)
    }


@given(CONTENTS.map(only_leaves), st.integers(0, 2**32 - 2), st.randoms(use_true_random=False))
def test_round_trip(contents: dict[str, bytes], owner: int, chance: random.Random) -> None:
    entries = with_parents(
        [a_file(path, data, owner=owner) for path, data in contents.items()], owner=owner
    )
    data = written(entries)
    chance.shuffle(entries)
    assert written(entries) == b"".join(format_layer(entries)) == data
    assert measure_layer(entries) == len(data)

    found: dict[str, bytes] = {}
    folders = {""}
    for member in read_layer(BytesIO(data)):
        assert member.path.rpartition("/")[0] in folders
        assert (member.uid, member.gid, member.modified_at) == (owner, owner, 0)
        if member.type is MemberType.DIRECTORY:
            assert member.mode == 0o755
            folders.add(member.path)
        else:
            assert member.mode == 0o644
            assert member.content is not None
            found[member.path] = member.content.read()
    assert found == contents


@given(CONTENTS.map(only_leaves))
def test_python_reads_the_same(contents: dict[str, bytes]) -> None:
    data = written(with_parents([a_file(path, data) for path, data in contents.items()]))
    with tarfile.open(fileobj=BytesIO(data)) as archive:
        found = {}
        for member in archive:
            if member.isfile():
                content = archive.extractfile(member)
                assert content is not None
                found[member.name] = content.read()
    assert found == contents


def test_gnu_tar_reads_the_same(tmp_path: Path) -> None:
    long = "/".join(["n" * 120] * 3)
    entries = [
        directory_entry("d"),
        a_file("d/run", b"#!/bin/sh\n", executable=True),
        a_file("größe 大", b"x" * 513),
        a_file(long, b"long"),
        link_entry("to", "d/run"),
        link_entry("far", "/" + "t" * 300),
        LayerEntry("same", EntryType.HARD_LINK, 0o755, target="d/run"),
    ]
    (tmp_path / "a.tar").write_bytes(written(with_parents(entries)))
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run(["tar", "-xpf", tmp_path / "a.tar", "-C", out], check=True)
    assert (out / "größe 大").read_bytes() == b"x" * 513
    assert (out / long).read_bytes() == b"long"
    assert (out / "far").readlink() == Path("/" + "t" * 300)
    assert (out / "same").samefile(out / "to")
    status = (out / "d/run").stat()
    assert status.st_mode & 0o7777 == 0o755
    assert status.st_mtime == 0


def entries_of(folder: Path) -> list[LayerEntry]:
    """As the builder does it: only names, contents and the run bit of what is on disk count."""
    entries = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            entries.append(link_entry(name, str(path.readlink())))
        elif path.is_dir():
            entries.append(directory_entry(name))
        else:
            status = path.stat()
            runs = bool(status.st_mode & 0o100)
            entries.append(file_entry(name, status.st_size, opener(path), executable=runs))
    return entries


def opener(path: Path) -> Callable[[], BinaryIO]:
    return lambda: path.open("rb")


def build_tree(folder: Path, names: list[str], mask: int, moment: int) -> None:
    before = os.umask(mask)
    try:
        folder.mkdir(mode=0o755)
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"content of {name}")
            if name.endswith(".sh"):
                path.chmod(path.stat().st_mode | 0o100)
        (folder / "link").symlink_to("a/b.txt")
        for path in folder.rglob("*"):
            os.utime(path, (moment, moment), follow_symlinks=False)
    finally:
        os.umask(before)


def test_order_mask_and_times_of_the_file_system_make_no_difference(tmp_path: Path) -> None:
    names = [
        "a/b.txt",
        "a/c.sh",
        "a.txt",
        "a-b/x",
        "z",
        "ä",
        "Z",
        "a/deep/er/f",
        *map(str, range(50)),
    ]
    build_tree(tmp_path / "one", names, 0o022, 1_000_000_000)
    build_tree(tmp_path / "two", names[::-1], 0o077, 1_700_000_000)
    one, two = entries_of(tmp_path / "one"), entries_of(tmp_path / "two")
    data = written(one)
    assert written(two) == data
    assert written(two[::-1]) == data
    assert b"root" not in data


def test_the_bytes_stand_still() -> None:
    """A known digest: a change of the writer would silently change every image's digest."""
    out = HashingWriter()
    entries = [
        a_file("package/main.py", b"print('hello')\n", owner=1000),
        a_file("package/ünïcode/" + "n" * 150, b"x", executable=True, owner=3_000_000),
        link_entry("package/link", "main.py", owner=1000),
    ]
    write_layer(with_parents(entries, owner=1000), out)
    assert out.size_bytes == 6656
    assert out.digest == ("sha256:5276d520e95a3822e2e96d107c7d18ae67e001fa47bd9cdf9571af74118bc283")


def test_a_time_can_be_given() -> None:
    (member,) = read_layer(BytesIO(written([a_file("a")], modified_at=1_234)))
    assert member.modified_at == 1_234


def test_a_large_size_and_large_ids_survive() -> None:
    size = 9 << 30
    header = BytesIO()
    entry = file_entry("big", size, BytesIO, owner=4_000_000_000)
    with pytest.raises(DigestMismatch):
        write_layer([entry], header)
    member = next(read_layer(BytesIO(header.getvalue())))
    assert (member.size_bytes, member.uid) == (size, 4_000_000_000)


@pytest.mark.parametrize("found", [b"", b"123", b"12345"])
def test_a_content_of_another_size(found: bytes) -> None:
    with pytest.raises(DigestMismatch, match="stated 4 bytes"):
        write_layer([file_entry("a", 4, lambda: BytesIO(found))], BytesIO())


def test_contents_are_closed_and_read_to_the_end() -> None:
    opened: list[BytesIO] = []

    def open_content() -> BinaryIO:
        opened.append(BytesIO(b"1234"))
        return opened[-1]

    write_layer([file_entry("a", 4, open_content)], BytesIO())
    assert [content.closed for content in opened] == [True]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([a_file("../a")], "climbs out"),
        ([a_file("/a")], "not a normalised"),
        ([a_file("a//b")], "not a normalised"),
        ([a_file("./a")], "not a normalised"),
        ([a_file("a/")], "not a normalised"),
        ([a_file("")], "not a normalised"),
        ([a_file("a\0b")], "NUL"),
        ([a_file("\udc80")], "not UTF-8"),
        ([a_file("n" * 256)], "longer than 255"),
        ([a_file("n/" * 2100 + "n")], "longer than 4095"),
        ([a_file("a"), a_file("a")], "twice"),
        ([a_file("a"), a_file("a/b")], "which is no folder"),
        ([link_entry("a", "b"), a_file("a/b")], "which is no folder"),
        ([link_entry("a", "b\0")], "NUL"),
        ([LayerEntry("a", EntryType.HARD_LINK, 0o644, target="b")], "no file"),
        ([LayerEntry("a", EntryType.FILE, 0o644, uid=-1)], "negative uid"),
    ],
)
def test_wrong_entries(entries: list[LayerEntry], message: str) -> None:
    with pytest.raises(InvalidImage, match=message):
        write_layer(entries, BytesIO())


def test_parents_keep_what_was_given() -> None:
    entries = with_parents([a_file("a/b/c"), directory_entry("a", owner=7, mode=0o700)], owner=1)
    owners = {entry.path: entry.uid for entry in entries}
    assert owners == {"a": 7, "a/b": 1, "a/b/c": 0}


class Zeros(io.RawIOBase):
    def __init__(self, size: int) -> None:
        super().__init__()
        self._left = size

    def read(self, size: int = -1, /) -> bytes:
        count = min(size, self._left)
        self._left -= count
        return bytes(count)


def test_memory_stays_flat_for_a_large_file() -> None:
    size = 500 << 20
    entry = file_entry("big", size, lambda: Zeros(size))  # type: ignore[arg-type,return-value]
    out = Counter()
    tracemalloc.start()
    try:
        write_layer([entry], out)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert out.count > size
    assert peak < 4 << 20


class Counter:
    count = 0

    def write(self, data: bytes, /) -> int:
        self.count += len(data)
        return len(data)
