"""The folder of sockets: dead owners, long paths, strangers in it."""

import subprocess
import sys
from pathlib import Path

from au2.stores.notices import FolderNotices

DIE_LISTENING = """
import os, signal, sys
from pathlib import Path
from au2.stores.notices import FolderNotices
FolderNotices(Path(sys.argv[1]), "dead")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_socket_of_a_killed_process_is_removed(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", DIE_LISTENING, str(tmp_path)], check=False)
    assert [path.name[:5] for path in tmp_path.iterdir()] == ["dead-"]
    notices = FolderNotices(tmp_path, "api")
    notices.send("jobs")
    assert [path.name[:4] for path in tmp_path.iterdir()] == ["api-"]
    assert notices.wait(20) == {"jobs"}
    notices.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_a_long_path_works(tmp_path: Path) -> None:
    notices = FolderNotices(tmp_path / ("x" * 200), "api")
    notices.send("jobs")
    assert notices.wait(20) == {"jobs"}
    notices.close()


def test_other_files_in_the_folder_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "plain.sock").write_text("no socket")
    (tmp_path / "dangling.sock").symlink_to("nowhere")
    notices = FolderNotices(tmp_path, "api")
    notices.send("jobs")
    assert notices.wait(20) == {"jobs"}
    notices.close()


def test_a_folder_that_was_removed_makes_sending_harmless(tmp_path: Path) -> None:
    notices = FolderNotices(tmp_path / "gone", "api")
    for path in (tmp_path / "gone").iterdir():
        path.unlink()
    (tmp_path / "gone").rmdir()
    notices.send("jobs")
    assert notices.wait(0) == set()
    notices.close()
