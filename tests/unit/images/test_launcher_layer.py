"""Where the libraries for user code are found, in a checkout and in a wheel."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from au2.images import launcher_layer
from tests.support.checkout import ROOT

pytestmark = pytest.mark.slow


def test_the_layout(tmp_path: Path) -> None:
    launcher_layer.write_sdk(tmp_path / "platform", above_package=tmp_path)
    written = {
        str(path.relative_to(tmp_path / "platform" / "sdk")): path.read_bytes()
        for path in (tmp_path / "platform").rglob("*")
        if path.is_file()
    }
    assert written == launcher_layer.sdk_files()
    module = tmp_path / "node_modules" / "aunsight"
    assert {path.name for path in module.iterdir()} == {"index.js", "index.d.ts", "package.json"}
    assert (module / "index.js").read_bytes() == written["js/aunsight/index.js"]


def test_an_installed_au2_has_them(tmp_path: Path) -> None:
    wheel_command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    offline = ["--no-build-isolation", "--no-index", "--wheel-dir", tmp_path, ROOT]
    subprocess.run([*wheel_command, *offline], check=True)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    code = "from au2.images import launcher_layer as sdk; print(sdk.__file__, len(sdk.sdk_files()))"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path / "installed")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == [
        str(tmp_path / "installed" / "au2" / "images" / "launcher_layer.py"),
        str(len(launcher_layer.sdk_files())),
    ]


def test_all_projects_say_the_same_version() -> None:
    projects = ROOT / "sdk"
    python = tomllib.loads((projects / "python" / "pyproject.toml").read_text())
    version = python["project"]["version"]
    said = [
        (projects / "js" / "package.json").read_text(),
        (projects / "r" / "DESCRIPTION").read_text(),
        (projects / "js" / "README.md").read_text(),
        (projects / "python" / "README.md").read_text(),
        (projects / "python" / "src" / "aunsight" / "__init__.py").read_text(),
    ]
    pattern = re.compile(rf"([Vv]ersion[\W_]+|/sdk/aunsight-){re.escape(version)}\b")
    assert all(pattern.search(text) for text in said)
    guide = (ROOT / "docs" / "guides" / "languages.md").read_text()
    assert set(re.findall(r"/sdk/aunsight-(\d+\.\d+\.\d+)", guide)) == {version}
