"""Python packages of recipes, installed on the real base image."""

import fcntl
import gzip
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from au2.domain.errors import NotFound, RuntimeBuildFailed
from au2.domain.jobs.container_contract import Language
from au2.oci.tar.layer import LayerMember, read_layer
from au2.runtimes.build import build_runtime
from au2.runtimes.built_runtime import Base, BuiltRuntime
from au2.runtimes.recipe import BaseSource, PythonPackages, Recipe, Source, TarballSource
from au2.stores.content.filesystem import FileContentStore
from au2.stores.content.images import load_image
from tests.support.checkout import RUNTIME_CACHE
from tests.support.packages.package_index import SimpleIndex
from tests.support.packages.wheels import make_wheel

BASE = BaseSource("Python3.11")
SITE = "usr/local/lib/python3.11/dist-packages"


class RuntimeBuilder:
    """A base, a folder of wheels, and a way to build."""

    def __init__(self, blobs: FileContentStore, base: Base, folder: Path) -> None:
        self.blobs, self.base, self.folder = blobs, base, folder
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        self.lines: list[str] = []

    def build(
        self, *requirements: str, source: Source = BASE, interpreter: str = "python3"
    ) -> BuiltRuntime:
        recipe = Recipe(
            id="5f0c9f0e-3c1b-4d52-8a53-2d0f6c1a7e11",
            name="With packages",
            language=Language.PYTHON,
            version=1,
            source=source,
            python=PythonPackages(requirements, interpreter=interpreter),
            environment={"COLOUR": "red"},
        )
        return build_runtime(
            recipe,
            self.blobs,
            work_dir=self.folder,
            find_base=lambda _name, _digest: self.base,
            progress=self.lines.append,
        )

    def members(self, built: BuiltRuntime) -> dict[str, tuple[LayerMember, bytes]]:
        layer = load_image(self.blobs, built.image_digest).manifest.layers[-1]
        with self.blobs.open(layer.digest) as stream:
            return {
                member.path: (member, member.content.read() if member.content else b"")
                for member in read_layer(stream)
            }


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[FileContentStore, Base]:
    RUNTIME_CACHE.mkdir(parents=True, exist_ok=True)
    blobs = FileContentStore(tmp_path_factory.mktemp("blobs"))
    recipe = Recipe(
        id="5f0c9f0e-3c1b-4d52-8a53-2d0f6c1a7e12",
        name="On it",
        language=Language.PYTHON,
        version=1,
        source=BaseSource("Python3.11"),
    )
    with (RUNTIME_CACHE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        built = build_runtime(recipe, blobs, cache_dir=RUNTIME_CACHE, progress=print)
    return blobs, Base(built.image_digest, built.packages)


@pytest.fixture
def builder(
    base: tuple[FileContentStore, Base], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> RuntimeBuilder:
    made = RuntimeBuilder(*base, tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.wheels))
    return made


def test_packages_are_a_layer_of_their_own(builder: RuntimeBuilder) -> None:
    make_wheel(builder.wheels, "alpha", requires=("beta>=1; python_version == '3.11'",))
    beta = make_wheel(builder.wheels, "beta", files={"beta/broken.py": b"no python at all\n"})
    make_wheel(builder.wheels, "beta", "0.5")
    built = builder.build("alpha")

    image = load_image(builder.blobs, built.image_digest)
    below = load_image(builder.blobs, builder.base.image_digest)
    assert image.manifest.layers[:-1] == below.manifest.layers
    assert "COLOUR=red" in image.config.env
    assert image.config.labels["au2.runtime.name"] == "With packages"

    added = {package.name: package for package in built.packages if package.kind == "python"}
    assert set(added) == {"alpha", "beta"}
    assert added["beta"].version == "1.0"
    assert added["beta"].sha256 == hashlib.sha256(beta.read_bytes()).hexdigest()
    assert "python3.11" in {package.name for package in built.packages}, "the base's, too"

    members = builder.members(built)
    assert members[f"{SITE}/alpha/__init__.py"][1] == b"VERSION = '1.0'\n"
    compiled = members[f"{SITE}/alpha/__pycache__/__init__.cpython-311.pyc"][1]
    # PEP 552: a hash, which nobody checks.
    assert compiled[4:8] == b"\x01\x00\x00\x00"
    assert f"/{SITE}/alpha/__init__.py".encode() in compiled
    assert f"{SITE}/beta/__pycache__/broken.cpython-311.pyc" not in members
    assert not [path for path in members if not path.startswith("usr") and path]


def test_the_same_packages_give_the_same_digest(builder: RuntimeBuilder) -> None:
    files = {f"alpha/m{number}.py": f"X = {{'a', {number}}}\n".encode() for number in range(40)}
    make_wheel(builder.wheels, "alpha", files=files)
    assert builder.build("alpha").image_digest == builder.build("alpha").image_digest


def test_packages_of_an_index_are_installed(
    builder: RuntimeBuilder,
    simple_index: Callable[..., SimpleIndex],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_wheel(builder.wheels, "alpha", requires=("beta",))
    make_wheel(builder.wheels, "beta")
    index = simple_index(builder.wheels, user="me", password="secret")
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", index.url_with_password)
    built = builder.build("alpha")
    added = {package.name for package in built.packages if package.kind == "python"}
    assert added == {"alpha", "beta"}
    assert not any("secret" in line for line in builder.lines)


def test_on_a_root_file_system_that_somebody_gives(builder: RuntimeBuilder) -> None:
    make_wheel(builder.wheels, "alpha")
    root = builder.folder / "root.tar.gz"
    [layer] = load_image(builder.blobs, builder.base.image_digest).manifest.layers
    with builder.blobs.open(layer.digest) as stream, gzip.open(root, "wb", 1) as out:
        shutil.copyfileobj(stream, out)
    digest = hashlib.sha256(root.read_bytes()).hexdigest()
    built = builder.build("alpha", source=TarballSource(root, digest))
    kinds = {package.name: package.kind for package in built.packages}
    assert (kinds["alpha"], kinds["python3.11"]) == ("python", "debian")
    assert f"{SITE}/alpha/__pycache__/__init__.cpython-311.pyc" in builder.members(built)
    # The root was one of ours, so it is the very same layer.
    assert load_image(builder.blobs, built.image_digest).manifest.layers[0].digest == layer.digest


def test_an_interpreter_that_is_not_there(builder: RuntimeBuilder) -> None:
    make_wheel(builder.wheels, "alpha")
    with pytest.raises(RuntimeBuildFailed, match="python9"):
        builder.build("alpha", interpreter="python9")


def test_an_unknown_base_is_refused(tmp_path: Path) -> None:
    recipe = Recipe("x", "N", Language.PYTHON, 1, BaseSource("Fortran"))
    with pytest.raises(NotFound, match="Fortran"):
        build_runtime(recipe, FileContentStore(tmp_path), progress=print)
