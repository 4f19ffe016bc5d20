from collections.abc import Sequence
from pathlib import Path

import pytest

from au2.package import names
from au2.package.ignore import make_ignored
from au2.package.template import default_ignore_rules


@pytest.mark.parametrize(
    ("rules", "path", "is_directory", "expected"),
    [
        ("*.pyc", "a/b.pyc", False, True),
        ("/b", "a/b", False, False),
        ("/b", "b", False, True),
        ("b/", "a/b", False, False),
        ("b/", "a/b", True, True),
        ("*.log\n!keep.log", "keep.log", False, False),
        ("a/**/z", "a/b/c/z", False, True),
        ("\\#x", "#x", False, True),
        ("# x", "# x", False, False),
        ("[ab].txt", "b.txt", False, True),
        ("x  ", "x", False, True),
        ("*", "main.py", False, False),
        ("*", "aunsight.yml", False, False),
        ("*", "sub/main.py", False, True),
        ("*", "main.py", True, True),
        ("", ".git", True, True),
        ("", "deep/.git", False, True),
        ("!.git", ".git", True, True),
        ("", ".gitignore", False, False),
    ],
)
def test_rules(rules: str, path: str, is_directory: bool, expected: bool) -> None:
    assert make_ignored(rules)(path, is_directory) is expected


def test_what_has_a_meaning_is_never_ignored() -> None:
    ignored = make_ignored("*\n")
    assert not any(ignored(name, False) for name in names.NEVER_IGNORED)


@pytest.mark.parametrize(
    ("path", "is_directory"),
    [
        (".git", True),
        ("lib/__pycache__", True),
        ("a.pyc", False),
        (".venv", True),
        ("node_modules", True),
        (".idea", True),
        (".main.py.swp", False),
        (".DS_Store", False),
    ],
)
def test_default_rules(path: str, is_directory: bool) -> None:
    assert make_ignored(default_ignore_rules())(path, is_directory)


def test_default_rules_leave_code_alone() -> None:
    ignored = make_ignored(default_ignore_rules())
    kept: Sequence[str] = ("lib/a.py", "data/x.csv", ".auignore", "venv.py", "src/env.yml")
    assert not any(ignored(str(Path(path)), False) for path in kept)
