"""User of a container's program: the image's ``User``, resolved by files of the image."""

import os
import stat
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from au2.domain.errors import InvalidImage
from au2.engines.native.host.system import open_in_root

_LIMIT_BYTES = 4 << 20
_MOST_LINES = 1 << 16
"""Each start of a job reads that far, where nothing fits before."""
_USER_HINT = "Add it in the image, or name it by its number in the image's User."


@dataclass(frozen=True, slots=True)
class ContainerUser:
    """A user inside the container."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    """Sorted, with ``gid`` among them as in Docker: otherwise a program that sets another group
    would lose this one, and what is closed to it would open."""
    home: str = "/"


def find_user(root: int, user: str, *, id_count: int) -> ContainerUser:
    """Resolve ``user`` by ``/etc/passwd`` and ``/etc/group`` below ``root``.

    Args:
        root: descriptor of the container's root folder.
        user: as in an image configuration.
        id_count: how many ids the container has.

    Raises:
        InvalidImage: no such user or group, or files too large to look for them.
    """
    with (
        closing(_read_lines(root, "etc/passwd")) as passwd,
        closing(_read_lines(root, "etc/group")) as group,
    ):
        return resolve_user(user, passwd, group, id_count=id_count)


def resolve_user(
    user: str, passwd: Iterable[str], group: Iterable[str], *, id_count: int
) -> ContainerUser:
    """Resolve ``user``, ``uid``, ``user:group`` or ``uid:gid``; empty is root. Pure.

    As Docker does (moby, ``libcontainer/user``): digits are always an id and never a name, the
    first matching line counts, a missing field is empty, and a given group excludes further ones.
    Lines are read only as far as needed.

    Raises:
        InvalidImage: no such user or group.
    """
    name, _, group_name = user.partition(":")
    found, member = _resolve_name(name or "0", passwd)
    if group_name:
        gid = _resolve_group(group_name, group)
        found = replace(found, gid=gid, groups=(gid,))
    else:
        found = replace(found, groups=tuple(sorted({found.gid, *_groups_of(member, group)})))
    for value in (found.uid, found.gid, *found.groups):
        if value >= id_count:
            raise InvalidImage(
                f"the image's user {user[:100]!r} has an id above {id_count - 1}",
                hint="Give the user a smaller number.",
            )
    return found


def _resolve_name(name: str, passwd: Iterable[str]) -> tuple[ContainerUser, str]:
    """Return the user, and the user's name in groups; an empty name without a line."""
    number = _as_id(name)
    for fields in _records(passwd, 7):
        uid, gid = _as_id(fields[2]), _as_id(fields[3] or "0")
        if uid is None or gid is None:
            continue
        if (fields[0] == name) if number is None else (uid == number):
            return ContainerUser(uid, gid, home=fields[5]), fields[0]
    if number is None:
        raise InvalidImage(
            f"the image has no user named {name[:100]!r} in its /etc/passwd", hint=_USER_HINT
        )
    return ContainerUser(number, 0), ""


def _resolve_group(name: str, group: Iterable[str]) -> int:
    number = _as_id(name)
    for fields in _records(group, 4):
        gid = _as_id(fields[2])
        if gid is not None and ((fields[0] == name) if number is None else (gid == number)):
            return gid
    if number is None:
        raise InvalidImage(
            f"the image has no group named {name[:100]!r} in its /etc/group", hint=_USER_HINT
        )
    return number


def _groups_of(member: str, group: Iterable[str]) -> Iterator[int]:
    if not member:
        return  # An empty list of members is no match for an empty name.
    for fields in _records(group, 4):
        if member in fields[3].split(",") and (gid := _as_id(fields[2])) is not None:
            yield gid


def _records(lines: Iterable[str], count: int) -> Iterator[list[str]]:
    for line in lines:
        fields = line.strip().split(":")
        yield [*fields, *[""] * (count - len(fields))]


def _as_id(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def _read_lines(root: int, path: str) -> Generator[str, None, None]:
    """Yield a regular file's lines; none for a missing file."""
    try:
        descriptor = open_in_root(root, path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return
    with os.fdopen(descriptor, "rb") as file:
        left_bytes, left_lines = _LIMIT_BYTES, _MOST_LINES
        while line := file.readline(left_bytes + 1):
            left_bytes -= len(line)
            left_lines -= 1
            if left_bytes < 0:
                raise InvalidImage(f"the image's /{path} is larger than {_LIMIT_BYTES} bytes")
            if left_lines < 0:
                raise InvalidImage(f"the image's /{path} has more than {_MOST_LINES} lines")
            yield line.decode("utf-8", "surrogateescape")
