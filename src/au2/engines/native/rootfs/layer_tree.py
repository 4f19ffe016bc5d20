"""Tree of one unpacked layer, written for overlayfs from hostile archives.

Entries of a layer may be symbolic links on the paths of later entries. Every folder is therefore
opened as if the tree's root were ``/``, and the last part of a path is never followed.
"""

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field

from au2.domain.errors import InvalidImage, StorageFull
from au2.engines.native.host.system import closing, open_in_root
from au2.engines.native.rootfs.directories import open_making, remove_tree_in
from au2.engines.native.user_namespace import shift_file_capability
from au2.engines.protocol import spare_bytes
from au2.oci.streams import Readable
from au2.oci.tar.layer import MOST_ENTRIES, LayerMember, MemberType
from au2.oci.tar.sparse import read_pieces

_STEPS_AT_ONCE = 1000
_BYTES_AT_ONCE = 16 << 20
_INODE_BYTES = 4096
"""Bytes of a file or folder beside its content: a block for names or a link's target."""
_LEFT_INODES_SHARE = 100
"""A smaller share than of bytes: other programs need few inodes."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPAQUE = "trusted.overlay.opaque"
_CAPABILITY = "security.capability"
_MOST_FOLDER_CHARACTERS = 64 << 20
"""A layer of 300,000 folders has half of it; each is kept in memory until the layer's end."""
_NOT_SUPPORTED = frozenset({errno.ENOTSUP, errno.EPERM})


class DiskBudget:
    """Budget on the file system of the folder with the descriptor ``descriptor``.

    An archive takes more than its stated size: every file and folder, named by an entry or by a
    path only, takes an inode and often a block. Some space is left for the records of jobs.
    """

    def __init__(self, descriptor: int, check: Callable[[], None]) -> None:
        """``check`` raises when the work is to end."""
        self._descriptor = descriptor
        self._check = check
        # The first that is written is looked at too: an image may have many small layers.
        self._inodes = self._bytes = 0
        self._next_inodes = self._next_bytes = 0
        self._steps = _STEPS_AT_ONCE
        self._passed_bytes = _BYTES_AT_ONCE

    def spend(self, *, inodes: int = 0, size_bytes: int = 0) -> None:
        """Count writes. Raises StorageFull, and the exceptions of ``check``."""
        self._inodes -= inodes
        self._bytes -= size_bytes + inodes * _INODE_BYTES
        if self._inodes < 0 or self._bytes < 0:
            self._check()
            self._look()

    def pass_by(self, *, steps: int = 0, size_bytes: int = 0) -> None:
        """Count work without need of space. Raises the exceptions of ``check``."""
        self._steps -= steps
        self._passed_bytes -= size_bytes
        if self._steps < 0 or self._passed_bytes < 0:
            self._steps, self._passed_bytes = _STEPS_AT_ONCE, _BYTES_AT_ONCE
            self._check()

    def _look(self) -> None:
        found = os.fstatvfs(self._descriptor)
        left_bytes = spare_bytes(found.f_blocks * found.f_frsize)
        if found.f_bavail * found.f_frsize < left_bytes + self._next_bytes:
            raise StorageFull("The image does not fit on the server's disk.")
        # Some file systems make inodes as they are needed, and say that they have none.
        left_inodes = found.f_files // _LEFT_INODES_SHARE
        if found.f_files and found.f_favail < left_inodes + self._next_inodes:
            raise StorageFull("The image has more files than the server's disk can hold.")
        self._inodes = self._next_inodes = _STEPS_AT_ONCE
        self._bytes = self._next_bytes = _BYTES_AT_ONCE


@dataclass(frozen=True, slots=True)
class MeteredStream:
    """Stream whose every byte counts as work, also bytes without a file."""

    stream: Readable
    budget: DiskBudget

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes. Raises the exceptions of the budget's ``check``."""
        data = self.stream.read(size)
        self.budget.pass_by(size_bytes=len(data))
        return data


