"""Changes of a root file system that a build container sends are judged before they are a layer."""

import io
import tarfile
from pathlib import Path

import pytest

from au2.dependencies.debian.tree import SystemTree
from au2.domain.errors import DependenciesFailed
from au2.oci.tar.layer import MemberType, read_layer
from au2.oci.tar.writer import EntryType, LayerEntry, write_layer
from tests.support.images.tar_archives import archive_of

LINK = {"type": tarfile.SYMTYPE, "linkname": "/"}
FOLDER = {"type": tarfile.DIRTYPE, "mode": 0o2775, "gid": 8}


def receive(folder: Path, *members: tuple[str, bytes, dict[str, object]]) -> SystemTree:
    tree = SystemTree(folder, 1 << 20)
    tree.receive(iter([archive_of(*members)]))
    return tree


def layer_of(tree: SystemTree) -> dict[str, LayerEntry]:
    return {entry.path: entry for entry in tree.make_layer()}


def test_modes_and_owners_are_kept(tmp_path: Path) -> None:
    found = layer_of(
        receive(
            tmp_path,
            ("./var/mail", b"", FOLDER),
            ("./var/mail/x", b"one", {"mode": 0o4711, "uid": 7, "gid": 42}),
            ("./var/mail/l", b"", {**LINK, "uid": 7}),
            ("./var/mail/h", b"", {"type": tarfile.LNKTYPE, "linkname": "./var/mail/x"}),
        )
    )
    file = found["var/mail/x"]
    assert (file.mode, file.uid, file.gid, file.size) == (0o4711, 7, 42, 3)
    assert (found["var/mail"].mode, found["var/mail"].gid) == (0o2775, 8)
    assert (found["var/mail/l"].type, found["var/mail/l"].uid) == (EntryType.LINK, 7)
    hard = found["var/mail/h"]
    assert (hard.type, hard.mode, hard.uid, hard.size) == (EntryType.FILE, 0o4711, 7, 3)
    assert found["var"].mode == 0o755


@pytest.mark.parametrize(
    "path",
    [
        *(
            "dev/null2",
            "proc/1/x",
            "sys/x",
            "run/au2/job",
            "tmp/x",
            "var/tmp/x",
            "var/log/dpkg.log",
        ),
        *("var/cache/apt/x", "var/lib/apt/lists/x", "etc/resolv.conf", "etc/hosts", "etc/hostname"),
        *("etc/machine-id", "etc/mtab", "opt/au2/launcher", "opt/au2", ".dockerenv"),
    ],
)
def test_files_of_machine_and_platform_are_left_out(tmp_path: Path, path: str) -> None:
    tree = receive(tmp_path, (path, b"x", {}), ("usr/bin/kept", b"x", {}))
    tree.remove([f"/{path}".encode()])
    assert set(layer_of(tree)) == {"usr", "usr/bin", "usr/bin/kept"}


def test_devices_and_pipes_are_left_out(tmp_path: Path) -> None:
    found = receive(
        tmp_path,
        ("srv/device", b"", {"type": tarfile.CHRTYPE}),
        ("srv/disk", b"", {"type": tarfile.BLKTYPE}),
        ("srv/pipe", b"", {"type": tarfile.FIFOTYPE}),
    )
    assert found.make_layer() == []


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (("package/main.py", b"x", {}), "the folder of the uploaded package"),
        (("package", b"", LINK), "the folder of the uploaded package"),
        (("srv/x", b"", {"uid": 70_000}), "a user that containers do not have"),
        (("srv/x", b"", {"gid": 1 << 20}), "a user that containers do not have"),
        (("../etc/x", b"", {}), "climbs out"),
        (("srv/.wh.x", b"", {}), "a name that layers can't hold"),
        (("srv/.wh..wh..opq", b"", {}), "a name that layers can't hold"),
        (("srv/h", b"", {"type": tarfile.LNKTYPE, "linkname": "etc/shadow"}), "is no file"),
        (("srv/" + "x" * 300, b"", {}), "longer than 255"),
        (("srv/big", b"x" * (2 << 20), {}), "larger"),
    ],
)
def test_unsafe_members_are_refused(
    tmp_path: Path, member: tuple[str, bytes, dict[str, object]], words: str
) -> None:
    with pytest.raises(DependenciesFailed, match="installed files are not usable") as caught:
        receive(tmp_path, member)
    assert words in caught.value.message


def test_a_file_below_a_link_makes_no_layer(tmp_path: Path) -> None:
    tree = receive(tmp_path, ("srv", b"", LINK), ("srv/etc/shadow", b"x", {}))
    with pytest.raises(Exception, match="srv"):
        write_layer(tree.make_layer(), io.BytesIO())


def test_removed_paths_become_whiteouts(tmp_path: Path) -> None:
    tree = receive(tmp_path, ("usr/lib/was-folder", b"", LINK), ("usr/bin/back", b"x", {}))
    tree.remove(
        [
            *(b"/usr/bin/gone", b"/usr/share/all", b"/usr/share/all/of/it"),
            *(b"/usr/lib/was-folder/file", b"/usr/bin/back"),
        ]
    )
    out = io.BytesIO()
    write_layer(tree.make_layer(), out)
    out.seek(0)
    gone = {one.path for one in read_layer(out) if one.type is MemberType.WHITEOUT}
    assert gone == {"usr/bin/gone", "usr/share/all"}


@pytest.mark.parametrize("path", [b"/../x", b"/" + b"x" * 5000])
def test_unsafe_removed_paths_are_refused(tmp_path: Path, path: bytes) -> None:
    with pytest.raises(DependenciesFailed, match="removed files are not usable"):
        SystemTree(tmp_path, 10).remove([path])


@pytest.mark.parametrize(
    ("text", "is_refused"),
    [
        (b"root:x:0:0::/:/bin/sh\nau2:x:1000:1000::/home/au2:/bin/sh\nsshd:x:101:1::/:/x\n", False),
        (b"root:x:0:0::/:/bin/sh\n", True),
        (b"root:x:0:0::/:/bin/sh\nau2:x:1001:1000::/home/au2:/bin/sh\n", True),
        (b"au2:1000\n", True),
    ],
)
def test_the_user_of_jobs_stays(tmp_path: Path, text: bytes, is_refused: bool) -> None:
    tree = receive(tmp_path, ("etc/passwd", text, {}))
    if not is_refused:
        assert layer_of(tree)["etc/passwd"].size == len(text)
        return
    with pytest.raises(DependenciesFailed, match="remove the user 1000"):
        tree.make_layer()


@pytest.mark.parametrize("removed", [b"/etc/passwd", b"/etc"])
def test_the_list_of_users_is_not_removed(tmp_path: Path, removed: bytes) -> None:
    tree = SystemTree(tmp_path, 10)
    tree.remove([removed])
    with pytest.raises(DependenciesFailed, match="remove the user 1000"):
        tree.make_layer()


def test_the_list_of_users_is_no_link(tmp_path: Path) -> None:
    with pytest.raises(DependenciesFailed, match="remove the user 1000"):
        receive(tmp_path, ("etc/passwd", b"", LINK)).make_layer()
