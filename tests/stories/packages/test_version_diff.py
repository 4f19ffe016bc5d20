"""What differs between two versions, for the one who has to decide whether to publish."""

from pathlib import Path

from tests.support.commands.people import People
from tests.support.packages.folders import fill_package, upload_package

ARGUMENTS = """\
type: object
properties:
  days: {type: integer, minimum: 1}
"""
STRICTER = """\
type: object
properties:
  days: {type: integer, minimum: 1}
  region: {type: string}
required: [region]
"""


def test_all_that_changed_is_told(people: People, tmp_path: Path) -> None:
    au2 = people.admin()
    files = {
        "args.schema.yml": ARGUMENTS,
        "env.yml": "LEVEL: info\nGONE: x\n",
        "old.txt": "old",
        "tool.sh": "true\n",
    }
    package = fill_package(au2, tmp_path / "changing", files)
    process = upload_package(au2, package).process
    (package / "old.txt").unlink()
    (package / "new.txt").write_text("new and longer")
    (package / "tool.sh").chmod(0o755)
    (package / "args.schema.yml").write_text(STRICTER)
    (package / "env.yml").write_text("LEVEL: debug\nMADE: y\n")
    upload_package(au2, package)

    diff = au2.json("process", "version", "diff", process, "1", "2")

    assert not diff["same_image"]
    files = {file["path"]: (file["change"], file["mode_only"]) for file in diff["files"]}
    assert files == {
        "args.schema.yml": ("changed", False),
        "env.yml": ("changed", False),
        "new.txt": ("added", False),
        "old.txt": ("removed", False),
        "tool.sh": ("changed", True),
    }
    assert [(item["name"], item["old"], item["new"]) for item in diff["environment"]] == [
        ("GONE", "x", None),
        ("LEVEL", "info", "debug"),
        ("MADE", None, "y"),
    ]
    assert any(item["schema_of"] == "arguments" and item["breaks"] for item in diff["schemas"])

    shown = au2.ok("process", "version", "diff", process, "1", "2")
    assert "breaks callers" in shown.text
    assert "run bit" in shown.text
    back = au2.ok("process", "version", "diff", process, "2", "2")
    assert "are the same image" in back.errors
    assert au2("process", "version", "diff", process, "1", "9").exit_code == 3


def test_a_version_that_failed_is_not_compared(people: People, tmp_path: Path) -> None:
    # Its schemas were never read: all of them would seem to be removed.
    au2 = people.admin()
    package = fill_package(au2, tmp_path / "failing", {"args.schema.yml": ARGUMENTS})
    process = upload_package(au2, package).process
    (package / "requirements.txt").write_text("six==0.0.1.dev404\n")
    assert au2("process", "repo", "upload", package, "--yes", "--wait").exit_code == 1

    diff = au2("process", "version", "diff", process, "1", "2")

    assert diff.exit_code == 5
    assert "FAILED, not AVAILABLE" in diff.errors
    assert "au2 job show" in diff.errors
