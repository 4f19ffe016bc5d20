"""Resolution of a recipe's Python packages: chosen and fetched wheels."""

import hashlib
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from au2.dependencies.python.runtime_python import TargetPython
from au2.dependencies.python.wheel import InstallScheme
from au2.dependencies.python.wheel_resolver import FetchedWheel
from au2.dependencies.sources import Sources
from au2.domain.errors import RuntimeBuildFailed
from au2.runtimes.python_layer import fetch_wheels
from au2.runtimes.recipe import PythonPackages
from tests.support.packages.package_index import SimpleIndex
from tests.support.packages.wheels import make_wheel

SITE = "usr/local/lib/python3.11/dist-packages"


class Index:
    """A folder of wheels, and packages from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        self.sources = Sources(indexes=(), find_links=(str(self.wheels),))

    def fetch(
        self, *requirements: str, python: tuple[int, int] = (3, 11), refuse: tuple[str, ...] = ()
    ) -> list[FetchedWheel]:
        target = TargetPython(
            version=python,
            machine="x86_64",
            glibc=(2, 36),
            scheme=InstallScheme(
                purelib=SITE,
                platlib=SITE,
                scripts="usr/local/bin",
                data="usr/local",
                include="usr/local/include",
                python="/usr/bin/python3",
            ),
        )
        work = self.folder / "work"
        work.mkdir()
        wanted = PythonPackages(requirements, refuse)
        return fetch_wheels(wanted, target, self.sources, work, print)


@pytest.fixture
def index(tmp_path: Path) -> Index:
    return Index(tmp_path)


def test_the_best_wheel_for_the_target(index: Index) -> None:
    make_wheel(index.wheels, "alpha", tags="cp312-cp312-manylinux_2_17_x86_64")
    make_wheel(index.wheels, "alpha", tags="cp311-cp311-manylinux_2_39_x86_64")
    best = make_wheel(index.wheels, "alpha", "1.0+cpu", tags="cp311-cp311-manylinux_2_28_x86_64")
    make_wheel(index.wheels, "alpha", tags="py3-none-any")
    [found] = index.fetch("alpha==1.0")
    assert found.filename == best.name
    assert found.sha256 == hashlib.sha256(best.read_bytes()).hexdigest()


def test_another_python_than_ours(index: Index) -> None:
    make_wheel(
        index.wheels,
        "alpha",
        requires=("beta; python_version < '3.9'", "gamma; python_version >= '3.9'"),
    )
    make_wheel(index.wheels, "beta", tags="cp38-abi3-manylinux2014_x86_64")
    names = [wheel.filename for wheel in index.fetch("alpha", python=(3, 8))]
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
def test_requirements_that_can_not_be_met_are_refused(
    index: Index, prepare: Callable[[Path], None]
) -> None:
    prepare(index.wheels)
    with pytest.raises(RuntimeBuildFailed) as caught:
        index.fetch("gamma")
    assert "gamma" in caught.value.message


def test_packages_that_the_recipe_refuses_are_not_installed(index: Index) -> None:
    make_wheel(index.wheels, "alpha", requires=("nvidia-things",))
    make_wheel(index.wheels, "nvidia_things")
    with pytest.raises(RuntimeBuildFailed, match="refuses: nvidia-things") as caught:
        index.fetch("alpha", refuse=("nvidia-*",))
    assert "find-links" in str(caught.value.hint)


def test_packages_come_from_an_index_with_a_password(
    index: Index, simple_index: Callable[..., SimpleIndex]
) -> None:
    make_wheel(index.wheels, "alpha", requires=("beta",))
    make_wheel(index.wheels, "beta")
    served = simple_index(index.wheels, user="me", password="secret")
    index.sources = Sources(indexes=(served.url_with_password,))
    fetched = index.fetch("alpha")
    assert [wheel.filename for wheel in fetched] == [
        "alpha-1.0-py3-none-any.whl",
        "beta-1.0-py3-none-any.whl",
    ]
    assert {wheel.path.read_bytes()[:2] for wheel in fetched} == {b"PK"}


@pytest.mark.slow
def test_a_message_never_shows_a_password_of_the_index(index: Index) -> None:
    index.sources = Sources(indexes=("http://me:secret@127.0.0.1:9/simple/",))
    with pytest.raises(RuntimeBuildFailed, match=r"127\.0\.0\.1:9/simple") as caught:
        index.fetch("alpha")
    assert "secret" not in caught.value.message
