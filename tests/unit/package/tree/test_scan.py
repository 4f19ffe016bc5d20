import hashlib
import os
import socket
from pathlib import Path

import pytest

from au2.domain.errors import InvalidPackage
from au2.package.tree.paths import PackageLimits
from au2.package.tree.scan import scan_package

MANIFEST = "name: a\nruntime: r\n"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "aunsight.yml").write_text(MANIFEST)
    (tmp_path / "main.py").write_text("print(1)\n")
    return tmp_path


def errors(package: Path, limits: PackageLimits | None = None) -> list[str]:
    with pytest.raises(InvalidPackage) as caught:
        scan_package(package, limits=limits or PackageLimits())
    return [str(detail) for detail in caught.value.details]


def test_what_is_listed(package: Path) -> None:
    (package / "lib").mkdir()
    (package / "lib" / "run.sh").write_text("echo\n")
    (package / "lib" / "run.sh").chmod(0o755)
    (package / "link").symlink_to("lib/run.sh")
    (package / "empty").touch()
    (package / "nothing").mkdir()
    files = scan_package(package)
    listed = [(e.path, e.type, e.executable, e.size_bytes, e.target) for e in files.entries]
    assert listed == [
        ("aunsight.yml", "file", False, 19, ""),
        ("empty", "file", False, 0, ""),
        ("lib/run.sh", "file", True, 5, ""),
        ("link", "link", False, 0, "lib/run.sh"),
        ("main.py", "file", False, 9, ""),
        ("nothing", "folder", False, 0, ""),
    ]
    assert files.total_bytes == 33
    by_path = {entry.path: entry for entry in files.entries}
    assert by_path["main.py"].sha256 == hashlib.sha256(b"print(1)\n").hexdigest()
    assert by_path["main.py"].source == package / "main.py"
    assert by_path["link"].sha256 == ""


def folders(package: Path) -> dict[str, str]:
    return {e.path: e.mode for e in scan_package(package).entries if e.type == "folder"}


def test_folders_that_their_contents_do_not_tell(package: Path) -> None:
    (package / "a/b/empty").mkdir(parents=True)
    (package / "full").mkdir()
    (package / "full/x").touch()
    (package / "logs").mkdir()
    (package / "logs/x.log").touch()
    (package / "private").mkdir()
    (package / "private/x").touch()
    (package / "private").chmod(0o700)
    (package / ".auignore").write_text("*.log\n")
    assert folders(package) == {"a/b/empty": "", "logs": "", "private": "700"}


def test_folders_that_a_rule_took_back_are_there_for_what_is_in_them(package: Path) -> None:
    (package / "data/deep").mkdir(parents=True)
    (package / "data/deep/x.csv").touch()
    (package / "lib").mkdir()
    (package / "lib/a.py").touch()
    (package / "lib").chmod(0o750)
    (package / ".auignore").write_text("*\n!*/\n!*.py\n")
    assert folders(package) == {"lib": "750"}


@pytest.mark.parametrize(
    ("mode", "executable", "listed"),
    [
        *((0o644, False, ""), (0o755, True, ""), (0o600, False, "600"), (0o444, False, "444")),
        *((0o664, False, "664"), (0o775, True, "775"), (0o700, True, "700"), (0o040, False, "440")),
        *((0o4755, True, ""), (0o2644, False, ""), (0o1777, True, "777"), (0, False, "400")),
    ],
)
def test_modes(package: Path, mode: int, executable: bool, listed: str) -> None:
    (package / "main.py").chmod(mode)
    entry = next(e for e in scan_package(package).entries if e.path == "main.py")
    assert (entry.executable, entry.mode) == (executable, listed)


@pytest.mark.parametrize(
    ("mode", "listed"), [(0o755, ""), (0o4700, "700"), (0o1777, "777"), (0o070, "570")]
)
def test_modes_of_folders(package: Path, mode: int, listed: str) -> None:
    (package / "out").mkdir()
    (package / "out").chmod(mode)
    assert folders(package) == {"out": listed}


