"""Archives of the libraries for user code, installed by the programs that read such archives."""

import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from au2.images.sdk_archives import make_sdk_archives

TYPED = """\
import aunsight
given: dict[str, int] = aunsight.arguments()
folder: str = aunsight.scratch_directory()
aunsight.status("half", "not a number")
"""


def test_the_archives_are_the_same_each_time() -> None:
    archives = make_sdk_archives()
    assert archives == make_sdk_archives()
    assert sorted(name.rpartition(".")[2] for name in archives) == ["tgz", "whl"]


def test_pip_installs_the_wheel_and_mypy_knows_its_types(tmp_path: Path) -> None:
    name, data = next(item for item in make_sdk_archives().items() if item[0].endswith(".whl"))
    (tmp_path / name).write_bytes(data)
    (tmp_path / "main.py").write_text(TYPED)
    environment = tmp_path / "environment"
    python = str(environment / "bin" / "python")
    run([sys.executable, "-m", "venv", "--without-pip", str(environment)], tmp_path)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    run([*pip, "install", "--no-index", name], tmp_path)
    mypy = [sys.executable, "-m", "mypy", "--strict", "--no-incremental"]
    checked = run([*mypy, "--python-executable", python, "main.py"], tmp_path, code=1)

    assert checked.splitlines()[0].startswith("main.py:4: error: Argument 2 to")
    assert "Found 1 error in 1 file" in checked


def run(command: list[str], folder: Path, *, code: int = 0) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == code, done
    return done.stdout


def test_the_wheels_record_names_every_file() -> None:
    data = next(data for name, data in make_sdk_archives().items() if name.endswith(".whl"))
    with zipfile.ZipFile(io.BytesIO(data)) as wheel:
        names = wheel.namelist()
        record = wheel.read(next(name for name in names if name.endswith("/RECORD"))).decode()
    assert [line.partition(",")[0] for line in record.splitlines()] == names


def test_the_npm_package_has_its_types() -> None:
    data = next(data for name, data in make_sdk_archives().items() if name.endswith(".tgz"))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = set(archive.getnames())
    expected = {"package.json", "index.js", "index.d.ts", "README.md"}
    assert names == {f"package/{name}" for name in expected}
