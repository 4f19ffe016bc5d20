"""PyTorch, from the catalogue: a job on it multiplies two matrices."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands.people import MakePeople
from tests.support.packages.folders import fill_package, run_to_end, upload_package
from tests.support.servers.fixtures import MakeServer

CODE = """\
import json, os
import torch

with open(os.environ["AU_ARGS_FILE"]) as file:
    matrices = json.load(file)
product = torch.tensor(matrices["left"]) @ torch.tensor(matrices["right"])
with open(os.environ["AU_OUTPUT_FILE"], "w") as file:
    json.dump({"product": product.tolist(), "cuda": torch.version.cuda}, file)
"""


@pytest.fixture
def disk_directory() -> Iterator[Path]:
    """A place for gigabytes of layers: not in memory, where other servers of tests are."""
    directory = Path(tempfile.mkdtemp(prefix="au2-torch-"))
    directory.chmod(0o711)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


def test_matrices_are_multiplied(
    disk_directory: Path, make_server: MakeServer, make_people: MakePeople, tmp_path: Path
) -> None:
    server = make_server(data_dir=disk_directory / "data")
    server.add_runtime("Python3.11 Torch")
    server.start()
    au2 = make_people(server).admin()
    shown = au2.json("runtime", "show", "cc76d137-acf6-488f-80a7-a1db6c9d9cd7")
    assert (shown["name"], shown["version"]) == ("Python3.11 Torch", 4)
    package = fill_package(au2, tmp_path / "matrices", {"main.py": CODE})
    manifest = package / "aunsight.yml"
    manifest.write_text(
        re.sub("^runtime: .*$", "runtime: Python3.11 Torch", manifest.read_text(), flags=re.M)
    )
    uploaded = upload_package(au2, package)

    result, job = run_to_end(
        au2,
        uploaded,
        *("--args", '{"left": [[1.0, 2.0], [3.0, 4.0]], "right": [[0.5], [0.25]]}'),
        *("--memory", "1GiB", "--network", "none"),
    )

    assert job["state"] == "SUCCEEDED", result
    assert job["output"] == {"product": [[1.0], [2.5]], "cuda": None}
