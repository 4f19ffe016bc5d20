"""File trees from build containers are checked."""

import tarfile
from pathlib import Path

import pytest

from au2.dependencies.received_tree import ReceivedTree
from au2.domain.errors import DependenciesFailed
from au2.oci.tar.writer import EntryType, LayerEntry
from tests.support.images.tar_archives import archive_of


def hard_link(target: str) -> dict[str, object]:
    return {"type": tarfile.LNKTYPE, "linkname": target}


def read(entry: LayerEntry) -> bytes:
    assert entry.open is not None
    with entry.open() as stream:
        return stream.read()


def receive(folder: Path, data: bytes, limit: int = 1 << 20) -> ReceivedTree:
    tree = ReceivedTree(folder, "opt/au2/python", limit)
    tree.receive(iter([data[:700], data[700:]]))
    return tree


def test_modes_owners_and_times_are_made_plain(tmp_path: Path) -> None:
    odd = {"mode": 0o4777, "uid": 7, "mtime": 99}
    data = archive_of(
        ("opt/au2/python/a", b"one", odd),
        ("opt/au2/python/b", b"two", {"mode": 0o600}),
        ("opt/au2/python/c", b"", {"type": tarfile.DIRTYPE, "mode": 0o777}),
    )
    entries = {entry.path: entry for entry in receive(tmp_path, data).entries}
    assert [entries[f"opt/au2/python/{name}"].mode for name in "abc"] == [0o755, 0o644, 0o755]
    assert {entry.uid for entry in entries.values()} == {0}
    assert [read(entries[f"opt/au2/python/{name}"]) for name in "ab"] == [b"one", b"two"]


def test_links_are_kept_as_links(tmp_path: Path) -> None:
    link = {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}
    (entry,) = receive(tmp_path, archive_of(("opt/au2/python/l", b"", link))).entries
    assert (entry.type, entry.target) == (EntryType.LINK, "/etc/passwd")


def test_hard_links_become_files_of_one_content(tmp_path: Path) -> None:
    data = archive_of(
        ("opt/au2/python/program", b"run", {"mode": 0o755}),
        ("opt/au2/python/shortcut", b"", {"type": tarfile.SYMTYPE, "linkname": "program"}),
        ("opt/au2/python/a", b"", hard_link("opt/au2/python/program")),
        ("opt/au2/python/b", b"", hard_link("opt/au2/python/a")),
        ("opt/au2/python/c", b"", hard_link("opt/au2/python/shortcut")),
    )
    tree = receive(tmp_path, data)
    entries = {entry.path.rpartition("/")[2]: entry for entry in tree.entries}
    for name in ("program", "a", "b"):
        entry = entries[name]
        assert (entry.type, entry.mode, read(entry)) == (EntryType.FILE, 0o755, b"run")
    assert len({tree.digests[f"opt/au2/python/{name}"] for name in ("program", "a", "b")}) == 1
    assert (entries["c"].type, entries["c"].target) == (EntryType.LINK, "program")


def test_hard_links_count_as_separate_files(tmp_path: Path) -> None:
    links = [(f"opt/au2/python/{n}", b"", hard_link("opt/au2/python/a")) for n in range(9)]
    data = archive_of(("opt/au2/python/a", b"x" * 50_000, {}), *links)
    assert len(receive(tmp_path, data, 500_000).entries) == 10
    with pytest.raises(DependenciesFailed, match="larger than"):
        receive(tmp_path, data, 499_999)


def test_a_hard_link_to_a_folder_is_refused(tmp_path: Path) -> None:
    folder = ("opt/au2/python/d", b"", {"type": tarfile.DIRTYPE})
    link = ("opt/au2/python/h", b"", hard_link("opt/au2/python/d"))
    with pytest.raises(DependenciesFailed, match="is no file"):
        receive(tmp_path, archive_of(folder, link))


@pytest.mark.parametrize(
    "member",
    [
        ("etc/passwd", b"x", {}),
        ("opt/au2/launch", b"x", {}),
        ("opt/au2/python", b"x", {}),
        ("opt/au2/python/../launch", b"x", {}),
        ("../../etc/passwd", b"x", {}),
        ("opt/au2/python/d", b"", {"type": tarfile.CHRTYPE}),
        ("opt/au2/python/f", b"", {"type": tarfile.FIFOTYPE}),
        ("opt/au2/python/.wh.x", b"", {}),
        ("opt/au2/python/h", b"", hard_link("opt/au2/python/x")),
        ("opt/au2/python/h", b"", hard_link("opt/au2/python/h")),
        ("opt/au2/python/h", b"", hard_link("etc/passwd")),
        ("opt/au2/python/h", b"", hard_link("opt/au2/python/../../../etc/passwd")),
    ],
)
def test_unexpected_members_are_refused(
    tmp_path: Path, member: tuple[str, bytes, dict[str, object]]
) -> None:
    with pytest.raises(DependenciesFailed):
        receive(tmp_path, archive_of(member))


def test_an_archive_that_is_cut_off_or_too_large_is_refused(tmp_path: Path) -> None:
    data = archive_of(("opt/au2/python/a", b"x" * 5000, {}))
    for part in (b"", data[:300], data[:3000], b"nonsense" * 200):
        with pytest.raises(DependenciesFailed):
            receive(tmp_path, part)
    with pytest.raises(DependenciesFailed, match="larger than"):
        receive(tmp_path, data, limit=1000)
