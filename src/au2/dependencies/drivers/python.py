"""Driver of Python's build containers, run by the runtime's Python (3.8 or newer, nothing else).

``python3 -I python.py resolve|install`` reads ``/run/au2/plan.json`` and sends its results to the
gateway. Installing runs no code of the packages. Resolving goes on to install, unless code of
packages ran: then a new container installs, which that code was never in.
"""

from __future__ import annotations

import http.client
import json
import os
import runpy
import shutil
import stat
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, BinaryIO, cast

PLAN = Path("/run/au2/plan.json")
UV = "/opt/au2/build/uv"
COMPILE = Path(__file__).with_name("compile.py")
DESCRIBE = Path(__file__).with_name("describe.py")
TARGET = Path("/opt/au2/python")
WORK = Path("/opt/au2/build/work")
HOST, PORT = "127.0.0.1", 8077
INSTALL_INDEX = f"http://{HOST}:{PORT}/pinned/"
CHUNK_BYTES = 1 << 20
# What uv notes of how it installed.
NOTES = ("REQUESTED", "direct_url.json", "uv_build.json", "uv_cache.json")


def main() -> int:
    """Do one step; return the exit code."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    plan = json.loads(PLAN.read_text("utf-8"))
    description = runpy.run_path(str(DESCRIBE))["describe"]()
    put("/runtime", json.dumps(description).encode())
    code = resolve(plan) if sys.argv[1] == "resolve" else 0
    return code or install(plan)


def resolve(plan: dict[str, Any]) -> int:
    """Find out which versions go together; build what there is no wheel of."""
    (WORK / "requirements.in").write_text(plan["requirements"], "utf-8")
    (WORK / "constraints.in").write_text(plan["constraints"], "utf-8")
    pins = WORK / "pins.txt"
    quiet = ("--quiet", "--no-annotate", "--no-header", *plan["options"])
    places = ("--constraints", "constraints.in", "--output-file", str(pins), "requirements.in")
    code = uv("compile", *quiet, *places)
    if code:
        return code
    put("/pins", pins.read_bytes())
    pins.write_bytes(get("/unsettled"))
    options = ("--no-deps", "--target", str(TARGET), "-r", str(pins), "--quiet", *plan["formats"])
    if not pins.stat().st_size:
        return 0
    if uv("install", *options, "--dry-run", "--no-build", silent=True) == 0:
        return 0
    code = uv("install", *options)
    if code == 0:
        for wheel in built_wheels():
            with wheel.open("rb") as file:
                put(f"/built/{wheel.name}", file)
    return code


def built_wheels() -> list[Path]:
    """Return the wheels that uv made itself: the newest of each name."""
    found: dict[str, Path] = {}
    for wheel in Path(os.environ["UV_CACHE_DIR"]).glob("sdists-*/**/*.whl"):
        if wheel.is_file():
            older = found.get(wheel.name, wheel)
            found[wheel.name] = max(wheel, older, key=lambda path: path.stat().st_mtime)
    return sorted(found.values())


def install(plan: dict[str, Any]) -> int:
    """Install exactly what was pinned, as far as it is not there from earlier; send the result."""
    pins = WORK / "pins.txt"
    pins.write_bytes(get("/missing"))
    if not pins.stat().st_size:
        return 0
    options = ("--no-deps", "--no-build", "--target", str(TARGET), "--default-index", INSTALL_INDEX)
    lines = pins.read_bytes().splitlines(keepends=True)
    # Of two that bring the same file the later stays; uv itself takes them as they come.
    for part in lines if plan.get("one_by_one") else [b"".join(lines)]:
        pins.write_bytes(part)
        code = uv("install", *options, "-r", str(pins))
        if code:
            return code
    tidy()
    # Not with -I: then it would not be known in which order Python has what is in a set.
    places = [str(TARGET)] * 3
    line = [sys.executable, "-s", "-S", str(COMPILE), *places, str(plan["workers"])]
    code = subprocess.run(line, cwd=WORK, check=False).returncode
    if code == 0:
        send_tree()
    return code


def tidy() -> None:
    """Remove what tells how it was installed, so that the same files give the same result."""
    if (TARGET / ".lock").exists():
        (TARGET / ".lock").unlink()
    # What wheels bring compiled was made of who knows what.
    for compiled in list(TARGET.glob("**/__pycache__")):
        shutil.rmtree(compiled)
    for inner, folders, files in os.walk(TARGET, topdown=False):
        # A folder with nothing in it is nobody's; pip makes none either.
        if not files and not any(Path(inner, name).exists() for name in folders):
            Path(inner).rmdir()
    for folder in TARGET.glob("*.dist-info"):
        for name in NOTES:
            if (folder / name).exists():
                (folder / name).unlink()
        record = folder / "RECORD"
        if record.exists():
            lines = record.read_bytes().decode("utf-8").splitlines()
            # A new file: uv may have made this one a second name of the one in its cache.
            record.unlink()
            kept = sorted(line for line in lines if not is_note(line))
            record.write_bytes("".join(f"{line}\n" for line in kept).encode("utf-8"))


def is_note(line: str) -> bool:
    """Whether a line of RECORD is about one of the notes."""
    folder, _, name = line.partition(",")[0].strip('"').rpartition("/")
    # Those deeper are of packages that a package brings along: its own files.
    return "/" not in folder and folder.endswith(".dist-info") and name in NOTES


def send_tree() -> None:
    """Send what was installed as a tar archive, while it is made."""
    connection = http.client.HTTPConnection(HOST, PORT)
    connection.putrequest("PUT", "/tree")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    chunks = Chunks(connection)
    with tarfile.open(fileobj=cast(BinaryIO, chunks), mode="w|", bufsize=1 << 14) as archive:
        for folder, folders, names in os.walk(TARGET):
            for name in sorted(folders + names):
                add(archive, Path(folder, name))
    chunks.flush()
    connection.send(b"0\r\n\r\n")
    finish(connection, "/tree")


def add(archive: tarfile.TarFile, path: Path) -> None:
    """Add one file or folder; two names of one file are two files here."""
    status = path.lstat()
    info = tarfile.TarInfo(str(path).lstrip("/"))
    info.mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISREG(status.st_mode):
        info.size = status.st_size
        with path.open("rb") as file:
            archive.addfile(info, file)
    elif stat.S_ISDIR(status.st_mode):
        info.type = tarfile.DIRTYPE
        archive.addfile(info)
    else:
        info.type, info.linkname = tarfile.SYMTYPE, os.readlink(path)  # noqa: PTH115 - 3.8
        archive.addfile(info)


class Chunks:
    """Gathers what is written: many small chunks would be slow."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self.connection = connection
        self.waiting: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        """Take ``data``."""
        self.waiting.append(data)
        self.size += len(data)
        if self.size >= CHUNK_BYTES:
            self.flush()
        return len(data)

    def flush(self) -> None:
        """Send what was gathered."""
        if self.size:
            data = b"".join(self.waiting)
            self.connection.send(b"%x\r\n" % len(data) + data + b"\r\n")
        self.waiting, self.size = [], 0


def uv(command: str, *arguments: str, silent: bool = False) -> int:
    """Run uv; what it says is for the job's log."""
    output = subprocess.DEVNULL if silent else None
    line = [UV, "pip", command, "--python", sys.executable, *arguments]
    return subprocess.run(line, cwd=WORK, stdout=output, stderr=output, check=False).returncode


def get(path: str) -> bytes:
    """Ask the gateway."""
    connection = http.client.HTTPConnection(HOST, PORT)
    connection.request("GET", path)
    return finish(connection, path)


def put(path: str, body: bytes | BinaryIO) -> None:
    """Send to the gateway."""
    connection = http.client.HTTPConnection(HOST, PORT)
    size = len(body) if isinstance(body, bytes) else os.fstat(body.fileno()).st_size
    connection.request("PUT", path, body, {"Content-Length": str(size)})
    finish(connection, path)


def finish(connection: http.client.HTTPConnection, path: str) -> bytes:
    """Return the answer; end if it is a refusal."""
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    if answer.status != http.client.OK:
        sys.exit(f"{path}: {data.decode('utf-8', 'replace')}")
    return data


if __name__ == "__main__":
    sys.exit(main())
