"""Container ids and the folders of the native engine."""

from pathlib import Path

from au2.engines.native.paths import EnginePaths


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
