"""A copy of a package for one run: the listed files, as in an image."""

import fcntl
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from au2.images.launcher_layer import launcher_script, write_sdk
from au2.images.plan import PackagePlan
from au2.package.tree.entries import PackagedFile, mode_of

_CLONE = 0x40049409
"""``FICLONE`` of ioctl(2): the copy shares the original's blocks until one of them is written."""


class WorkingCopy:
    """The folders of one plain run; see ``launch.sh``. Plain data."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.package = root / "package"
        """The folder for ``/package`` of a container."""
        self.job = root / "job"
        """The folder for ``/run/au2`` of a container."""
        self.platform = root / "platform"
        """The folder for ``/opt/au2`` of a container."""
        self.launcher = self.platform / "launch"
        """The launcher."""


@contextmanager
def working_copy(files: Sequence[PackagedFile], plan: PackagePlan) -> Iterator[WorkingCopy]:
    """Make a copy in the system's temporary folder; the block's end removes it."""
    # Whatever the code did to its folders must not hinder their removal.
    with tempfile.TemporaryDirectory(prefix="au2-run-", ignore_cleanup_errors=True) as root:
        copy = WorkingCopy(Path(root).resolve())
        for folder in (copy.package, copy.job, copy.job / "scratch", copy.platform):
            folder.mkdir()
        for file in files:
            _put(file, copy.package)
        for path, data in plan.copies.items():
            (copy.package / path).write_bytes(data)
        _restrict_folders(files, copy.package)
        copy.launcher.write_bytes(launcher_script())
        (copy.platform / "entry").write_bytes(plan.entry.to_bytes())
        write_sdk(copy.platform, above_package=copy.root)
        yield copy


def _put(file: PackagedFile, folder: Path) -> None:
    target = folder / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    if file.type == "link":
        target.symlink_to(file.target)
        return
    if file.type == "folder":
        target.mkdir(exist_ok=True)
        return
    if isinstance(file.source, bytes):
        target.write_bytes(file.source)
    else:
        copy_content(file.source, target)
    target.chmod(mode_of(file))


def _restrict_folders(files: Sequence[PackagedFile], folder: Path) -> None:
    """Give folders their modes, the inner ones first: one may forbid to enter the next."""
    for file in sorted(files, key=lambda file: file.path, reverse=True):
        if file.type == "folder":
            (folder / file.path).chmod(mode_of(file))


def copy_content(source: Path, target: Path) -> None:
    """Copy a file's content, by a reflink where the file system supports one."""
    with source.open("rb") as original, target.open("wb") as copy:
        if not _clone(original.fileno(), copy.fileno()):
            shutil.copyfileobj(original, copy, 1 << 20)


def _clone(original: int, copy: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        fcntl.ioctl(copy, _CLONE, original)
    except OSError:
        return False
    return True
