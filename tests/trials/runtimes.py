"""Build every runtime of the catalogue anew, run a job in each, and print what that took.

The output stands in docs/guides/runtimes.md. Names of runtimes, before any option, choose some.
Options go to the build of Python3.8 Torch, which needs an image or a root file system of one's own
where Docker Hub is not reached: ``--image NAME`` or ``--rootfs FILE --sha256 HEX``.
"""

import itertools
import re
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from au2.domain.jobs.container_contract import Language
from au2.runtimes.recipe import BaseSource
from au2.runtimes.recipe_file import get_recipe
from au2.stores.content.filesystem import FileContentStore
from au2.stores.content.images import load_image
from tests.support.commands.command import Au2
from tests.support.commands.people import People
from tests.support.packages.folders import fill_package, run_to_end, upload_package
from tests.support.servers.server_process import EMAIL, PASSWORD, ServerProcess, run_server_command
from tests.trials.codes import CODES

ORGANIZATION = "f9acae51-9c4d-4080-a300-03a161a93496"
PROJECT = "09985c71-a4de-4eb7-9e58-8574f108459f"
_TITLES = ("runtime", "version", "built in", "own layers", "whole image", "first job", "next job")


@dataclass(slots=True)
class Trial:
    """What became of one runtime."""

    name: str
    cells: tuple[str, ...]
    tried: str


def main(arguments: list[str]) -> int:
    """Try the named runtimes, or all; return an exit code."""
    names = list(itertools.takewhile(lambda word: not word.startswith("-"), arguments))
    options = arguments[len(names) :]
    codes = {name: CODES[name] for name in names or CODES}
    directory = Path(tempfile.mkdtemp(prefix="au2-trial-"))
    directory.chmod(0o711)
    cache = directory / "cache"
    server = ServerProcess(directory / "data", {"AU2_RUNTIMES_CACHE_DIR": str(cache)})
    try:
        _init(server)
        server.start()
        au2 = People(server, directory).admin()
        trials = []
        for name, code in codes.items():
            more = options if name == "Python3.8 Torch" else []
            trials.append(_try(server, au2, name, code, directory, more))
            shutil.rmtree(cache, ignore_errors=True)
            print(f"{name}: {trials[-1].tried}", file=sys.stderr, flush=True)
    finally:
        server.remove()
        shutil.rmtree(directory, ignore_errors=True)
    _print(trials)
    return 0 if all(trial.cells for trial in trials) else 1


def _init(server: ServerProcess) -> None:
    done = run_server_command(
        *("init", "--data-dir", server.data_dir, "--email", EMAIL, "--password-stdin"),
        *("--organization", "Acme", "--organization-id", ORGANIZATION),
        *("--project", "Forecast", "--project-id", PROJECT, "-o", "json"),
        stdin=PASSWORD.encode() + b"\n",
        env=server.env,
    )
    assert done.exit_code == 0, done
    server.ids = done.document


def _try(
    server: ServerProcess, au2: Au2, name: str, code: str, directory: Path, options: list[str]
) -> Trial:
    started = time.monotonic()
    built = run_server_command(
        *("runtime", "build", name, *options, "--data-dir", server.data_dir, "-o", "json"),
        env=server.env,
    )
    took = time.monotonic() - started
    if built.exit_code:
        error = built.errors[built.errors.index("error: ") :].splitlines()[0]
        return Trial(name, (), f"not built: {error.removeprefix('error: ')}")
    runtime = built.document
    entry_point = Language(runtime["language"]).entry_point
    folder = directory / f"trial-{runtime['id']}"
    package = fill_package(au2, folder, {entry_point: code}, runtime=runtime["id"])
    process = upload_package(au2, package)
    first, tried = _run(au2, process)
    second, tried = _run(au2, process)
    sizes = _layer_sizes(server, runtime)
    own = sizes[-1] if isinstance(get_recipe(name).source, BaseSource) else sum(sizes)
    cells = (
        str(runtime["version"]),
        f"{took:.0f} s",
        _size(own),
        _size(sum(sizes)),
        f"{first:.1f} s",
        f"{second:.1f} s",
    )
    return Trial(name, cells, tried)


def _run(au2: Au2, process: Any) -> tuple[float, str]:
    started = time.monotonic()
    result, job = run_to_end(au2, process, "--memory", "2GiB", "--network", "none")
    took = time.monotonic() - started
    assert job["state"] == "SUCCEEDED", result
    return took, "; ".join(re.findall(r"tried: (.*)", result.text + result.errors))


def _layer_sizes(server: ServerProcess, runtime: dict[str, Any]) -> list[int]:
    image = load_image(FileContentStore(server.data_dir / "blobs"), runtime["image_digest"])
    return [layer.size_bytes for layer in image.manifest.layers]


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.0f} MB"


def _print(trials: list[Trial]) -> None:
    print(f"| {' | '.join(_TITLES)} | tried in a job |")
    print("| --- " * (len(_TITLES) + 1) + "|")
    for trial in trials:
        cells = trial.cells or ("",) * (len(_TITLES) - 1)
        print(f"| {' | '.join((trial.name, *cells))} | {trial.tried} |")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
