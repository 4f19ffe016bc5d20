"""Container ids and the folders of the native engine."""

from pathlib import Path

import pytest

from au2.engines.native.paths import EnginePaths, is_container_id


@pytest.mark.parametrize("text", ["a", "job-12-1", "A" * 64])
def test_container_ids(text: str) -> None:
    assert is_container_id(text)


@pytest.mark.parametrize("text", ["", "-a", "a" * 65, "a/b", "..", "a\n", "a b", "ä", "a_b"])
def test_no_container_ids(text: str) -> None:
    assert not is_container_id(text)
    with pytest.raises(ValueError, match="container id"):
        EnginePaths(Path("/d"), Path("/r")).container(text)


def test_folders_can_be_passed_where_they_must(tmp_path: Path) -> None:
    places = EnginePaths(tmp_path / "data", tmp_path / "run")
    places.make(group=0)
    places.make(group=0)
    modes = [
        path.stat().st_mode & 0o777
        for path in (places.data_dir, places.layers, places.storages, places.runtimes)
    ]
    assert modes == [0o711, 0o700, 0o711, 0o710]
    assert list(places.container_ids()) == []
    (places.storages / "one").mkdir()
    (places.runtimes / "one").mkdir()
    (places.runtimes / "two").mkdir()
    (places.runtimes / "not an id").mkdir()
    assert list(places.container_ids()) == ["one", "two"]
