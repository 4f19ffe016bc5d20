"""Python packages as a layer on a root file system."""

import fnmatch
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path, PurePosixPath

from au2.dependencies.build_container import DRIVERS
from au2.dependencies.file_cache import FileCache
from au2.dependencies.python.index import PythonIndex
from au2.dependencies.python.runtime_python import TargetPython, parse_target_python
from au2.dependencies.python.wheel import InvalidWheel, lay_out_wheel
from au2.dependencies.python.wheel_resolver import FetchedWheel, WheelResolver
from au2.dependencies.sources import Sources, read_pip_configuration
from au2.dependencies.upstream import Upstream
from au2.domain.errors import (
    DependenciesFailed,
    EngineFailure,
    IndexUnreachable,
    RuntimeBuildFailed,
)
from au2.oci.tar.layer import LayerMember, MemberType, read_layer
from au2.oci.tar.writer import MODIFIED_AT, LayerEntry, with_parents, write_layer
from au2.runtimes.layers import PYTHON, InstalledPackage
from au2.runtimes.recipe import PythonPackages
from au2.runtimes.root_files import RootFiles
from au2.runtimes.sandbox import Sandbox

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_DRIVERS = "/dev/au2-drivers"
_SITE = "/dev/au2-site"
_WORKERS = 4
_MOST_DESCRIPTION_BYTES = 16 << 20
_DOWNLOADS_BYTES = 64 << 30


def add_python_packages(
    wanted: PythonPackages,
    files: RootFiles,
    environment: Mapping[str, str],
    work: Path,
    progress: Callable[[str], None],
) -> tuple[list[LayerEntry], tuple[InstalledPackage, ...]]:
    """Return the entries of a layer with Python packages, and the list of these packages.

    The root's own Python tells its install scheme and compiles the modules; the interpreter runs
    without rights and network. No code of a package runs.

    Args:
        wanted: requirements, and the interpreter to install for.
        files: the root; not changed.
        environment: variables of the image.
        work: a folder for temporary files; the entries are read from there.
        progress: takes a line for people.

    Raises:
        RuntimeBuildFailed: with the reason and a hint.
        StorageFull: the disk is full.
        InvalidImage: the root can't take the packages.
    """
    root = _extract(files.entries(), work / "root")
    sandbox = Sandbox(root, work, {"PATH": _PATH, **environment})
    python = describe_python(sandbox, wanted.interpreter)
    progress(f"Python {python.text} for {python.machine}, {python.scheme.purelib}")
    sources = read_pip_configuration(os.environ, home=Path.home())
    wheels = fetch_wheels(wanted, python, sources, work, progress)
    entries, packages = _lay_out_all(wheels, python)
    progress(f"Compiling {sum(path.endswith('.py') for path in entries)} modules")
    compiled = _compile(sandbox, python, entries, work)
    progress(f"Writing {len(entries) + len(compiled)} files")
    return files.with_parents([*entries.values(), *compiled]), packages


def describe_python(sandbox: Sandbox, interpreter: str) -> TargetPython:
    """Return the description of an interpreter. Raises RuntimeBuildFailed."""
    command = [interpreter, "-I", f"{_DRIVERS}/describe.py"]
    with sandbox.output(command, {_DRIVERS: DRIVERS}) as output:
        data = output.read(_MOST_DESCRIPTION_BYTES)
    return parse_target_python(data)


def fetch_wheels(
    wanted: PythonPackages,
    python: TargetPython,
    sources: Sources,
    work: Path,
    progress: Callable[[str], None],
) -> list[FetchedWheel]:
    """Return wheels that fit together and are allowed by the recipe, fetched below ``work``.

    Raises:
        RuntimeBuildFailed: nothing fits, an index can't be reached, or the recipe refuses a package
            that the requirements need.
    """
    upstream = Upstream(sources)
    index = PythonIndex(sources, upstream, FileCache(work / "downloads", _DOWNLOADS_BYTES))
    resolver = WheelResolver(index, python, work, progress)
    with closing(upstream):
        with _explained("The requirements can't be met"):
            pins = resolver.resolve(wanted.requirements)
        _check_refused(wanted, pins)
        listed = ", ".join(f"{name} {version}" for name, version in sorted(pins.items()))
        progress(f"Fetching {len(pins)} Python packages: {listed}")
        with _explained("The packages can't be fetched"):
            return resolver.fetch(pins)


