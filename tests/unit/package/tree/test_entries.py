"""Modes of entries as they are listed, stored and put into images."""

from au2.package.tree.entries import is_ordinary, mode_of
from au2.wire.upload import FileEntry

STORED = {"path": "run", "type": "file", "size_bytes": 0, "sha256": "", "target": ""}


def test_lists_that_were_stored_before_there_were_modes() -> None:
    for executable, mode in ((True, 0o755), (False, 0o644)):
        entry = FileEntry(**STORED, executable=executable)
        assert mode_of(entry) == mode
        assert is_ordinary(entry)
