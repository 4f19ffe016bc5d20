"""Empty folders and modes of a package are there wherever it runs, and wherever it comes back."""

import stat
from pathlib import Path

from tests.support.commands.people import People
from tests.support.packages.folders import fill_package, upload_package

MAIN = """
import os, stat, subprocess
for path in ("key", "out", "closed", "closed/x"):
    print(f"{stat.S_IMODE(os.stat(path).st_mode):03o} {path}")
open("out/result", "w").write("written")
print(open("key").read())
"""
PRINTED = ["600 key", "755 out", "555 closed", "644 closed/x", "a key"]


def make_package(folder: Path) -> None:
    (folder / "key").chmod(0o600)
    (folder / "out").mkdir()
    (folder / "closed").chmod(0o555)


def test_they_are_kept_everywhere(people: People, tmp_path: Path) -> None:
    au2 = people.admin()
    files = {"main.py": MAIN, "key": "a key", "closed/x": "x"}
    package = fill_package(au2, tmp_path / "modes", files)
    make_package(package)

    for flag in ("--plain", "--container"):
        local = au2.ok("process", "repo", "run", package, flag)
        assert local.text.splitlines() == PRINTED
    process = upload_package(au2, package).process
    ran = au2.ok("process", "run", process, "--follow")
    assert [line for line in ran.text.splitlines() if line in PRINTED] == PRINTED

    known = au2.ok("process", "repo", "upload", package, "--yes")
    assert known.text.startswith("Unchanged: version 1")
    back = tmp_path / "back"
    au2.ok("process", "version", "download", process, "1", "--package", "-o", back)
    modes = {path: stat.S_IMODE((back / path).stat().st_mode) for path in ("key", "closed")}
    assert modes == {"key": 0o600, "closed": 0o555}
    assert (back / "out").is_dir()
    again = au2.ok("process", "repo", "upload", back, "--yes")
    assert again.text.startswith("Unchanged: version 1")

    (package / "out").rmdir()
    (package / "key").chmod(0o640)
    (package / "closed").chmod(0o700)
    upload_package(au2, package)
    diff = au2.json("process", "version", "diff", process, "1", "2")
    assert [
        (file["path"], file["change"], file["old_mode"], file["new_mode"]) for file in diff["files"]
    ] == [
        ("closed/", "changed", "0555", "0700"),
        ("key", "changed", "0600", "0640"),
        ("out/", "removed", "0755", None),
    ]
    shown = au2.ok("process", "version", "diff", process, "1", "2")
    assert "mode" in shown.text
    assert "0640" in shown.text
