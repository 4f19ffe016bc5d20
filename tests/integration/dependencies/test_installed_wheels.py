"""Installed wheels are used again, with the same result as a new installation."""

import base64
import hashlib
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from au2.dependencies.layer_cache import BuiltDependencies
from au2.domain.accounts.context import Context
from au2.domain.errors import DependenciesFailed
from au2.oci.tar.layer import read_layer
from tests.support.packages.dependency_installation import DependencyInstallation
from tests.support.packages.python_packages import make_source, make_wheel

OTHER = Context("0e5bfb9c-6a11-4c53-8a4b-6e1d3c2b1a00")
PYTHON = "opt/au2/python"


def fill_package_folder(installation: DependencyInstallation) -> None:
    package_folder = installation.package_folder
    make_wheel(package_folder, "alpha", "1", {"alpha/__init__.py": "x = {'a', 'b', 'c'}\n"})
    make_wheel(package_folder, "alpha", "2", {"alpha/new.py": "y = 'b' in {'a', 'b', 'c'}\n"})
    make_wheel(package_folder, "tool", "1", scripts={"do-it": "tool:main.run"})
    make_wheel(package_folder, "space-one", "1", {"space/one.py": "", "tests/__init__.py": ""})
    make_wheel(
        package_folder, "space-two", "1", {"space/two.py": "# Latin\n", "tests/__init__.py": ""}
    )
    make_wheel(package_folder, "clash-a", "1", {"common.py": "who = 'a'\n"})
    make_wheel(package_folder, "clash-b", "1", {"common.py": "who = 'b'\n"})
    make_wheel(
        package_folder, "broken", "1", {"broken.py": "def (:\n", "odd.py": "# coding: latin-1\n"}
    )


def install_fresh(installation: DependencyInstallation, requirements: str) -> BuiltDependencies:
    installation.forget("layers", "downloads")
    return installation.install(requirements)


def read(installation: DependencyInstallation, built: BuiltDependencies) -> dict[str, bytes]:
    with installation.native_harness.blobs.open(built.layer.descriptor.digest) as stream:
        return {
            member.path.removeprefix(f"{PYTHON}/"): member.content.read()
            for member in read_layer(stream)
            if member.content is not None
        }


@pytest.mark.parametrize(
    "steps",
    [
        ("alpha==1\n", "alpha==1\ntool\n"),
        ("alpha==1\ntool\nbroken\n", "tool\n"),
        ("alpha==1\ntool\n", "alpha==2\ntool\n"),
        ("space-one\n", "space-one\nspace-two\n"),
        ("space-one\nspace-two\n", "space-two\n", "space-two\nbroken\n"),
        ("clash-a\n", "clash-b\nclash-a\n"),
        ("clash-a\n", "clash-b\n", "clash-a\nclash-b\ntool\n"),
        ("clash-b\ntool\n", "clash-a\ntool\n"),
    ],
)
def test_the_result_is_that_of_an_installation_from_nothing(
    installation: DependencyInstallation, steps: tuple[str, ...]
) -> None:
    fill_package_folder(installation)
    fresh = install_fresh(installation, steps[-1])
    installation.forget("layers", "downloads")
    for step in steps:
        built = installation.install(step)

    assert built.layer == fresh.layer
    assert built.lock == fresh.lock


def test_only_new_wheels_are_installed(installation: DependencyInstallation) -> None:
    fill_package_folder(installation)
    installation.install("alpha==1\ntool\n")

    installation.install("alpha==1\ntool\nspace-one\n")
    assert [line for line in installation.lines if "==" in line] == [" + space-one==1"]
    assert "2 of 3 were installed before" in installation.lines

    built = installation.install("alpha==1\nspace-one\n")
    assert [line for line in installation.lines if "==" in line] == []
    assert installation.run(built, "import alpha, space.one; print(1)\n").stdout == b"1\n"


def test_of_two_that_bring_the_same_file_the_later_one_by_name_stays(
    installation: DependencyInstallation,
) -> None:
    fill_package_folder(installation)

    built = installation.install("clash-b\nclash-a\n")

    assert "have a file of the same path: all are installed, one by one" in installation.log
    assert installation.run(built, "import common; print(common.who)\n").stdout == b"b\n"


def damage(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-3] + b"???")


