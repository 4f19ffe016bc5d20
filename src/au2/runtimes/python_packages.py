"""Requirements → wheels: uv decides which ones, pip fetches them. No code of a package runs."""

import fnmatch
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import uv

from au2.domain.errors import RuntimeBuildFailed
from au2.runtimes.pip_settings import PipSettings, hide_passwords, uv_environment, uv_options
from au2.runtimes.recipe import PythonPackages
from au2.runtimes.target_python import TargetPython

_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^\s;\\]+)", re.MULTILINE)
_MOST_ERROR_CHARACTERS = 3000


@dataclass(frozen=True, slots=True)
class FetchedWheel:
    """A wheel on this machine."""

    path: Path
    sha256: str


def fetch_wheels(
    wanted: PythonPackages,
    python: TargetPython,
    settings: PipSettings,
    work: Path,
    progress: Callable[[str], None],
) -> list[FetchedWheel]:
    """Find a set of packages that fits, and fetch it into the folder ``work``.

    Raises:
        RuntimeBuildFailed: nothing fits, the index can't be reached, or a package would come along
            that the recipe refuses.
    """
    pinned = _resolve(wanted, python, settings, work)
    names = dict(_PINNED.findall(pinned.read_text(encoding="utf-8")))
    _check_refused(wanted, names)
    progress(f"Fetching {len(names)} Python packages: {_listed(names)}")
    folder = work / "wheels"
    folder.mkdir()
    command = [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download"),
        *("--quiet", "--no-deps", "--require-hashes", "--requirement", str(pinned)),
        *("--only-binary", ":all:", "--dest", str(folder), "--no-cache-dir"),
        *("--python-version", python.text, "--implementation", "cp"),
        *(part for abi in (python.tag, "abi3", "none") for part in ("--abi", abi)),
        *(part for platform in python.platforms for part in ("--platform", platform)),
    ]
    _run(command, None, settings, "The packages can't be fetched")
    return [FetchedWheel(path, _digest(path)) for path in sorted(folder.iterdir())]


def _resolve(
    wanted: PythonPackages, python: TargetPython, settings: PipSettings, work: Path
) -> Path:
    asked, pinned = work / "requirements.in", work / "requirements.txt"
    asked.write_text("".join(f"{line}\n" for line in wanted.requirements), encoding="utf-8")
    platform = f"{python.machine}-manylinux_{python.glibc[0]}_{min(python.glibc[1], 40)}"
    command = [
        *(uv.find_uv_bin(), "pip", "compile", "--quiet", "--no-header", "--no-annotate"),
        *("--generate-hashes", "--only-binary", ":all:", "--no-python-downloads"),
        *("--python-version", python.text, "--python-platform", platform),
        *("--cache-dir", str(work / "uv"), "--output-file", str(pinned)),
        *uv_options(settings),
        str(asked),
    ]
    _run(command, uv_environment(settings), settings, "The requirements can't be met")
    return pinned


def _check_refused(wanted: PythonPackages, names: dict[str, str]) -> None:
    refused = sorted(
        name
        for name in names
        if any(fnmatch.fnmatchcase(name.lower(), pattern) for pattern in wanted.refuse)
    )
    if refused:
        raise RuntimeBuildFailed(
            f"With these packages some would come along that the recipe refuses: "
            f"{', '.join(refused)}.",
            hint="The index has no build without them. Let pip on this machine find one: name a "
            "folder or page that has it with `pip config set global.find-links`, or an index with "
            "`pip config set global.extra-index-url`.",
        )


def _run(
    command: Sequence[str], environment: dict[str, str] | None, settings: PipSettings, what: str
) -> None:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PIP_NO_INPUT": "1"} if environment is None else environment,
    )
    if done.returncode == 0:
        return
    told = hide_passwords(done.stderr.strip() or done.stdout.strip(), settings)
    raise RuntimeBuildFailed(
        f"{what}:\n{told[-_MOST_ERROR_CHARACTERS:]}",
        hint="Packages come from where pip on this machine gets them ('pip config list'), as "
        "wheels only.",
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _listed(names: dict[str, str]) -> str:
    shown = [f"{name} {version}" for name, version in sorted(names.items())]
    return ", ".join(shown)
