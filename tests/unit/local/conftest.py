"""Packages on disk, and requests to run them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from au2.app.jobs.run_requests import WantedResources
from au2.local.request import LocalRequest
from au2.package.check import PackageOnDisk, load_package_files

MakePackage = Callable[..., PackageOnDisk]

MANIFEST = "name: demo\nruntime: Python3.11\n"


@pytest.fixture
def make_package(tmp_path: Path) -> MakePackage:
    """``make_package({"main.py": …})``."""

    def make(files: Mapping[str, str | bytes]) -> PackageOnDisk:
        folder = tmp_path / "package"
        for path, content in {"aunsight.yml": MANIFEST, **files}.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        return load_package_files(folder)

    return make


def a_request(
    arguments: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    secrets: Mapping[str, str] | None = None,
    **wanted: Any,
) -> LocalRequest:
    """A request for little."""
    return LocalRequest(
        lambda _: arguments or {}, environment or {}, secrets or {}, WantedResources(**wanted)
    )
