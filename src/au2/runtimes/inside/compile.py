"""Run by a runtime's own Python (3.8 or newer): compile modules, write the results as an archive.

``compile.py FROM AS`` compiles what is in the folder FROM as if it were in AS. The results are the
same each time: unchecked hashes in place of times, and a fixed share of the files for each process.
"""

from __future__ import annotations

import importlib.util
import io
import os
import py_compile
import sys
import tarfile
from pathlib import Path

_WORKERS = 4
_RESULTS = Path("/dev/shm/compiled")  # noqa: S108 - the container's own


def _compile_share(top: Path, shown_top: Path, modules: list[Path]) -> None:
    for module in modules:
        try:
            py_compile.compile(
                str(top / module),
                cfile=str(_RESULTS / _result_name(module)),
                dfile=str(shown_top / module),
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except Exception:  # noqa: BLE001, S112 - templates and tests are often no Python
            continue


def _result_name(module: Path) -> str:
    return importlib.util.cache_from_source(str(module))


def _compile_all(top: Path, shown_top: Path, modules: list[Path]) -> None:
    children = []
    for number in range(_WORKERS):
        child = os.fork()
        if child == 0:
            _compile_share(top, shown_top, modules[number::_WORKERS])
            os._exit(0)
        children.append(child)
    for child in children:
        if os.waitpid(child, 0)[1] != 0:
            sys.exit("a compiling process ended early; is there too little memory?")


def main(top: Path, shown_top: Path) -> None:
    """Compile, then write the archive to standard output."""
    modules = sorted(path.relative_to(top) for path in top.rglob("*.py") if path.is_file())
    _RESULTS.mkdir()
    _compile_all(top, shown_top, modules)
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for name in map(_result_name, modules):
            result = _RESULTS / name
            if result.is_file():
                data = result.read_bytes()
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
