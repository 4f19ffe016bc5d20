"""Garbage collection and integrity check by the operator: what is needed stays, damage is found."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.commands.command import Au2, Result
from tests.support.commands.people import MakePeople
from tests.support.machine.memory_disk import mounted_in_memory
from tests.support.packages.folders import Uploaded, fill_package, run_to_end, upload_package
from tests.support.servers.fixtures import MakeServer
from tests.support.servers.server_process import ServerProcess, run_server_command

MakeProcess = Callable[..., Uploaded]
MAIN = {"main.py": "print(open('data').read()[:5])\n"}


def collect(server: ServerProcess, *options: str) -> dict[str, Any]:
    result = run_server_command("gc", "--data-dir", server.data_dir, "-o", "json", *options)
    assert result.exit_code == 0, result
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def check(server: ServerProcess, *options: str) -> Result:
    return run_server_command("fsck", "--data-dir", server.data_dir, *options)


def blob_files(server: ServerProcess) -> list[Path]:
    return list((server.data_dir / "blobs" / "sha256").glob("??/*"))


def make_old(server: ServerProcess, *, if_older_than_seconds: float = -1.0) -> None:
    """Let two days pass for the blobs that nobody asked for in so many seconds."""
    now = time.time()
    for path in blob_files(server):
        try:
            if path.stat().st_mtime < now - if_older_than_seconds:
                os.utime(path, (now - 2 * 86_400, now - 2 * 86_400))
        except FileNotFoundError:
            continue  # It was removed.


def delete_version(au2: Au2, uploaded: Uploaded) -> None:
    au2.ok("process", "version", "delete", uploaded.process, str(uploaded.version), "--yes")


def test_what_a_deleted_version_leaves_goes(
    private_server: ServerProcess, make_people: MakePeople, make_process: MakeProcess
) -> None:
    server, au2 = private_server, make_people(private_server).admin()
    first = make_process(au2, {**MAIN, "data": "first" + os.urandom(2 << 20).hex()})
    (first.directory / "data").write_text("other" + os.urandom(1 << 20).hex())
    second = upload_package(au2, first.directory)
    delete_version(au2, first)
    before = set(blob_files(server))

    assert collect(server)["freed_bytes"] == 0, "what came today stays"
    make_old(server)
    plan = collect(server, "--plan")
    assert set(blob_files(server)) == before
    done = collect(server)

    sizes = {line["what"]: line["bytes"] for line in plan["lines"] if not line["goes"]}
    for part in ("unpacked layers", "logs", "database"):
        assert sizes[part] > 0, plan
    assert plan["freed_bytes"] == done["freed_bytes"] > 8 << 20, "the file, and the layer of it"
    assert [line for line in plan["lines"] if line["goes"]] == [
        line for line in done["lines"] if line["goes"]
    ]
    assert {"blobs", "unpacked layers"} <= {
        line["what"] for line in done["lines"] if not line["goes"]
    }
    assert check(server).exit_code == 0
    result, job = run_to_end(au2, second)
    assert b"other\n" in result.stdout
    assert job["state"] == "SUCCEEDED"
    (first.directory / "data").write_text("third")
    assert b"third\n" in run_to_end(au2, upload_package(au2, first.directory))[0].stdout


@contextmanager
def collecting_again_and_again(server: ServerProcess) -> Iterator[list[int]]:
    """Collect garbage all the time; days pass in seconds. Yields the bytes that were freed."""
    enough, freed, faults = threading.Event(), [], []

    def collect_again_and_again() -> None:
        while not enough.is_set():
            # Longer than any step of an upload here takes, as the grace time must be.
            make_old(server, if_older_than_seconds=10.0)
            try:
                freed.append(collect(server)["freed_bytes"])
            except BaseException as error:
                faults.append(error)
                return

    collector = threading.Thread(target=collect_again_and_again)
    collector.start()
    try:
        yield freed
    finally:
        enough.set()
        collector.join()
    assert faults == []


def test_nobody_notices_while_garbage_is_collected(
    private_server: ServerProcess, make_people: MakePeople, tmp_path: Path
) -> None:
    """Two people upload the same files in turn, delete what they had, and run what they have."""
    people = make_people(private_server)
    contents = [f"{number} " + os.urandom(100_000).hex() for number in range(3)]
    faults: list[BaseException] = []

    def work(au2: Au2, directory: Path) -> None:
        fill_package(au2, directory, MAIN)
        previous: Uploaded | None = None
        for number in range(12):
            content = contents[number % len(contents)]
            (directory / "data").write_text(content)
            uploaded = upload_package(au2, directory)
            if previous is not None:
                delete_version(au2, previous)
            result, job = run_to_end(au2, uploaded)
            assert content[:5].encode() in result.stdout, result
            assert job["state"] == "SUCCEEDED"
            previous = uploaded

    def work_noting_faults(au2: Au2, directory: Path) -> None:
        try:
            work(au2, directory)
        except BaseException as error:
            faults.append(error)

    with collecting_again_and_again(private_server) as freed:
        workers = [
            threading.Thread(target=work_noting_faults, args=(people.admin(), tmp_path / str(one)))
            for one in range(2)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    assert faults == []
    assert len(freed) > 3
    assert check(private_server).exit_code == 0


def test_damage_is_found_and_mended(
    private_server: ServerProcess, make_people: MakePeople, make_process: MakeProcess
) -> None:
    server, au2 = private_server, make_people(private_server).admin()
    process = make_process(au2, {**MAIN, "data": "whole" + os.urandom(1 << 20).hex()})
    name = au2.json("process", "show", process.process)["name"]
    assert check(server).exit_code == 0
    largest = sorted(
        (path for path in blob_files(server) if (2 << 20) <= path.stat().st_size < (3 << 20)),
        key=lambda path: path.stat().st_size,
    )
    layer = largest[-1]
    assert layer.stat().st_size > (2 << 20), "the package's layer is larger than its file"
    with layer.open("r+b") as file:
        file.seek(1 << 20)
        file.write(b"\0damage\0")

    assert check(server, "--quick").exit_code == 0, "it has its size"
    found = check(server)
    assert found.exit_code == 1
    assert layer.name in found.text
    assert f"version {process.version} of the process '{name}'" in found.text
    assert "upload the same" in found.text
    documents = json.loads(check(server, "-o", "json").stdout)
    assert [finding["blob"] for finding in documents["findings"]] == [f"sha256:{layer.name}"]

    removed = check(server, "--remove-damaged")
    assert "1 damaged" in removed.errors
    assert not layer.exists()
    again = check(server, "--quick", "-o", "yaml")
    assert again.exit_code == 1
    assert "missing" in again.text
    au2.ok("process", "repo", "upload", process.directory, "--yes", "--wait", "--force")

    assert check(server).exit_code == 0
    assert layer.exists()


def test_a_full_disk_is_cleared(
    short_directory: Path, make_server: MakeServer, make_people: MakePeople, tmp_path: Path
) -> None:
    disk = short_directory / "full-disk"
    disk.mkdir()
    with mounted_in_memory(disk, "1g"):
        server = make_server(data_dir=disk / "data")
        server.start()
        au2 = make_people(server).admin()
        directory = fill_package(au2, tmp_path / "package", MAIN)
        for is_running in (True, False):
            (directory / "data").write_text("large" + os.urandom(4 << 20).hex())
            delete_version(au2, upload_package(au2, directory))
            make_old(server)
            if not is_running:
                server.stop()
            fill(disk / "filling")

            freed_bytes = collect(server)["freed_bytes"]

            assert freed_bytes > 16 << 20, "the file and the layer of it"
            (disk / "filling").unlink()
            if not is_running:
                server.start()
            assert check(server).exit_code == 0
        (directory / "data").write_text("small")
        assert b"small\n" in run_to_end(au2, upload_package(au2, directory))[0].stdout
        server.remove()
    disk.rmdir()


def fill(path: Path) -> None:
    """Write until nothing more goes on the disk."""
    try:
        with path.open("wb", buffering=0) as file:
            while file.write(b"x" * (1 << 20)):
                pass
    except OSError:
        return
