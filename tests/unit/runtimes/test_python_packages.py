"""Which wheels are chosen and fetched; the index is a folder."""

import hashlib
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from au2.domain.errors import RuntimeBuildFailed
from au2.runtimes.pip_settings import read_pip_settings
from au2.runtimes.python_packages import FetchedWheel, fetch_wheels
from au2.runtimes.recipe import PythonPackages
from au2.runtimes.target_python import TargetPython
from tests.support.wheels import make_wheel

SITE = "usr/local/lib/python3.11/dist-packages"


class Index:
    """A folder of wheels, and packages from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wheels = folder / "wheels"
        self.wheels.mkdir()

    def fetch(
        self, *requirements: str, python: tuple[int, int] = (3, 11), refuse: tuple[str, ...] = ()
    ) -> list[FetchedWheel]:
        target = TargetPython(
            version=python,
            executable="/usr/bin/python3",
            machine="x86_64",
            glibc=(2, 36),
            purelib=SITE,
            platlib=SITE,
            scripts="usr/local/bin",
            data="usr/local",
            include="usr/local/include",
        )
        work = self.folder / "work"
        work.mkdir()
        wanted = PythonPackages(requirements, refuse)
        return fetch_wheels(wanted, target, read_pip_settings(), work, print)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Index:
    made = Index(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.wheels))
    return made


def test_the_best_wheel_for_the_target(index: Index) -> None:
    make_wheel(index.wheels, "alpha", tags="cp312-cp312-manylinux_2_17_x86_64")
    make_wheel(index.wheels, "alpha", tags="cp311-cp311-manylinux_2_39_x86_64")
    best = make_wheel(index.wheels, "alpha", "1.0+cpu", tags="cp311-cp311-manylinux_2_28_x86_64")
    make_wheel(index.wheels, "alpha", tags="py3-none-any")
    [found] = index.fetch("alpha==1.0")
    assert found.path.name == best.name
    assert found.sha256 == hashlib.sha256(best.read_bytes()).hexdigest()


def test_another_python_than_ours(index: Index) -> None:
    make_wheel(
        index.wheels,
        "alpha",
        requires=("beta; python_version < '3.9'", "gamma; python_version >= '3.9'"),
    )
    make_wheel(index.wheels, "beta", tags="cp38-abi3-manylinux2014_x86_64")
    names = [wheel.path.name for wheel in index.fetch("alpha", python=(3, 8))]
    assert names == ["alpha-1.0-py3-none-any.whl", "beta-1.0-cp38-abi3-manylinux2014_x86_64.whl"]


def sdist_only(wheels: Path) -> None:
    with tarfile.open(wheels / "gamma-1.0.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("gamma-1.0/setup.py"))


def conflicting(wheels: Path) -> None:
    make_wheel(wheels, "gamma", requires=("delta<1",))
    make_wheel(wheels, "delta", "2.0")


def for_another_machine(wheels: Path) -> None:
    make_wheel(wheels, "gamma", tags="cp38-cp38-manylinux_2_17_x86_64")


def for_a_newer_system(wheels: Path) -> None:
    make_wheel(wheels, "gamma", tags="cp311-cp311-manylinux_2_39_x86_64")


@pytest.mark.parametrize(
    "prepare",
    [lambda _: None, sdist_only, conflicting, for_another_machine, for_a_newer_system],
)
def test_what_can_not_be_installed(index: Index, prepare: Callable[[Path], None]) -> None:
    prepare(index.wheels)
    with pytest.raises(RuntimeBuildFailed) as caught:
        index.fetch("gamma")
    assert "gamma" in caught.value.message


def test_what_the_recipe_refuses(index: Index) -> None:
    make_wheel(index.wheels, "alpha", requires=("nvidia-things",))
    make_wheel(index.wheels, "nvidia_things")
    with pytest.raises(RuntimeBuildFailed, match="refuses: nvidia-things") as caught:
        index.fetch("alpha", refuse=("nvidia-*",))
    assert "find-links" in str(caught.value.hint)