@contextmanager
def _explained(failure: str) -> Iterator[None]:
    try:
        yield
    except (DependenciesFailed, EngineFailure, IndexUnreachable) as error:
        raise RuntimeBuildFailed(
            f"{failure}:\n{error.message}",
            hint="Packages come from where pip on this machine gets them ('pip config list'), as "
            "wheels only.",
        ) from error


def _check_refused(wanted: PythonPackages, pins: Mapping[str, str]) -> None:
    refused = sorted(
        name
        for name in pins
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in wanted.refuse)
    )
    if refused:
        raise RuntimeBuildFailed(
            f"The requirements need packages that the recipe refuses: {', '.join(refused)}.",
            hint="The index has no build without them. Let pip on this machine find one: name a "
            "folder or page that has it with `pip config set global.find-links`, or an index with "
            "`pip config set global.extra-index-url`.",
        )


def _lay_out_all(
    wheels: Iterable[FetchedWheel], python: TargetPython
) -> tuple[dict[str, LayerEntry], tuple[InstalledPackage, ...]]:
    entries: dict[str, LayerEntry] = {}
    packages = []
    for wheel in wheels:
        try:
            found = lay_out_wheel(wheel.path, wheel.filename, python.scheme)
        except InvalidWheel as error:
            raise RuntimeBuildFailed(f"{wheel.filename} is no usable wheel: {error}") from error
        entries |= found.entries
        packages.append(
            InstalledPackage(found.name, found.version, found.tags, wheel.sha256, PYTHON)
        )
    return entries, tuple(sorted(packages, key=lambda package: package.name))


def _compile(
    sandbox: Sandbox, python: TargetPython, entries: Mapping[str, LayerEntry], work: Path
) -> list[LayerEntry]:
    modules = [entry for path, entry in entries.items() if path.endswith(".py")]
    sources = _extract(with_parents(modules), work / "sources")
    compiled = RootFiles(work / "compiled")
    for site in sorted({python.scheme.purelib, python.scheme.platlib}):
        if (sources / site).is_dir():
            members = _compile_site(sandbox, python, sources / site, site)
            compiled.add_members(_checked(members, site, entries))
    return [entry for entry in compiled.entries() if entry.path.endswith(".pyc")]


def _compile_site(
    sandbox: Sandbox, python: TargetPython, folder: Path, site: str
) -> Iterator[LayerMember]:
    """Yield the compiled modules of a folder, with paths below ``site``.

    The same modules give the same bytes. Modules that can't be compiled are left out.

    Raises:
        RuntimeBuildFailed: the interpreter failed.
        InvalidImage: its output is no archive.
    """
    # Not -I, which would also ignore the seed that every sandbox sets.
    arguments = (_SITE, f"/{site}", "-", str(_WORKERS))
    command = [python.executable, "-s", "-S", f"{_DRIVERS}/compile.py", *arguments]
    with sandbox.output(command, {_DRIVERS: DRIVERS, _SITE: folder}) as output:
        yield from read_layer(output)


def _checked(
    members: Iterable[LayerMember], site: str, entries: Mapping[str, LayerEntry]
) -> Iterator[LayerMember]:
    """Yield the compiled modules of the layer: the sandbox's output is not trusted."""
    for member in members:
        path = PurePosixPath(site, member.path)
        module = path.parent.parent / f"{path.name.rsplit('.', 2)[0]}.py"
        is_compiled = member.type is MemberType.FILE and path.suffix == ".pyc"
        if is_compiled and path.parent.name == "__pycache__" and str(module) in entries:
            yield replace(member, path=str(path), mode=0o644, uid=0, gid=0)


def _extract(entries: Iterable[LayerEntry], folder: Path) -> Path:
    """Write files to disk. The archive was checked: none of its paths leads through a link."""
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
        raise RuntimeBuildFailed(f"The root file system can't be written: {done.stderr[-500:]}")
    return folder