@pytest.mark.parametrize("harm", [damage, Path.unlink])
@pytest.mark.parametrize("kind", ["piece", "pieces", "files", "choices"])
def test_a_damaged_or_missing_installed_wheel_is_installed_again(
    installation: DependencyInstallation, kind: str, harm: Callable[[Path], None]
) -> None:
    fill_package_folder(installation)
    fresh = installation.install("tool\nalpha==1\n")
    installation.forget("layers")
    for path in (installation.folder / "downloads" / kind).glob("*/*"):
        harm(path)

    assert installation.install("tool\nalpha==1\n").layer == fresh.layer


def test_an_installed_wheel_of_another_format_is_not_read(
    installation: DependencyInstallation,
) -> None:
    fill_package_folder(installation)
    fresh = installation.install("tool\n")
    installation.forget("layers")
    (path,) = (installation.folder / "downloads" / "piece").glob("*/*")
    path.write_text('{"content": "x"}')

    assert installation.install("tool\n").layer == fresh.layer


def make_hostile(folder: Path, files: Mapping[str, bytes], told: Mapping[str, bytes]) -> None:
    """Put a wheel there that tells other things than it has."""
    info = "evil-1.dist-info"
    contents = {
        **files,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: evil\nVersion: 1\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{name},{digest_of(data)},{len(data)}" for name, data in told.items()]
    contents[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""]).encode()
    with zipfile.ZipFile(folder / "evil-1-py3-none-any.whl", "w") as archive:
        for name, data in contents.items():
            archive.writestr(zipfile.ZipInfo(name), data)


def digest_of(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
    return f"sha256={digest.rstrip(b'=').decode()}"


TRUE = b"version = '1'\n"
FALSE = b"version = 'forged'\n"
PYC = "__pycache__/victim.cpython-311.pyc"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"victim.py": FALSE}, {}),
        ({"victim.py": FALSE}, {"victim.py": FALSE}),
        ({"victim.py": FALSE}, {"victim.py": TRUE}),
        ({"evil.py": b""}, {"victim.py": FALSE}),
        ({PYC: b"forged"}, {PYC: b"forged"}),
        ({"bin/victim": b"#!/bin/sh\n"}, {"bin/victim": b"#!/bin/sh\n"}),
        ({"bin/victim": b"#!/bin/sh\n"}, {}),
        ({"evil-1.data/scripts/victim": b"#!/bin/sh\n"}, {}),
        ({"victim-1.dist-info/RECORD": b"victim.py,,\n"}, {}),
        ({"victim-1.dist-info/entry_points.txt": b"[console_scripts]\nx = y:z\n"}, {}),
        ({"victim-1.dist-info/more.py": b"forged"}, {}),
    ],
)
def test_a_wheel_has_no_part_in_another_installed_wheel(
    installation: DependencyInstallation, files: dict[str, bytes], told: dict[str, bytes]
) -> None:
    make_wheel(installation.package_folder, "victim", "1", scripts={"victim": "victim:main"})
    fresh = installation.install("victim\n")
    installation.forget("layers", "downloads")
    make_hostile(installation.package_folder, files, told)
    with suppress(DependenciesFailed):  # The installer refuses some.
        installation.install("evil\nvictim\n")

    built = installation.install("victim\n", owner=OTHER)

    assert read(installation, built) == read(installation, fresh)


def test_an_installed_wheel_of_one_organization_is_not_given_to_another(
    installation: DependencyInstallation,
) -> None:
    make_wheel(installation.package_folder, "thing", "1")
    make_source(installation.package_folder, "raw", "1")
    installation.install("thing\nraw\n")
    installation.forget("layers")

    installation.install("thing\nraw\n")
    assert [line for line in installation.lines if "==" in line] == [" + raw==1"]
    installation.install("thing\nraw\n", owner=OTHER)
    assert " + thing==1" in installation.lines
    installation.install("thing\n")
    assert " + thing==1" in installation.lines


def test_a_required_build_is_made_although_the_wheel_was_installed(
    installation: DependencyInstallation,
) -> None:
    make_wheel(installation.package_folder, "raw", "1")
    make_source(installation.package_folder, "raw", "1", "RESULT = 'version = 2'")
    installation.install("raw\n")

    built = installation.install("--no-binary=raw\nraw\n")

    assert built.lock["packages"][0]["source_file"] == "raw-1.tar.gz"
    assert installation.run(built, "import raw; print(raw.version)\n").stdout == b"2\n"
