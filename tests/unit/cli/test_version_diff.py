"""`au2 process version diff` of versions that are images."""

from au2.wire.documents import format_document
from au2.wire.process import DependencyDifference, VersionDiff
from tests.unit.cli.conftest import CommandLine, Result
from tests.unit.client.api import PROCESS, Api

OLD, NEW = (f"sha256:{digit * 64}" for digit in "ab")


def diff(api: Api, au2: CommandLine, old: str | None, new: str | None) -> Result:
    found = VersionDiff(
        process=PROCESS,
        old_version=1,
        new_version=3,
        same_image=old == new is not None,
        old_image_digest=old,
        new_image_digest=new,
        old_runtime=None,
        new_runtime=None,
        files=None,
        dependencies=[],
        schemas=[],
        environment=[],
        resources=[],
    )
    api.answer(f"GET /processes/{PROCESS}/versions/1/diff/3", format_document(found))
    return au2.ok("process", "version", "diff", PROCESS, "1", "3")


def test_another_image_is_a_row(api: Api, au2: CommandLine) -> None:
    shown = diff(api, au2, OLD, NEW)

    row = [cell.strip() for cell in shown.text.splitlines()[3].split("│")]
    assert row[1:-1] == ["image", "", "changed", OLD, NEW]
    assert "have no differences" not in shown.errors


def test_a_version_without_an_image_is_named(api: Api, au2: CommandLine) -> None:
    one = diff(api, au2, OLD, None)
    none = diff(api, au2, None, None)
    same = diff(api, au2, OLD, OLD)

    assert "Version 3 has no image." in one.errors
    assert "removed" in one.text
    assert "Version 1 has no image." in none.errors
    assert "have no differences" not in none.errors
    assert "Versions 1 and 3 are the same image." in same.errors


def test_debian_packages_are_a_part_of_their_own(api: Api, au2: CommandLine) -> None:
    found = VersionDiff(
        process=PROCESS,
        old_version=1,
        new_version=3,
        same_image=False,
        old_image_digest=OLD,
        new_image_digest=NEW,
        old_runtime=None,
        new_runtime=None,
        files=[],
        dependencies=[
            DependencyDifference(name="numpy", change="removed", old="2.1", new=None),
            DependencyDifference(name="jq", change="added", old=None, new="1.7", kind="debian"),
        ],
        schemas=[],
        environment=[],
        resources=[],
    )
    api.answer(f"GET /processes/{PROCESS}/versions/1/diff/3", format_document(found))
    shown = au2.ok("process", "version", "diff", PROCESS, "1", "3")

    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.text.splitlines()]
    assert ["dependency", "numpy", "removed", "2.1", ""] in rows
    assert ["Debian package", "jq", "added", "", "1.7"] in rows
