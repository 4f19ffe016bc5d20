"""Who a container's program runs as: an image's ``User``, looked up in the image's own files."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from au2.domain.errors import InvalidImage
from au2.engines.native.system_calls import open_in_root

_LIMIT_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class User:
    """A user inside the container."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    home: str = "/"


def find_user(root: int, user: str, *, id_count: int) -> User:
    """Resolve ``user`` by ``/etc/passwd`` and ``/etc/group`` below ``root``.

    Args:
        root: descriptor of the container's root folder.
        user: as in an image configuration.
        id_count: how many ids the container has.

    Raises:
        InvalidImage: no such user or group.
    """
    return resolve_user(
        user, _read_text(root, "etc/passwd"), _read_text(root, "etc/group"), id_count=id_count
    )


def resolve_user(user: str, passwd: str, group: str, *, id_count: int) -> User:
    """Resolve ``user``, ``uid``, ``user:group`` or ``uid:gid``; empty is root. Pure.

    Raises:
        InvalidImage: no such user or group.
    """
    name, _, group_name = user.partition(":")
    found = _resolve_name(name or "0", passwd)
    if group_name:
        found = User(found.uid, _resolve_group(group_name, group), (), found.home)
    else:
        found = User(
            found.uid, found.gid, _groups_of(name or "0", found, passwd, group), found.home
        )
    for value in (found.uid, found.gid, *found.groups):
        if value >= id_count:
            raise InvalidImage(f"the image's user {user!r} has an id above {id_count - 1}")
    return found


def _resolve_name(name: str, passwd: str) -> User:
    number = _as_id(name)
    for fields in _records(passwd, 7):
        uid, gid = _as_id(fields[2]), _as_id(fields[3])
        if uid is not None and gid is not None and (fields[0] == name or uid == number):
            return User(uid, gid, (), fields[5] or "/")
    if number is None:
        raise InvalidImage(f"the image has no user named {name!r} in its /etc/passwd")
    return User(number, 0)


def _resolve_group(name: str, group: str) -> int:
    number = _as_id(name)
    for fields in _records(group, 4):
        gid = _as_id(fields[2])
        if gid is not None and (fields[0] == name or gid == number):
            return gid
    if number is None:
        raise InvalidImage(f"the image has no group named {name!r} in its /etc/group")
    return number


def _groups_of(name: str, user: User, passwd: str, group: str) -> tuple[int, ...]:
    """Return the further groups that list the user as a member."""
    names = {fields[0] for fields in _records(passwd, 7) if _as_id(fields[2]) == user.uid}
    member = name if name in names else next(iter(sorted(names)), None)
    found = {
        gid
        for fields in _records(group, 4)
        if member in fields[3].split(",") and (gid := _as_id(fields[2])) is not None
    }
    return tuple(sorted(found - {user.gid}))


def _records(text: str, count: int) -> Iterator[list[str]]:
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) >= count:
            yield fields


def _as_id(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def _read_text(root: int, path: str) -> str:
    """Return a small regular file's text; nothing if it is not there."""
    try:
        descriptor = open_in_root(root, path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return ""
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return ""
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(_LIMIT_BYTES + 1)
    if len(data) > _LIMIT_BYTES:
        raise InvalidImage(f"the image's /{path} is larger than {_LIMIT_BYTES} bytes")
    return data.decode("utf-8", "surrogateescape")
