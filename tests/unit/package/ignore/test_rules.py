"""What is particular to ``.auignore``; the grammar is compared with git's own in the next file."""

import os
from pathlib import Path

import pytest

from au2.domain.errors import InvalidPackage
from au2.package import names
from au2.package.ignore.rules import parse_rules, read_rules
from au2.package.tree.walk import walk_package


def take(folder: Path, rules: str | bytes | None, *paths: str) -> set[str]:
    """Make ``paths`` and return those of them that are taken. Folders end with ``/``."""
    for path in paths:
        full = folder / path
        full.parent.mkdir(parents=True, exist_ok=True)
        if path.endswith("/"):
            full.mkdir(exist_ok=True)
        else:
            full.touch()
    if rules is not None:
        data = rules if isinstance(rules, bytes) else rules.encode()
        (folder / ".auignore").write_bytes(data)

    def fail(_: str, error: OSError) -> None:
        raise error

    found = walk_package(os.fspath(folder), read_rules, fail)
    taken = {entry.path + "/" * entry.is_folder for entry in found}
    return taken & set(paths)


@pytest.mark.parametrize("path", [".git", "deep/.git", ".git/"])
def test_git_is_left_out_at_any_depth(tmp_path: Path, path: str) -> None:
    assert take(tmp_path, "!.git\n", path, ".gitignore") == {".gitignore"}


def test_what_has_a_meaning_is_taken_at_the_top(tmp_path: Path) -> None:
    assert take(tmp_path, "*\n", *names.NEVER_IGNORED) == names.NEVER_IGNORED


def test_what_has_a_meaning_has_it_at_the_top_only(tmp_path: Path) -> None:
    assert take(tmp_path, "*\n!sub/\n", "sub/main.py", "main.sh/") == set()


LEFT_OUT_BY_DEFAULT = (
    *(".git/", "lib/__pycache__/", "a.pyc", ".venv/", "node_modules/", ".idea/", ".main.py.swp"),
    ".DS_Store",
)
TAKEN_BY_DEFAULT = ("lib/a.py", "data/x.csv", "venv.py", "src/env.yml")


def test_default_rules_hold_where_there_are_none(tmp_path: Path) -> None:
    taken = take(tmp_path, None, *LEFT_OUT_BY_DEFAULT, *TAKEN_BY_DEFAULT)
    assert taken == set(TAKEN_BY_DEFAULT)


def test_own_rules_take_the_place_of_the_default_ones(tmp_path: Path) -> None:
    assert take(tmp_path, "x\n", "a.pyc", "x") == {"a.pyc"}


def test_rules_below_the_top_hold_beside_the_default_ones(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/.auignore").write_text("/x\n!keep.pyc\n")
    taken = take(tmp_path, None, "x", "lib/x", "lib/sub/x", "a.pyc", "lib/b.pyc", "lib/keep.pyc")
    assert taken == {"x", "lib/sub/x", "lib/keep.pyc"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf16_is_refused(tmp_path: Path, encoding: str) -> None:
    """As PowerShell's ``>`` writes it: no rule would match, and everything would be uploaded."""
    text = "\ufeffdata/\r\n" if encoding == "utf-16-be" else "data/\r\n"
    with pytest.raises(InvalidPackage) as caught:
        take(tmp_path, text.encode(encoding), "data/x")
    [detail] = caught.value.details
    assert str(detail).startswith(".auignore: the file is UTF-16")


def test_a_rule_file_that_can_not_be_read(tmp_path: Path) -> None:
    (tmp_path / ".auignore").symlink_to("/proc/self/mem")
    with pytest.raises(InvalidPackage) as caught:
        take(tmp_path, None, "x")
    assert str(caught.value.details[0]).startswith(".auignore: the file can't be read: ")


def test_limits(tmp_path: Path) -> None:
    with pytest.raises(InvalidPackage) as caught:
        take(tmp_path, b"a" * (1 << 20) + b"a")
    assert "larger than 1 MiB" in str(caught.value.details[0])
    with pytest.raises(InvalidPackage) as caught:
        take(tmp_path, b"*" * 10_001)
    assert "more than 10000 wildcards" in str(caught.value.details[0])


@pytest.mark.parametrize(
    "pattern", [b"*a" * 60 + b"b", b"**/a/" * 60 + b"b", b"**/*a*a/" * 30 + b"b", b"?*" * 99 + b"x"]
)
@pytest.mark.parametrize("path", [b"a" * 255, b"a/" * 500 + b"a", b"aaaa/" * 200 + b"a"])
def test_no_pattern_takes_for_ever(pattern: bytes, path: bytes) -> None:
    """A matcher that tries every split does not come back from these."""
    assert parse_rules(pattern).find(path, is_folder=False) is None


def test_an_ignored_folder_is_not_looked_into(tmp_path: Path) -> None:
    assert take(tmp_path, "/data\n", "data/x", "y") == {"y"}
    errors: list[str] = []
    (tmp_path / "data").chmod(0)
    found = walk_package(os.fspath(tmp_path), read_rules, lambda path, _: errors.append(path))
    assert {entry.path for entry in found} == {"y", ".auignore"}
    assert errors == []
