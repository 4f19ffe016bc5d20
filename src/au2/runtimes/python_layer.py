"""Python packages as a layer on a root file system."""

import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from au2.domain.errors import RuntimeBuildFailed
from au2.oci.tar.layer import LayerMember
from au2.oci.tar.writer import MODIFIED_AT, LayerEntry, with_parents, write_layer
from au2.runtimes.layers import InstalledPackage
from au2.runtimes.pip_settings import read_pip_settings
from au2.runtimes.python_packages import FetchedWheel, fetch_wheels
from au2.runtimes.recipe import PythonPackages
from au2.runtimes.root_files import RootFiles
from au2.runtimes.sandbox import Sandbox
from au2.runtimes.target_python import TargetPython, compile_modules, describe_python
from au2.runtimes.wheels import open_wheel

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def add_python_packages(
    wanted: PythonPackages,
    files: RootFiles,
    environment: Mapping[str, str],
    work: Path,
    progress: Callable[[str], None],
) -> tuple[list[LayerEntry], tuple[InstalledPackage, ...]]:
    """Return the entries of a layer with the packages, and what they are.

    The root's own Python says where they belong and compiles them; it runs without rights and
    network. Nothing of the packages runs.

    Args:
        wanted: what to install.
        files: the root; not changed.
        environment: variables of the image.
        work: a folder for what lies around meanwhile; the entries are read from there.
        progress: takes a line for people.

    Raises:
        RuntimeBuildFailed: with the reason and what to do.
        InvalidImage: the root can't take the packages.
    """
    root = _extract(files.entries(), work / "root")
    sandbox = Sandbox(root, work, {"PATH": _PATH, **environment})
    python = describe_python(sandbox, wanted.interpreter)
    progress(f"Python {python.text} for {python.machine}, {python.purelib}")
    fetched = fetch_wheels(wanted, python, read_pip_settings(), work, progress)
    entries, packages = _open_all(fetched, python)
    progress(f"Compiling {sum(path.endswith('.py') for path in entries)} modules")
    compiled = _compile(sandbox, python, entries, work)
    progress(f"Writing {len(entries) + len(compiled)} files")
    return files.with_parents([*entries.values(), *compiled]), packages


def _open_all(
    fetched: Iterable[FetchedWheel], python: TargetPython
) -> tuple[dict[str, LayerEntry], tuple[InstalledPackage, ...]]:
    entries: dict[str, LayerEntry] = {}
    packages = []
    for wheel in fetched:
        opened = open_wheel(wheel.path, wheel.sha256, python)
        entries |= opened.entries
        packages.append(opened.package)
    return entries, tuple(sorted(packages, key=lambda package: package.name))


def _compile(
    sandbox: Sandbox, python: TargetPython, entries: Mapping[str, LayerEntry], work: Path
) -> list[LayerEntry]:
    modules = [entry for path, entry in entries.items() if path.endswith(".py")]
    sources = _extract(with_parents(modules), work / "sources")
    compiled = RootFiles(work / "compiled")
    for site in sorted({python.purelib, python.platlib}):
        if (sources / site).is_dir():
            members = compile_modules(sandbox, python, sources / site, site)
            compiled.add_members(_judged(members, site, entries))
    return [entry for entry in compiled.entries() if entry.path.endswith(".pyc")]


def _judged(
    members: Iterable[LayerMember], site: str, entries: Mapping[str, LayerEntry]
) -> Iterator[LayerMember]:
    """Let through what belongs to a module that is there, and take nothing else at its word."""
    for member in members:
        path = PurePosixPath(site, member.path)
        module = path.parent.parent / f"{path.name.rsplit('.', 2)[0]}.py"
        if path.parent.name == "__pycache__" and str(module) in entries:
            yield replace(member, path=str(path), mode=0o644, uid=0, gid=0)


def _extract(entries: Iterable[LayerEntry], folder: Path) -> Path:
    """Lay files out on disk. The archive was checked: nothing in it lies below a link."""
    folder.mkdir()
    archive = folder.with_name(f"{folder.name}.tar")
    readable = [entry for entry in entries if entry.path.isprintable()]
    with archive.open("wb") as out:
        write_layer(readable, out, modified_at=MODIFIED_AT)
    command = ["tar", "-x", "-f", str(archive), "-C", str(folder)]
    done = subprocess.run(
        [*command, "--no-same-owner", "--no-same-permissions"],
        capture_output=True,
        text=True,
        check=False,
        umask=0o022,
    )
    archive.unlink()
    if done.returncode != 0:
        raise RuntimeBuildFailed(f"The root file system can't be laid out: {done.stderr[-500:]}")
    return folder
