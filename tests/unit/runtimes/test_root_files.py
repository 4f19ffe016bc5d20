"""Layers laid over each other, as a container would see them."""

import io
import tarfile
from pathlib import Path

from au2.runtimes.root_files import RootFiles


def layer(*paths: str, **contents: bytes) -> io.BytesIO:
    """Return an archive: paths with / at the end are folders, with > links."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path in paths:
            name, arrow, target = path.partition(">")
            entry = tarfile.TarInfo(name.rstrip("/"))
            if arrow:
                entry.type, entry.linkname = tarfile.SYMTYPE, target
            elif path.endswith("/"):
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            data = contents.get(name.replace("/", "_"), b"")
            entry.size = 0 if arrow or path.endswith("/") else len(data)
            archive.addfile(entry, io.BytesIO(data))
    out.seek(0)
    return out


def flattened(folder: Path, *layers: io.BytesIO) -> RootFiles:
    files = RootFiles(folder / "spool")
    for one in layers:
        files.add_layer(one)
    return files


def paths(files: RootFiles) -> list[str]:
    return sorted(entry.path for entry in files.entries())


def test_upper_layers_win(tmp_path: Path) -> None:
    files = flattened(tmp_path, layer("a/", "a/x", a_x=b"1"), layer("a/x", "b", a_x=b"22"))
    assert files.read("a/x") == b"22"
    assert paths(files) == ["a", "a/x", "b"]


def test_a_whiteout_removes_a_path_and_everything_below_it(tmp_path: Path) -> None:
    below = layer("a/", "a/x", "a/y/", "a/y/z", "ab", "c/", "c/d")
    files = flattened(tmp_path, below, layer("a/.wh.y", "a/n", "c/new", "c/.wh..wh..opq"))
    assert paths(files) == ["a", "a/n", "a/x", "ab", "c", "c/new"]


def test_a_removed_path_may_be_replaced_in_the_same_layer(tmp_path: Path) -> None:
    files = flattened(tmp_path, layer("a/", "a/x"), layer("a/", "a/n", ".wh.a"))
    assert paths(files) == ["a", "a/n"]


def test_a_folder_that_becomes_something_else(tmp_path: Path) -> None:
    files = flattened(tmp_path, layer("a/", "a/x", "b"), layer("a>b"))
    assert paths(files) == ["a", "b"]
    files = flattened(tmp_path, layer("a>b"), layer("a/", "a/x"))
    assert paths(files) == ["a", "a/x"]


def test_everything_taken_away(tmp_path: Path) -> None:
    assert paths(flattened(tmp_path, layer("a/", "a/x"), layer(".wh..wh..opq"))) == []


def test_a_layer_of_changes_has_only_the_changes(tmp_path: Path) -> None:
    files = flattened(tmp_path, layer("a/", "a/x", "b"))
    entries = files.changed(lambda files: files.write("a/x", b"new"))
    assert sorted(entry.path for entry in entries) == ["a", "a/x"]
