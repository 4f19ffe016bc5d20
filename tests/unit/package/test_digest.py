from au2.package.digest import digest_files
from au2.package.entries import PackagedFile

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
    )
    digests = {digest_files([FILE._replace(**change)]) for change in changes}
    assert len(digests | {digest_files([FILE]), digest_files([])}) == len(changes) + 2
