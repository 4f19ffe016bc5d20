"""Compiler of modules, run by a runtime's own Python (3.8 or newer, standard library only).

``compile.py FROM AS TO WORKERS`` compiles the modules below FROM as if they were below AS, into the
folder TO. With ``-`` for TO, the compiled modules are written to standard output as a tar archive.

The same modules give the same bytes: their headers hold unchecked hashes in place of times, and
each folder has a process of its own, since the bytes depend on earlier reads of a process.
"""

from __future__ import annotations

import importlib.util
import io
import os
import py_compile
import sys
import tarfile
import warnings
from collections.abc import Iterator
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm/compiled")  # noqa: S108 - the container's own
MODE = py_compile.PycInvalidationMode.UNCHECKED_HASH


def main(top: Path, shown: Path, target: str, workers: int) -> int:
    """Compile; return the exit code."""
    warnings.simplefilter("ignore")
    results = SHARED_MEMORY if target == "-" else Path(target)
    groups = list(list_groups(top))
    failed = run_all(groups, top, shown, results, workers)
    if failed:
        print(
            "Python failed while it compiled modules; is there too little memory?", file=sys.stderr
        )
    elif target == "-":
        write_archive(results)
    return 1 if failed else 0


def list_groups(top: Path) -> Iterator[list[Path]]:
    """Yield the modules (relative to ``top``) by folder, those at the top one by one."""
    for folder, _, names in os.walk(top):
        files = [Path(folder, name) for name in sorted(names) if name.endswith(".py")]
        modules = [file.relative_to(top) for file in files if file.is_file()]
        if folder == str(top):
            yield from ([module] for module in modules)
        elif modules:
            yield modules


def run_all(groups: list[list[Path]], top: Path, shown: Path, results: Path, workers: int) -> bool:
    """Compile each group in a process; return whether one failed."""
    running, failed = 0, False
    for modules in groups:
        if running >= workers:
            failed |= os.wait()[1] != 0
            running -= 1
        if os.fork() == 0:
            compile_and_exit(modules, top, shown, results)
        running += 1
    for _ in range(running):
        failed |= os.wait()[1] != 0
    return failed


def compile_and_exit(modules: list[Path], top: Path, shown: Path, results: Path) -> None:
    """Compile some modules, and end this process."""
    code = 1
    try:
        for module in modules:
            compile_module(top / module, shown / module, results / module)
        code = 0
    finally:
        os._exit(code)


def compile_module(source: Path, shown: Path, result: Path) -> None:
    """Compile a module; a module in the syntax of another Python is skipped."""
    compiled = importlib.util.cache_from_source(str(result))
    try:
        py_compile.compile(
            str(source), cfile=compiled, dfile=str(shown), doraise=True, invalidation_mode=MODE
        )
    except OSError:
        raise
    except Exception:  # noqa: BLE001, S110 - templates and tests are often no Python
        pass


def write_archive(results: Path) -> None:
    """Write the compiled modules to standard output."""
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for file in sorted(results.rglob("*.pyc")):
            data = file.read_bytes()
            entry = tarfile.TarInfo(str(file.relative_to(results)))
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