def test_a_folder_that_can_not_be_is_told_once(package: Path) -> None:
    (package / ".wh.x/deep").mkdir(parents=True)
    (package / ".wh.x/deep/y").touch()
    assert len(errors(package)) == 1


def test_the_process_id_is_no_part_of_it(package: Path) -> None:
    before = scan_package(package)
    guid = "20e7f5e9-b4a9-4972-bcc6-f43610a0d7e0"
    (package / "aunsight.yml").write_text(f"{MANIFEST}processes:\n  {guid}: {guid}\n")
    after = scan_package(package)
    assert after.entries == before.entries
    assert after.entries[0].source == MANIFEST.encode()


def test_ignored_files_stay_at_home(package: Path) -> None:
    for folder in (".git", "sub/.git", "__pycache__", ".venv"):
        (package / folder).mkdir(parents=True)
        (package / folder / "x").touch()
    paths = [entry.path for entry in scan_package(package).entries]
    assert paths == ["aunsight.yml", "main.py", "sub"]
    (package / ".auignore").write_text("*\n!sub\n")
    paths = [entry.path for entry in scan_package(package).entries]
    assert paths == [".auignore", "aunsight.yml", "main.py"]


def test_links_are_not_followed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (package / "loop").symlink_to(".")
    assert [e.type for e in scan_package(package).entries] == ["file", "link", "file"]
    (package / "out").symlink_to(tmp_path_factory.mktemp("outside"))
    (package / "up").symlink_to("../x")
    assert [text.partition(":")[0] for text in errors(package)] == ["out"]
    (package / "out").unlink()
    assert [text.partition(":")[0] for text in errors(package)] == ["up"]


def test_what_is_no_file(package: Path) -> None:
    os.mkfifo(package / "fifo")
    os.mknod(package / "null", 0o600 | 0o020000, os.makedev(1, 3))
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(package / "socket"))
        assert sorted(errors(package)) == [
            "fifo: a FIFO can't be part of a package",
            "null: a device can't be part of a package",
            "socket: a socket can't be part of a package",
        ]
    finally:
        listener.close()


def test_names_that_are_not_utf8(package: Path) -> None:
    (package / os.fsdecode(b"caf\xe9.py")).touch()
    (package / ".wh.main.py").touch()
    found = sorted(errors(package))
    assert found[0].startswith(".wh.main.py: ")
    assert found[1] == "caf\\xe9.py: the name is not valid UTF-8"


def test_names_that_are_ignored_may_be_anything(package: Path) -> None:
    (package / os.fsdecode(b"caf\xe9.log")).touch()
    (package / ".wh.old").mkdir()
    (package / ".auignore").write_bytes(b"# caf\xe9\n*.log\n.wh.*/\n")
    paths = [entry.path for entry in scan_package(package).entries]
    assert paths == [".auignore", "aunsight.yml", "main.py"]


def test_limits(package: Path) -> None:
    (package / "big").write_bytes(bytes(100))
    assert "too large" in errors(package, PackageLimits(total_bytes=50))[0]
    assert "too many files" in errors(package, PackageLimits(files=2))[0]


def test_a_folder_that_is_no_package(tmp_path: Path) -> None:
    [message] = errors(tmp_path)
    assert message.startswith("aunsight.yml: the file is missing")


def test_a_manifest_of_another_name(tmp_path: Path) -> None:
    (tmp_path / "Aunsight.yaml").touch()
    [message] = errors(tmp_path)
    assert message == (
        "aunsight.yml: the file is missing: rename 'Aunsight.yaml', which looks like it"
    )


def test_a_broken_manifest_and_other_errors(package: Path) -> None:
    (package / "aunsight.yml").write_text("name: a\nname: b\n")
    os.mkfifo(package / "fifo")
    found = errors(package)
    assert any(text.startswith("aunsight.yml:2: ") for text in found)
    assert any(text.startswith("fifo: ") for text in found)
