"""Installations from a lock file compared with those of the real npm."""

import copy
import json
import os
import random
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from au2.dependencies.sources import Sources
from au2.domain.errors import DependenciesFailed, InvalidPackage
from au2.oci.tar.layer import MemberType, read_layer
from au2.package.javascript import MAKE_ANEW, parse_javascript
from tests.support.machine.engine import NativeHarness
from tests.support.packages.dependency_installation import DependencyInstallation
from tests.support.packages.javascript_packages import make_module
from tests.support.packages.npm_registry import NpmRegistryServer, integrity_of, npm_registry

Json = dict[str, Any]


class Npm:
    """The npm that build containers have, on this machine's Node."""

    def __init__(self, folder: Path, archive: Path, registry: str) -> None:
        self.folder = folder
        with tarfile.open(archive) as files:
            files.extractall(folder / "npm", filter="data")
        self._registry = registry
        self._projects = 0

    def project(self, package: Json, lock: Json | None = None) -> Path:
        """Return a new folder with a ``package.json``."""
        self._projects += 1
        folder = self.folder / f"project{self._projects}"
        folder.mkdir()
        (folder / "package.json").write_text(json.dumps(package))
        if lock is not None:
            (folder / "package-lock.json").write_text(json.dumps(lock))
        return folder

    def run(self, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "npm_config_audit": "false",
            "npm_config_cache": str(self.folder / "cache"),
            "npm_config_fetch_retries": "0",
            "npm_config_globalconfig": os.devnull,
            "npm_config_registry": f"{self._registry}/",
            "npm_config_update_notifier": "false",
        }
        program = self.folder / "npm/package/bin/npm-cli.js"
        return subprocess.run(
            ["node", program, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def lock(self, folder: Path, *options: str) -> Json:
        """Return the lock that npm makes or renews."""
        done = self.run(folder, "install", "--package-lock-only", *options)
        assert done.returncode == 0, done.stderr
        lock: Json = json.loads((folder / "package-lock.json").read_text())
        return lock

    def install(self, package: Json, lock: Json, *options: str) -> dict[str, object]:
        """Return what ``npm ci`` puts into ``node_modules``, by path."""
        folder = self.project(package, lock)
        done = self.run(folder, "ci", "--omit=dev", *options)
        assert done.returncode == 0, done.stderr
        return dict(read_folder(folder / "node_modules"))


def read_folder(folder: Path) -> Iterator[tuple[str, object]]:
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name == ".package-lock.json" or (path.is_dir() and not path.is_symlink()):
            continue
        if path.is_symlink():
            yield name, str(path.readlink())
        else:
            yield name, (bool(path.stat().st_mode & stat.S_IXUSR), path.read_bytes())


def installed_by_au2(
    installation: DependencyInstallation, package: Json, lock: Json, settings: str = ""
) -> dict[str, object]:
    built = installation.install_modules(package, lock, settings=settings)
    found: dict[str, object] = {}
    with installation.native_harness.blobs.open(built.layer.descriptor.digest) as stream:
        for member in read_layer(stream):
            name = member.path.removeprefix("package/node_modules/")
            if member.type is MemberType.LINK:
                found[name] = member.target
            elif member.content is not None:
                found[name] = (bool(member.mode & 0o100), member.content.read(1 << 20))
    return found


@pytest.fixture
def registry(tmp_path: Path, npm_archive: Path) -> Iterator[NpmRegistryServer]:
    """A registry with packages of many kinds, and npm."""
    package_folder = tmp_path / "packages"
    package_folder.mkdir()
    shutil.copy(npm_archive, package_folder / "npm-10.9.4.tgz")
    fill(package_folder)
    with npm_registry(package_folder) as running:
        yield running


def fill(package_folder: Path) -> None:
    code = {"index.js": "module.exports = 1", "run.js": "#!/usr/bin/env node\n"}
    for version in ("1.0.0", "1.2.0", "2.0.0-beta.1"):
        make_module(package_folder, "part", version, code)
    make_module(package_folder, "@scope/piece", "1.0.0", code, bin={"run": "run.js"})
    make_module(
        package_folder, "thing", "1.0.0", code, dependencies={"part": "^1.0.0", "@scope/piece": "1"}
    )
    make_module(package_folder, "older", "1.0.0", code, dependencies={"part": "1.0.0"})
    make_module(package_folder, "plugin", "1.0.0", code, peerDependencies={"thing": "1"})
    make_module(package_folder, "stubborn", "1.0.0", code, peerDependencies={"part": "9"})
    make_module(package_folder, "mac-only", "1.0.0", code, os=["darwin"])
    make_module(package_folder, "linux-only", "1.0.0", code, os=["linux"])
    native = {"linux-only": "1", "mac-only": "1"}
    make_module(package_folder, "native", "1.0.0", code, optionalDependencies=native)
    inner = {"node_modules/inner/package.json": '{"name": "inner", "version": "1.0.0"}'}
    bundle: Json = {"bundleDependencies": ["inner"], "dependencies": {"inner": "1"}}
    make_module(package_folder, "bundle", "1.0.0", {**code, **inner}, **bundle)
    link = "require('fs').linkSync('index.js', 'linked.js')"
    scripts = {"postinstall": "node link.js"}
    make_module(package_folder, "linker", "1.0.0", {**code, "link.js": link}, scripts=scripts)


@pytest.fixture
def npm(tmp_path: Path, npm_archive: Path, registry: NpmRegistryServer) -> Npm:
    """The reference."""
    return Npm(tmp_path, npm_archive, registry.url)


@pytest.fixture
def installation(
    native_harness: NativeHarness, node_runtime: str, tmp_path: Path, registry: NpmRegistryServer
) -> DependencyInstallation:
    """An installation that takes packages from the registry."""
    return DependencyInstallation(
        native_harness, node_runtime, tmp_path, Sources(npm_registry=registry.url)
    )


def make_package(chance: random.Random) -> Json:
    """Return a ``package.json`` that asks for some of the packages, in one way or another."""
    ways: Mapping[str, tuple[str, str, str]] = {
        "part": ("dependencies", "part", "^1.0.0"),
        "exact": ("dependencies", "part", "1.0.0"),
        "beta": ("dependencies", "part", "2.0.0-beta.1"),
        "alias": ("dependencies", "other-name", "npm:part@1.0.0"),
        "scoped": ("dependencies", "@scope/piece", "*"),
        "thing": ("dependencies", "thing", "latest"),
        "older": ("dependencies", "older", "1.x"),
        "plugin": ("dependencies", "plugin", ">=1 <2"),
        "native": ("dependencies", "native", "~1.0.0"),
        "mac": ("optionalDependencies", "mac-only", "1.0.0"),
        "bundle": ("dependencies", "bundle", "1"),
        "linker": ("dependencies", "linker", "1"),
        "development": ("devDependencies", "older", "1"),
        "peer": ("peerDependencies", "@scope/piece", "1"),
    }
    package: Json = {"name": "demo", "version": "1.0.0", "dependencies": {"older": "1.0.0"}}
    for key, name, asked in chance.sample(list(ways.values()), chance.randint(3, 8)):
        package.setdefault(key, {})[name] = asked
    return package


def loosen(chance: random.Random, lock: Json, package_folder: Path) -> None:
    """Write the entries of a lock as other versions of npm, and other registries, write them."""
    for path, entry in lock["packages"].items():
        if not entry.get("integrity"):
            continue
        name = entry.get("name") or path.rpartition("node_modules/")[2]
        file = package_folder / f"{name.rpartition('/')[2]}-{entry['version']}.tgz"
        match chance.choice(("whole", "none", "null", "sha1", "several", "no address")):
            case "none":
                del entry["integrity"]
            case "null":
                entry["integrity"] = None
            case "sha1":
                entry["integrity"] = integrity_of(file, "sha1")
            case "several":
                entry["integrity"] = f"sha1-x {integrity_of(file)}?y"
            case "no address":
                del entry["resolved"]


@pytest.mark.parametrize("seed", range(4))
def test_the_modules_that_npm_installs_from_a_lock_are_installed(
    npm: Npm, installation: DependencyInstallation, registry: NpmRegistryServer, seed: int
) -> None:
    chance = random.Random(seed)
    package = make_package(chance)
    lock = npm.lock(npm.project(package), "--lockfile-version", chance.choice("23"))
    loosen(chance, lock, registry.folder)
    expected = npm.install(package, lock)

    elsewhere = copy.deepcopy(lock)
    for entry in elsewhere["packages"].values():
        if "resolved" in entry:
            path = entry["resolved"].removeprefix(registry.url)
            entry["resolved"] = f"https://mirror.example.org/some/npm{path}"

    assert installed_by_au2(installation, package, elsewhere) == expected


def test_peers_are_passed_over_where_the_package_says_so(
    npm: Npm, installation: DependencyInstallation
) -> None:
    package = {**ASKING, "dependencies": {"part": "^1.0.0", "stubborn": "1"}}
    lock = npm.lock(npm.project(package), "--legacy-peer-deps")
    expected = npm.install(package, lock, "--legacy-peer-deps")
    assert "stubborn/package.json" in expected

    assert installed_by_au2(installation, package, lock, "legacy-peer-deps=true\n") == expected
    with pytest.raises(DependenciesFailed) as caught:
        installation.install_modules(package, lock)
    assert "legacy-peer-deps=true" in str(caught.value.hint)


ASKING: Json = {"name": "demo", "version": "1.0.0", "dependencies": {"part": "^1.0.0"}}


def refusal_of(package: Json, lock: Json | None) -> str:
    with pytest.raises(InvalidPackage) as caught:
        parse_javascript(json.dumps(package), None if lock is None else json.dumps(lock))
    return "\n".join(str(detail) for detail in caught.value.details)


def follow_advice(npm: Npm, folder: Path, advice: str) -> None:
    """Do what is told between quotes, and hold that the lock is taken then."""
    for name in MAKE_ANEW.partition(" && ")[0].split()[2:] if MAKE_ANEW in advice else ():
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    assert "npm install --package-lock-only" in advice
    done = npm.run(folder, "install", "--package-lock-only")
    assert done.returncode == 0, done.stderr
    (lock,) = (*folder.glob("npm-shrinkwrap.json"), *folder.glob("package-lock.json"))
    assert parse_javascript((folder / "package.json").read_text(), lock.read_text()) is not None


@pytest.mark.parametrize("name", ["package-lock.json", "npm-shrinkwrap.json"])
@pytest.mark.parametrize(
    "wrong", ["garbage", "md5", "no version", "version 1", "not renewed", "missing"]
)
def test_advice_for_a_lock_helps(npm: Npm, wrong: str, name: str) -> None:
    folder = npm.project(ASKING)
    version = "1" if wrong == "version 1" else "3"
    lock: Json | None = npm.lock(folder, "--lockfile-version", version)
    assert lock is not None
    entry = lock.get("packages", {}).get("node_modules/part", {})
    match wrong:
        case "garbage":
            entry["integrity"] = "nonsense"
        case "md5":
            entry["integrity"] = "md5-1B2M2Y8AsgTpgAmY7PhCfg=="
        case "no version":
            del entry["version"]
        case "not renewed":
            del lock["packages"]["node_modules/part"]
        case "missing":
            lock = None
    (folder / "package-lock.json").unlink()
    if lock is not None:
        (folder / name).write_text(json.dumps(lock))

    follow_advice(npm, folder, refusal_of(ASKING, lock))


def test_packages_from_outside_the_registry_are_refused(
    npm: Npm, registry: NpmRegistryServer
) -> None:
    lib = npm.project({"name": "lib", "version": "1.0.0"})
    archive = registry.folder / "part-1.0.0.tgz"
    for asked, reason in {
        f"{registry.url}/part/-/part-1.0.0.tgz": "no URLs",
        f"file:{archive}": "no files",
        f"file:{lib}": "folders are not installed",
    }.items():
        package = {**ASKING, "dependencies": {"part": asked}}
        assert reason in refusal_of(package, npm.lock(npm.project(package)))
    package = {**ASKING, "workspaces": ["inner"]}
    folder = npm.project(package)
    (folder / "inner").mkdir()
    (folder / "inner/package.json").write_text('{"name": "inner", "version": "1.0.0"}')
    assert "workspaces are not supported" in refusal_of(package, npm.lock(folder))


def test_another_file_than_a_weak_digest_names_is_not_installed(
    npm: Npm, installation: DependencyInstallation, registry: NpmRegistryServer
) -> None:
    lock = npm.lock(npm.project(ASKING))
    other = integrity_of(registry.folder / "part-1.0.0.tgz", "sha1")
    lock["packages"]["node_modules/part"]["integrity"] = other

    with pytest.raises(DependenciesFailed, match="does not have the digest in the lock"):
        installation.install_modules(ASKING, lock)


def test_without_a_digest_the_same_is_installed_again(
    npm: Npm, installation: DependencyInstallation, registry: NpmRegistryServer
) -> None:
    lock = npm.lock(npm.project(ASKING))
    del lock["packages"]["node_modules/part"]["integrity"]
    first = installation.install_modules(ASKING, lock)
    (package,) = first.lock["packages"]
    assert package["digest"].startswith("sha256:")

    installation.forget("layers", "downloads")
    make_module(registry.folder, "part", "1.2.0", {"index.js": "evil()"})
    with pytest.raises(DependenciesFailed, match="not the one installed before"):
        installation.install_modules(ASKING, lock, previous=first)
