"""Tree of one unpacked layer, written for overlayfs from hostile archives.

Entries of a layer may be symbolic links that later entries go through. Every folder is
therefore opened as if the tree's root were ``/``, and the last part of a path is never
followed.
"""

import errno
import os
import stat

from au2.domain.errors import InvalidImage
from au2.engines.native.host.system import open_in_root
from au2.engines.native.rootfs.directories import open_making, remove_tree_in
from au2.engines.native.rootfs.disk_budget import DiskBudget
from au2.engines.native.user_namespace import shift_file_capability
from au2.oci.tar.layer import MOST_ENTRIES, LayerMember, MemberType
from au2.oci.tar.sparse import read_pieces

_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OPAQUE = "trusted.overlay.opaque"
_CAPABILITY = "security.capability"
_MOST_FOLDER_CHARACTERS = 64 << 20
"""A layer of 300,000 folders has half of it; each is kept in memory until the layer's end."""
_NOT_SUPPORTED = frozenset({errno.ENOTSUP, errno.EPERM})


class TreeWriter:
    """Writer of one layer's members below the folder with the descriptor ``root``.

    Owners are shifted by ``id_base``. Whiteouts become overlayfs's: a character device 0:0, an
    attribute on opaque folders. Device nodes are left out.
    """

    def __init__(
        self,
        root: int,
        budget: DiskBudget,
        *,
        id_base: int,
        id_count: int,
        most_entries: int = MOST_ENTRIES,
        most_folder_characters: int = _MOST_FOLDER_CHARACTERS,
    ) -> None:
        """``most_folder_characters`` is for the paths of the folders that are entries."""
        self._root = root
        self._budget = budget
        self._left_entries = most_entries
        self._left_folder_characters = most_folder_characters
        self._id_base = id_base
        self._id_count = id_count
        self._parent_path: str | None = None
        self._parent = -1
        self._folder_times: dict[str, int] = {}

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
        self._forget_parent()
        for path, seconds in reversed(self._folder_times.items()):
            self._budget.pass_by(steps=1)
            try:
                folder = open_in_root(self._root, path, _FOLDER | os.O_NOFOLLOW)
            except OSError:
                continue  # A later entry has put something else there.
            with _Closing(folder):
                os.utime(folder, (seconds, seconds))

    def close(self) -> None:
        """Let go of the descriptors."""
        self._forget_parent()

    def _put(self, member: LayerMember) -> None:
        match member.type:
            case MemberType.DIRECTORY:
                self._put_folder(member)
            case MemberType.OPAQUE:
                with _Closing(self._open_folder(member.path)) as folder:
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
        descriptor = os.open(name, _NEW_FILE, 0o600, dir_fd=parent)
        with _Closing(descriptor):
            written_bytes = 0
            for offset, data in read_pieces(member.content) if member.content is not None else ():
                _write_all(descriptor, data, offset)
                self._budget.spend(size_bytes=len(data))
                written_bytes = offset + len(data)
            if written_bytes < member.size_bytes:
                os.ftruncate(descriptor, member.size_bytes)  # It ends with a hole.
            self._describe(member, descriptor)
            os.utime(descriptor, (member.modified_at, member.modified_at))

    def _put_hard_link(self, member: LayerMember, parent: int, name: str) -> None:
        folder, _, target = member.target.rpartition("/")
        try:
            with _Closing(open_in_root(self._root, folder, _FOLDER)) as source:
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
        with _Closing(open_in_root(self._root, member.path, _FOLDER | os.O_NOFOLLOW)) as folder:
            self._describe(member, folder)
        self._note_time(member)

    def _note_time(self, member: LayerMember) -> None:
        """Keep a folder's time for the end, in the order of the entries."""
        if self._folder_times.pop(member.path, None) is None:
            self._left_folder_characters -= len(member.path)
            if self._left_folder_characters < 0:
                raise InvalidImage("the paths of a layer's folders are longer than is taken")
        self._folder_times[member.path] = member.modified_at

    def _put_whiteout(self, member: LayerMember) -> None:
        parent, name = self._enter(member.path)
        try:
            os.mknod(name, stat.S_IFCHR, device=os.makedev(0, 0), dir_fd=parent)
        except FileExistsError:
            # The layer puts something new where lower layers had something else: the new thing
            # stays.
            if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                with _Closing(os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=parent)) as folder:
                    os.setxattr(folder, _OPAQUE, b"y")

    def _make_folder(self, parent: int, name: str) -> None:
        """Make a folder unless it is one; it hides lower layers' if it stands on a whiteout."""
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
                with _Closing(os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=parent)) as folder:
                    os.setxattr(folder, _OPAQUE, b"y")
        os.chown(name, self._id_base, self._id_base, dir_fd=parent, follow_symlinks=False)

    def _enter(self, path: str) -> tuple[int, str]:
        """Return a descriptor of the folder that ``path`` lies in, and the path's last part."""
        folder, _, name = path.rpartition("/")
        if folder != self._parent_path:
            self._forget_parent()
            self._parent = self._open_folder(folder)
            self._parent_path = folder
        return self._parent, name

    def _forget_parent(self) -> None:
        if self._parent_path is not None:
            os.close(self._parent)
            self._parent_path, self._parent = None, -1

    def _open_folder(self, path: str) -> int:
        """Open a folder, and make it first where it or those above are missing."""
        try:
            return open_in_root(self._root, path, _FOLDER)
        except (FileNotFoundError, NotADirectoryError):
            return open_making(self._root, path, self._make_missing)

    def _make_missing(self, parent: int, name: str) -> None:
        self._count()
        self._make_folder(parent, name)

    def _count(self) -> None:
        """Count what is made, also folders that only the paths of others name."""
        self._left_entries -= 1
        if self._left_entries < 0:
            raise InvalidImage("a layer has more files and folders than are taken")
        self._budget.spend(inodes=1)

    def _clear(self, parent: int, name: str) -> None:
        """Remove what an earlier entry put there."""
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
            if number >= self._id_count:
                raise InvalidImage(
                    f"{member.path!r} belongs to user or group {number}, and a container has ids "
                    f"up to {self._id_count - 1} only",
                    hint="Build the image with files of smaller owners.",
                )
        return member.uid + self._id_base, member.gid + self._id_base

    def _set_attribute(self, member: LayerMember, descriptor: int, name: str, value: bytes) -> None:
        """Set what a container may have; overlayfs's own attributes are not taken from a layer."""
        if name == _CAPABILITY:
            shifted = shift_file_capability(value, self._id_base)
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
            self._budget.spend(size_bytes=len(value))


class _Closing:
    """Context manager that closes a descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> int:
        return self._descriptor

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)


def _write_all(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def _unusable(member: LayerMember, error: BaseException) -> InvalidImage:
    return InvalidImage(f"the layer's entry {member.path!r} can't be made: {error}")
