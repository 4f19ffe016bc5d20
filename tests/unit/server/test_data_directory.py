"""The data directory: its modes, and what is not taken for one."""

from pathlib import Path

import pytest

from au2.domain.errors import Conflict, InvalidRequest, NotFound
from au2.server.data_directory import DataDirectory, lock_data_directory


def modes(root: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in (root, *root.iterdir())}


def test_modes(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path / "some" / "D")
    data.create()
    data.root.chmod(0o700)
    data.create()
    assert modes(data.root) == {
        "D": 0o711,
        "database": 0o700,
        "blobs": 0o700,
        "layers": 0o700,
        "containers": 0o711,
        "logs": 0o700,
    }


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    mode = tmp_path.stat().st_mode
    with pytest.raises(InvalidRequest, match="not empty"):
        DataDirectory(tmp_path).create()
    assert tmp_path.stat().st_mode == mode
    with pytest.raises(InvalidRequest, match="not empty"):
        DataDirectory(tmp_path / "thesis.tex").create()


def test_settings_may_be_there_first(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").touch()
    DataDirectory(tmp_path).create()
    assert (tmp_path / "blobs").is_dir()


def test_what_is_no_data_directory_is_told_how_to_become_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        DataDirectory(tmp_path).check()
    assert "au2-server init" in str(caught.value.hint)


def test_only_one_holds_the_lock(tmp_path: Path) -> None:
    with (
        lock_data_directory(tmp_path, patience_seconds=0),
        pytest.raises(Conflict, match="in use"),
        lock_data_directory(tmp_path, patience_seconds=0),
    ):
        pass
    with lock_data_directory(tmp_path, patience_seconds=0):
        pass


def test_instances_are_told_apart() -> None:
    one, other = DataDirectory(Path("/srv/a")), DataDirectory(Path("/srv/b"))
    assert one.instance != other.instance
    assert one.run_directory(None) == Path("/run/au2") / one.instance
    assert one.run_directory(Path("/run/x")) == Path("/run/x")


@pytest.mark.parametrize(
    "name", ["a\nb", "a\x1bb", "a\x7f", "\udcff", "\u2028", "x" * 200 + "/" + "y" * 900]
)
def test_paths_that_nothing_could_print_or_open_are_refused(tmp_path: Path, name: str) -> None:
    data = DataDirectory(tmp_path / name)
    with pytest.raises(InvalidRequest, match="can't be a data directory") as caught:
        data.create()
    assert str(caught.value).isprintable()
    assert list(tmp_path.iterdir()) == []