@dataclass(slots=True)
class TreeWriter:
    """Writer of one layer's members below the folder with the descriptor ``root``.

    Owners are shifted by ``id_base``. Whiteouts become overlayfs's: a character device 0:0, an
    attribute on opaque folders. Device nodes are left out.
    """

    root: int
    budget: DiskBudget
    id_base: int
    id_count: int
    left_entries: int = MOST_ENTRIES
    left_folder_characters: int = _MOST_FOLDER_CHARACTERS
    """Limit of the paths of all folder entries together."""
    _parent_path: str | None = field(default=None, init=False)
    _parent: int = field(default=-1, init=False)
    _folder_times: dict[str, int] = field(default_factory=dict, init=False)

    def put(self, member: LayerMember) -> None:
        """Make the member. Raises InvalidImage; OSError for faults of the disk."""
        if member.type is MemberType.DEVICE:
            return
        self._count()
        try:
            self._put(member)
        except (NotADirectoryError, FileExistsError, FileNotFoundError) as error:
            raise _unusable(member, error) from error
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL, errno.EMLINK):
                raise _unusable(member, error) from error
            raise

    def finish(self) -> None:
        """Set the folders' times, which writes into them changed. Raises as the budget does."""
        self.close()
        for path, seconds in reversed(self._folder_times.items()):
            self.budget.pass_by(steps=1)
            try:
                folder = open_in_root(self.root, path, _FOLDER | os.O_NOFOLLOW)
            except OSError:
                continue  # A later entry has put something else there.
            with closing(folder):
                os.utime(folder, (seconds, seconds))

    def _put(self, member: LayerMember) -> None:
        match member.type:
            case MemberType.DIRECTORY:
                self._put_folder(member)
            case MemberType.OPAQUE:
                with closing(self._open_folder(member.path)) as folder:
                    os.setxattr(folder, _OPAQUE, b"y")
            case MemberType.WHITEOUT:
                self._put_whiteout(member)
            case _:
                parent, name = self._enter(member.path)
                try:
                    self._put_leaf(member, parent, name)
                except FileExistsError:
                    self._clear(parent, name)
                    self._put_leaf(member, parent, name)

    def _put_leaf(self, member: LayerMember, parent: int, name: str) -> None:
        match member.type:
            case MemberType.FILE:
                self._put_file(member, parent, name)
            case MemberType.LINK:
                os.symlink(member.target, name, dir_fd=parent)
                self._own(member, name, parent)
            case MemberType.HARD_LINK:
                self._put_hard_link(member, parent, name)
            case _:
                os.mkfifo(name, 0o600, dir_fd=parent)
                self._own(member, name, parent)
                os.chmod(name, member.mode & 0o7777, dir_fd=parent)

    def _put_file(self, member: LayerMember, parent: int, name: str) -> None:
        with closing(os.open(name, _NEW_FILE, 0o600, dir_fd=parent)) as descriptor:
            written_bytes = 0
            for offset, data in read_pieces(member.content) if member.content is not None else ():
                _write_all(descriptor, data, offset)
                self.budget.spend(size_bytes=len(data))
                written_bytes = offset + len(data)
            if written_bytes < member.size_bytes:
                os.ftruncate(descriptor, member.size_bytes)  # It ends with a hole.
            self._describe(member, descriptor)
            os.utime(descriptor, (member.modified_at, member.modified_at))

    def _put_hard_link(self, member: LayerMember, parent: int, name: str) -> None:
        folder, _, target = member.target.rpartition("/")
        try:
            with closing(open_in_root(self.root, folder, _FOLDER)) as source:
                mode = os.stat(target, dir_fd=source, follow_symlinks=False).st_mode
                if stat.S_ISDIR(mode) or stat.S_ISCHR(mode):
                    raise InvalidImage(f"{member.path!r} is a hard link to what is no file")
                os.link(target, name, src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise InvalidImage(
                f"{member.path!r} is a hard link to {member.target!r}, which its layer does not "
                "have before it",
                hint="Docker can't unpack such a layer either. Build the image again.",
            ) from error

    def _put_folder(self, member: LayerMember) -> None:
        if member.path:
            self._make_folder(*self._enter(member.path))
        with closing(open_in_root(self.root, member.path, _FOLDER | os.O_NOFOLLOW)) as folder:
            self._describe(member, folder)
        self._note_time(member)

    def _note_time(self, member: LayerMember) -> None:
        """Keep a folder's time for the end, in the order of the entries."""
        if self._folder_times.pop(member.path, None) is None:
            self.left_folder_characters -= len(member.path)
            if self.left_folder_characters < 0:
                raise InvalidImage("the paths of a layer's folders are too long in total")
        self._folder_times[member.path] = member.modified_at

    def _put_whiteout(self, member: LayerMember) -> None:
        parent, name = self._enter(member.path)
        try:
            os.mknod(name, stat.S_IFCHR, device=os.makedev(0, 0), dir_fd=parent)
        except FileExistsError:
            # The layer puts something new where lower layers had something else: the new thing
            # stays.
            if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                with closing(os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=parent)) as folder:
                    os.setxattr(folder, _OPAQUE, b"y")

    def _make_folder(self, parent: int, name: str) -> None:
        """Make a missing folder; in place of a whiteout, the folder hides lower layers' content."""
        try:
            os.mkdir(name, 0o755, dir_fd=parent)
        except FileExistsError:
            found = os.stat(name, dir_fd=parent, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                return
            was_whiteout = stat.S_ISCHR(found.st_mode)
            self._clear(parent, name)
            os.mkdir(name, 0o755, dir_fd=parent)
            if was_whiteout:
                with closing(os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=parent)) as folder:
                    os.setxattr(folder, _OPAQUE, b"y")
        os.chown(name, self.id_base, self.id_base, dir_fd=parent, follow_symlinks=False)

    def _enter(self, path: str) -> tuple[int, str]:
        """Return a descriptor of the path's folder, and the path's last part."""
        folder, _, name = path.rpartition("/")
        if folder != self._parent_path:
            self.close()
            self._parent = self._open_folder(folder)
            self._parent_path = folder
        return self._parent, name

    def close(self) -> None:
        """Close the open folder."""
        if self._parent_path is not None:
            os.close(self._parent)
            self._parent_path, self._parent = None, -1

    def _open_folder(self, path: str) -> int:
        """Open a folder; make missing folders on its path."""
        try:
            return open_in_root(self.root, path, _FOLDER)
        except (FileNotFoundError, NotADirectoryError):
            return open_making(self.root, path, self._make_missing)

    def _make_missing(self, parent: int, name: str) -> None:
        self._count()
        self._make_folder(parent, name)

    def _count(self) -> None:
        """Count a new file or folder, also a folder named only by other paths."""
        self.left_entries -= 1
        if self.left_entries < 0:
            raise InvalidImage("a layer has more files and folders than the limit")
        self.budget.spend(inodes=1)

    def _clear(self, parent: int, name: str) -> None:
        if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            remove_tree_in(parent, name)
        else:
            os.unlink(name, dir_fd=parent)

    def _describe(self, member: LayerMember, descriptor: int) -> None:
        os.fchown(descriptor, *self._shifted(member))
        for name, value in member.xattrs.items():
            self._set_attribute(member, descriptor, name, value)
        # Last, for changing the owner takes set-user-id away.
        os.fchmod(descriptor, member.mode & 0o7777)

    def _own(self, member: LayerMember, name: str, parent: int) -> None:
        os.chown(name, *self._shifted(member), dir_fd=parent, follow_symlinks=False)
        times = (member.modified_at, member.modified_at)
        os.utime(name, times, dir_fd=parent, follow_symlinks=False)

    def _shifted(self, member: LayerMember) -> tuple[int, int]:
        for number in (member.uid, member.gid):
            if number >= self.id_count:
                raise InvalidImage(
                    f"{member.path!r} belongs to user or group {number}, and a container has ids "
                    f"up to {self.id_count - 1} only",
                    hint="Build the image with files of smaller owners.",
                )
        return member.uid + self.id_base, member.gid + self.id_base

    def _set_attribute(self, member: LayerMember, descriptor: int, name: str, value: bytes) -> None:
        """Set an allowed attribute; overlayfs's own are never taken from a layer."""
        if name == _CAPABILITY:
            shifted = shift_file_capability(value, self.id_base)
            if shifted is None:
                return
            value = shifted
        elif not name.startswith("user.") or name.startswith("user.overlay."):
            return
        try:
            os.setxattr(descriptor, name, value)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.E2BIG):
                raise InvalidImage(
                    f"the extended attributes of {member.path!r} are too large"
                ) from error
            if error.errno not in _NOT_SUPPORTED:
                raise
        else:
            self.budget.spend(size_bytes=len(value))


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def _unusable(member: LayerMember, error: BaseException) -> InvalidImage:
    return InvalidImage(f"the layer's entry {member.path!r} can't be made: {error}")
