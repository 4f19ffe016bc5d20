"""Several people's first uploads of one package at the same moment, with the real commands."""

import re
from pathlib import Path

from tests.support.checkout import RUNTIME_NAME
from tests.support.commands.command import Au2
from tests.support.commands.people import People

AT_ONCE = 8


def make_copy(au2: Au2, directory: Path) -> Path:
    """One person's copy of the package: no copy knows of a process yet."""
    au2.ok(
        *("process", "repo", "init", directory, "--yes"),
        *("--name", "uploaded-at-once", "--runtime", RUNTIME_NAME),
    )
    return directory


def test_first_uploads_at_once_make_one_process(people: People, tmp_path: Path) -> None:
    au2 = people.admin()
    copies = [make_copy(au2, tmp_path / f"copy-{number}") for number in range(AT_ONCE)]

    uploads = [au2.background("process", "repo", "upload", copy, "--yes") for copy in copies]
    ended = [(upload.communicate(), upload.returncode) for upload in uploads]

    assert [code for _, code in ended] == [0] * AT_ONCE, ended
    numbers = [re.findall(rb"^Version created: (\d+)$", out, re.M) for (out, _), _ in ended]
    made = [int(number) for found in numbers for number in found]
    unchanged = sum(b"Unchanged: version" in out for (out, _), _ in ended)
    # One that begins after the first image is there has nothing to add.
    assert sorted(made) == list(range(1, AT_ONCE - unchanged + 1))
    listed = [p for p in au2.json("process", "list") if p["name"] == "uploaded-at-once"]
    assert len(listed) == 1
    for copy in copies:
        assert listed[0]["id"] in (copy / "aunsight.yml").read_text()
