import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.package.tree.entries import PackagedFile
from au2.package.tree.paths import MOST_ERRORS, PackageLimits, find_path_error, validate_paths


def file(path: str, size_bytes: int = 1) -> PackagedFile:
    return PackagedFile(path, "file", False, size_bytes, "0" * 64, "", b"")


def link(path: str, target: str) -> PackagedFile:
    return PackagedFile(path, "link", False, 0, "", target, b"")


def folder(path: str, mode: str = "") -> PackagedFile:
    return PackagedFile(path, "folder", False, 0, "", "", b"", mode)


def messages(*entries: PackagedFile, limits: PackageLimits | None = None) -> list[str]:
    return [str(detail) for detail in validate_paths(entries, limits=limits or PackageLimits())]


def test_a_good_list() -> None:
    assert (
        messages(
            file("main.py"),
            file("a/b/c.txt"),
            file("..."),
            file("..a/ b"),
            file("häßlich/名.py"),
            link("l1", "a/b"),
            link("a/l2", "../l1/c.txt"),
            link("a/dangling", "nowhere/at/all"),
            link("here", "."),
            link("a/b/up", "../.."),
            folder("a/b/empty"),
            folder("a/b", "700"),
        )
        == []
    )


@pytest.mark.parametrize(
    "entry",
    [
        folder("d")._replace(size_bytes=1),
        folder("d")._replace(sha256="0" * 64),
        folder("d")._replace(target="x"),
        folder("d")._replace(executable=True),
        link("d", "x")._replace(mode="777"),
        folder("d")._replace(type="device"),
    ],
)
def test_entries_that_contradict_themselves(entry: PackagedFile) -> None:
    assert len(messages(entry)) == 1


def test_a_folder_takes_no_path_twice() -> None:
    assert messages(folder("a"), file("a")) == ["a: the path is given twice"]
    assert messages(link("a", "b"), folder("a/c")) == ["a/c: it lies below 'a', which is a link"]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "..",
        "../a",
        "a/../../b",
        "a/..",
        "a//b",
        "a/",
        "./a",
        "a/./b",
        "a\0b",
        "\ud800",
        "a" * 256,
        "ä" * 128,
        "a/" * 600 + "a",
        ".wh.a",
        "a/.wh..wh..opq",
        ".wh.a/b",
    ],
)
def test_hostile_paths(path: str) -> None:
    assert find_path_error(path) is not None
    assert len(messages(file(path))) == 1


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("l", "/etc/passwd"),
        ("l", ".."),
        ("l", "../x"),
        ("a/l", "../../x"),
        ("l", "a/../../x"),
        ("l", ""),
        ("l", "a\0b"),
        ("l", "\ud800"),
        ("l", "x" * 2000),
        ("l", "l"),
        ("l", "l/x"),
        ("l", "./l"),
    ],
)
def test_hostile_links(path: str, target: str) -> None:
    assert len(messages(link(path, target))) == 1


def test_links_through_links() -> None:
    # By the letters alone both stay inside: `a/b/here/..` looks like `a/b`, but is `a`.
    here = link("a/b/here", "..")
    assert messages(here, link("a/b/l", "here/../x")) == []
    assert messages(here, link("a/b/l", "here/../../x")) == [
        "a/b/l: the link points out of the package"
    ]


def test_circles() -> None:
    assert len(messages(link("a", "b"), link("b", "a"))) == 2
    chain = [link(f"l{n}", f"l{n + 1}") for n in range(60)]
    assert any("goes in circles" in message for message in messages(*chain))


def test_many_links_with_long_targets_are_judged_quickly() -> None:
    links = [link(f"l{n}", "a/../" * 200 + f"l{n + 1}") for n in range(9_000, 0, -1)]
    assert all("circles" in message or "more" in message for message in messages(*links))
    assert "too many" in messages(*(link(f"l{n}", "x") for n in range(10_001)))[0]


def test_entries_that_exclude_each_other() -> None:
    assert messages(file("a"), file("a")) == ["a: the path is given twice"]
    assert messages(file("a"), file("a/b")) == ["a/b: it lies below 'a', which is a file"]
    assert messages(link("a", "b"), file("a/b/c")) == ["a/b/c: it lies below 'a', which is a link"]
    assert messages(file("a/b"), file("a-b"), file("a.b")) == []


def test_kinds() -> None:
    assert len(messages(file("a")._replace(type="fifo"))) == 1
    assert len(messages(file("a")._replace(sha256=""))) == 1
    assert len(messages(file("a")._replace(size_bytes=-1))) == 1
    assert len(messages(file("a")._replace(target="b"))) == 1
    assert len(messages(link("a", "b")._replace(sha256="0" * 64))) == 1


def test_limits() -> None:
    limits = PackageLimits(files=2, total_bytes=10)
    assert messages(file("a", 5), file("b", 5), limits=limits) == []
    assert "too many" in messages(file("a", 5), file("b", 6), limits=limits)[0]
    assert "3 files" in messages(file("a"), file("b"), file("c"), limits=limits)[0]


def test_not_endless() -> None:
    found = messages(*(file(f"/{n}") for n in range(1000)))
    assert len(found) == MOST_ERRORS + 1
    assert found[-1] == "… and 900 more errors"


_HOSTILE = st.text(st.sampled_from("ab./\0\ud800"), max_size=12)


@given(st.lists(st.tuples(_HOSTILE, st.none() | _HOSTILE), max_size=6))
def test_what_passes_stays_inside(entries: list[tuple[str, str | None]]) -> None:
    listed = [file(path) if target is None else link(path, target) for path, target in entries]
    if validate_paths(listed):
        return
    for entry in listed:
        assert entry.path
        assert not entry.path.startswith("/")
        assert ".." not in entry.path.split("/")
        assert not entry.target.startswith("/")
