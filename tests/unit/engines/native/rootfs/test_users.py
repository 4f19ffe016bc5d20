"""Users as images name them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from au2.domain.errors import InvalidImage
from au2.engines.native.rootfs.users import ContainerUser, find_user, resolve_user

PASSWD = """root:x:0:0:root:/root:/bin/sh
app:x:1000:1001:App:/srv/app:/bin/sh
# a comment
broken:x
twin:x:1000:1002::/twin:
bad:x:one:two::/:
short:x:9
  padded:x:10:11::/padded:/bin/sh
12:x:13:14::/odd:
:x:15:15::/:
"""
GROUP = [
    "root:x:0:",
    "staff:x:50:app,other",
    "wheel:x:10:app",
    "app:x:1001:app",
    "bad:x:y:app",
    "twins:x:60:twin,1000",
]


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("", ContainerUser(0, 0, (0,), "/root")),
        ("root", ContainerUser(0, 0, (0,), "/root")),
        ("app", ContainerUser(1000, 1001, (10, 50, 1001), "/srv/app")),
        # Of several with a number the first, and with the groups of that one only.
        ("1000", ContainerUser(1000, 1001, (10, 50, 1001), "/srv/app")),
        ("twin", ContainerUser(1000, 1002, (60, 1002), "/twin")),
        ("app:", ContainerUser(1000, 1001, (10, 50, 1001), "/srv/app")),
        ("app:staff", ContainerUser(1000, 50, (50,), "/srv/app")),
        ("app:7", ContainerUser(1000, 7, (7,), "/srv/app")),
        ("77", ContainerUser(77, 0, (0,), "/")),
        ("77:88", ContainerUser(77, 88, (88,), "/")),
        (":staff", ContainerUser(0, 50, (50,), "/root")),
        ("short", ContainerUser(9, 0, (0,), "")),
        ("padded", ContainerUser(10, 11, (11,), "/padded")),
        # Digits are an id, also where somebody is called so.
        ("12", ContainerUser(12, 0, (0,), "/")),
        # Groups that list nobody don't list who has no name.
        ("15", ContainerUser(15, 15, (15,), "/")),
    ],
)
def test_resolved(user: str, expected: ContainerUser) -> None:
    assert resolve_user(user, PASSWD.splitlines(), GROUP, id_count=1 << 31) == expected


@pytest.mark.parametrize(
    "user", ["nobody", "app:none", "bad", "-1", "2147483648", "1:2147483648", "9" * 30, "1 0"]
)
def test_refused(user: str) -> None:
    with pytest.raises(InvalidImage):
        resolve_user(user, PASSWD.splitlines(), GROUP, id_count=1 << 31)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "root" / "etc").mkdir(parents=True)
    descriptor = os.open(tmp_path / "root", os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def test_looked_up_in_the_image(root: int, tmp_path: Path) -> None:
    (tmp_path / "root/etc/passwd").write_text(PASSWD)
    assert find_user(root, "app", id_count=1 << 31).home == "/srv/app"


def test_links_stay_in_the_image(root: int, tmp_path: Path) -> None:
    secret = tmp_path / "passwd"
    secret.write_text("spy:x:5:5::/:\n")
    (tmp_path / "root/etc/passwd").symlink_to(secret)
    with pytest.raises(InvalidImage):
        find_user(root, "spy", id_count=1 << 31)
    (tmp_path / "root/real").write_text(PASSWD)
    (tmp_path / "root/etc/passwd").unlink()
    (tmp_path / "root/etc/passwd").symlink_to("/real")
    assert find_user(root, "app", id_count=1 << 31).uid == 1000


def test_odd_files_are_as_none(root: int, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "root/etc/passwd")
    (tmp_path / "root/etc/group").mkdir()
    assert find_user(root, "5", id_count=1 << 31) == ContainerUser(5, 0, (0,))


@pytest.mark.parametrize(
    ("long", "said"), [(b"x" * (5 << 20), "larger than"), (b"\n" * (1 << 16), "lines")]
)
def test_files_are_read_to_what_fits_and_not_for_ever(
    root: int, tmp_path: Path, long: bytes, said: str
) -> None:
    (tmp_path / "root/etc/passwd").write_bytes(b"app:x:7:7::/:\n" + long)
    (tmp_path / "root/etc/group").write_bytes(b"staff:x:8:\n" + long)
    assert find_user(root, "app:staff", id_count=65536) == ContainerUser(7, 8, (8,))
    for user, file in (("none", "passwd"), ("app:none", "group"), ("app", "group")):
        with pytest.raises(InvalidImage, match=f"/etc/{file} .*{said}"):
            find_user(root, user, id_count=65536)
