"""Driver of Python's build containers, run by the runtime's Python (3.8 or newer, nothing else).

``python3 -I python.py resolve|install`` reads ``/run/au2/plan.json`` and sends its results to the
gateway. Installing runs no code of the packages. Resolving goes on to install, unless code of
packages ran: then a new container installs, out of reach of that code.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import runpy
import shutil
import stat
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, BinaryIO

PLAN = Path("/run/au2/plan.json")
UV = "/opt/au2/build/uv"
COMPILE = Path(__file__).with_name("compile.py")
DESCRIBE = Path(__file__).with_name("describe.py")
TARGET = Path("/opt/au2/python")
WORK = Path("/opt/au2/build/work")
HOST, PORT = "127.0.0.1", 8077
INSTALL_INDEX = f"http://{HOST}:{PORT}/pinned/"
CHUNK_BYTES = 1 << 20
# Notes of uv about an installation.
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
    """Resolve the requirements; build wheels of sdists where the index has none."""
    (WORK / "requirements.in").write_text(plan["requirements"], "utf-8")
    (WORK / "constraints.in").write_text(plan["constraints"], "utf-8")
    pins = WORK / "pins.txt"
    quiet = ("--quiet", "--no-annotate", "--no-header", *plan["options"])
    files = ("--constraints", "constraints.in", "--output-file", str(pins), "requirements.in")
    code = uv("compile", *quiet, *files)
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
    """Return the wheels that uv built, the newest of each name."""
    found: dict[str, Path] = {}
    for wheel in Path(os.environ["UV_CACHE_DIR"]).glob("sdists-*/**/*.whl"):
        if wheel.is_file():
            older = found.get(wheel.name, wheel)
            found[wheel.name] = max(wheel, older, key=lambda path: path.stat().st_mtime)
    return sorted(found.values())


def install(plan: dict[str, Any]) -> int:
    """Install the pins that the platform's cache is missing; send the result."""
    pins = WORK / "pins.txt"
    pins.write_bytes(get("/missing"))
    if not pins.stat().st_size:
        return 0
    options = ("--no-deps", "--no-build", "--target", str(TARGET), "--default-index", INSTALL_INDEX)
    lines = pins.read_bytes().splitlines(keepends=True)
    # Of two wheels with the same file the later one's stays; uv's own order is undefined.
    for part in lines if plan.get("one_by_one") else [b"".join(lines)]:
        pins.write_bytes(part)
        code = uv("install", *options, "-r", str(pins))
        if code:
            return code
    tidy()
    # Not with -I: it ignores PYTHONHASHSEED, on which the order of sets depends.
    line = [sys.executable, "-s", "-S", str(COMPILE), *[str(TARGET)] * 3, str(plan["workers"])]
    code = subprocess.run(line, cwd=WORK, check=False).returncode
    if code == 0:
        send_tree()
    return code


def tidy() -> None:
    """Remove traces of the installation, so that the same wheels give the same files."""
    if (TARGET / ".lock").exists():
        (TARGET / ".lock").unlink()
    # The sources of modules that wheels bring compiled are unknown.
    for compiled in list(TARGET.glob("**/__pycache__")):
        shutil.rmtree(compiled)
    for inner, folders, files in os.walk(TARGET, topdown=False):
        # Empty folders belong to no wheel; pip makes none either.
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
    """Return whether a line of RECORD names a note."""
    folder, _, name = line.partition(",")[0].strip('"').rpartition("/")
    # Deeper ones belong to vendored packages: files of the wheel.
    return "/" not in folder and folder.endswith(".dist-info") and name in NOTES


def send_tree() -> None:
    """Stream the installed files to the gateway as a tar archive."""
    connection = http.client.HTTPConnection(HOST, PORT)
    connection.putrequest("PUT", "/tree")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    # Many small chunks would be slow.
    chunks = io.BufferedWriter(Chunks(connection), CHUNK_BYTES)
    with tarfile.open(fileobj=chunks, mode="w|", bufsize=1 << 14) as archive:
        for folder, folders, names in os.walk(TARGET):
            for name in sorted(folders + names):
                add(archive, Path(folder, name))
    chunks.flush()
    connection.send(b"0\r\n\r\n")
    finish(connection, "/tree")


def add(archive: tarfile.TarFile, path: Path) -> None:
    """Add a file, link or folder; hard links become files of their own."""
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


class Chunks(io.RawIOBase):
    """Writable stream of a request body with chunked transfer coding: a chunk for each write."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self.connection = connection

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: Any) -> int:
        """Send a chunk."""
        self.connection.send(b"%x\r\n" % len(data) + bytes(data) + b"\r\n")
        return len(data)


def uv(command: str, *arguments: str, silent: bool = False) -> int:
    """Run uv with its output in the job's log; return the exit code."""
    output = subprocess.DEVNULL if silent else None
    line = [UV, "pip", command, "--python", sys.executable, *arguments]
    return subprocess.run(line, cwd=WORK, stdout=output, stderr=output, check=False).returncode


def get(path: str) -> bytes:
    """Return a resource of the gateway."""
    connection = http.client.HTTPConnection(HOST, PORT)
    connection.request("GET", path)
    return finish(connection, path)


def put(path: str, body: bytes | BinaryIO) -> None:
    """Upload a body to the gateway."""
    connection = http.client.HTTPConnection(HOST, PORT)
    size = len(body) if isinstance(body, bytes) else os.fstat(body.fileno()).st_size
    connection.request("PUT", path, body, {"Content-Length": str(size)})
    finish(connection, path)


def finish(connection: http.client.HTTPConnection, path: str) -> bytes:
    """Return the response's body; exit on an error status."""
    response = connection.getresponse()
    data = response.read()
    connection.close()
    if response.status != http.client.OK:
        sys.exit(f"{path}: {data.decode('utf-8', 'replace')}")
    return data


if __name__ == "__main__":
    sys.exit(main())
