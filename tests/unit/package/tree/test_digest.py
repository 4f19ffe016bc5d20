import pytest

from au2.package.tree.entries import PackagedFile, digest_files

FILE = PackagedFile("main.py", "file", False, 3, "a" * 64, "", b"")
LINK = PackagedFile("l", "link", False, 0, "", "main.py", b"")


def test_the_order_of_the_list_does_not_matter():
    assert digest_files([FILE, LINK]) == digest_files([LINK, FILE])


def test_where_a_content_lies_does_not_matter():
    assert digest_files([FILE]) == digest_files([FILE._replace(source=b"elsewhere")])


def test_everything_that_ends_in_the_image_matters():
    changes = (
        {"path": "main2.py"},
        {"executable": True},
        {"size_bytes": 4},
        {"sha256": "b" * 64},
        {"type": "link", "target": "x"},
        {"type": "folder"},
        {"mode": "600"},
        {"mode": "640"},
    )
    digests = {digest_files([FILE._replace(**change)]) for change in changes}
    assert len(digests | {digest_files([FILE]), digest_files([])}) == len(changes) + 2


FOLDER = PackagedFile("out", "folder", False, 0, "", "", b"")


def test_lists_without_modes_have_the_digest_that_they_had_before_there_were_modes():
    before = "sha256:41a3e25e50c9aa8f544d5884aea7721b47a866d4b1f00d2c7d23626bbe9a1d9c"
    assert digest_files([FILE, LINK]) == before


@pytest.mark.parametrize(
    ("entry", "modes"),
    [
        (FILE, ("", "644", "664")),
        (FILE._replace(executable=True), ("", "755", "775")),
        (FOLDER, ("", "755", "775")),
    ],
)
def test_another_mask_makes_no_other_package(entry: PackagedFile, modes: tuple[str, ...]):
    """Nobody but its user is in the group of a container's user."""
    assert len({digest_files([entry._replace(mode=mode)]) for mode in modes}) == 1
    assert digest_files([entry._replace(mode="700")]) != digest_files([entry])
