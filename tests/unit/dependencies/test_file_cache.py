import hashlib
import os
from pathlib import Path

import pytest

from au2.dependencies.file_cache import FileCache
from au2.domain.errors import DigestMismatch

KEY = hashlib.sha256(b"abc").hexdigest()


def test_a_file_is_kept_by_its_digest(tmp_path: Path) -> None:
    cache = FileCache(tmp_path / "new", 1000)
    assert cache.find("files", KEY) is None
    path = cache.add("files", [b"a", b"bc"], sha256=KEY)
    assert path.read_bytes() == b"abc"
    assert cache.find("files", KEY) == path
    assert cache.find("others", KEY) is None


def test_another_file_is_not_kept(tmp_path: Path) -> None:
    cache = FileCache(tmp_path, 1000)
    with pytest.raises(DigestMismatch):
        cache.add("files", [b"abd"], sha256=KEY)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_interrupted_addition_leaves_no_file(tmp_path: Path) -> None:
    def pieces():  # type: ignore[no-untyped-def]
        yield b"a"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        FileCache(tmp_path, 1000).add("files", pieces())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_the_least_recently_used_files_are_pruned_first(tmp_path: Path) -> None:
    size_bytes = FileCache(tmp_path, 0).put("files", f"{0:064x}", b"x" * 10).stat().st_size
    cache = FileCache(tmp_path, size_bytes * 5 // 2)
    paths = [cache.put("files", f"{number:064x}", b"x" * 10) for number in range(3)]
    for age, path in enumerate(reversed(paths)):
        os.utime(path, (1000 - age, 1000 - age))
    assert cache.read("files", f"{0:064x}")
    cache.prune()
    assert [path.exists() for path in paths] == [True, False, True]


@pytest.mark.parametrize("key", ["", "ab", "../x", "ABC", "g" * 64])
def test_other_keys_are_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        FileCache(tmp_path, 1).find("files", key)


@pytest.mark.parametrize("data", [b"", b"abd", b"abc ", b"x" * 5000])
def test_a_damaged_file_is_not_there(tmp_path: Path, data: bytes) -> None:
    cache = FileCache(tmp_path, 1000)
    cache.add("files", [b"abc"]).write_bytes(data)
    assert cache.find("files", KEY) is None
    assert cache.add("files", [b"abc"], sha256=KEY).read_bytes() == b"abc"
    assert cache.find("files", KEY) is not None


def test_a_small_file_is_kept_by_a_key(tmp_path: Path) -> None:
    cache = FileCache(tmp_path, 1000)
    path = cache.put("pages", KEY, b"a\nb")
    assert cache.read("pages", KEY) == b"a\nb"
    assert cache.read("others", KEY) is None
    whole = path.read_bytes()
    for data in (b"", b"a\nb", whole[:-1], whole + b"x", whole.replace(b"au2 1", b"au2 0")):
        path.write_bytes(data)
        assert cache.read("pages", KEY) is None
