"""Files that a user names are written by `au2.files` alone."""

import re

from tests.architecture.test_packages import SOURCE, name_of, source_files

PACKAGES = ("cli/", "client/", "server/", "secrets/", "console/")
WRITING = re.compile(r"""write_text\(|write_bytes\(|open\(\s*["'][wax]|O_CREAT|O_TRUNC""")
OWN_FILES = {
    "client/packages/package_folder.py": "what a package holds, into a folder that was made for it",
    "secrets/keyring.py": "the lock beside the key file",
    "server/disk_reserve.py": "room on the disk, which has no content",
    "client/images/spool.py": "temporary files without a name",
}
"""File → which files it makes that nobody names."""


def test_what_is_named_is_written_by_one_function() -> None:
    found = {
        name_of(path)
        for path in source_files()
        if name_of(path).startswith(PACKAGES) and WRITING.search(path.read_text())
    }

    assert found <= OWN_FILES.keys(), f"use au2.files.output: {SOURCE}"
