import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import Conflict
from au2.domain.jobs.container_contract import Language
from au2.images.launcher_layer import write_sdk
from au2.package import template
from au2.package.manifest import parse_manifest
from au2.package.template import write_package


def write(directory: Path, language: Language = Language.PYTHON) -> tuple[str, ...]:
    return write_package(directory, name="a", description="b", runtime="r", language=language)


@pytest.mark.parametrize("language", Language)
def test_the_files_of_the_manual_page(tmp_path: Path, language: Language) -> None:
    written = write(tmp_path / "new", language)
    assert set(written) == {
        ".auignore",
        "args.schema.yml",
        "aunsight.yml",
        "env.yml",
        "out.schema.yml",
        language.entry_point,
    }
    assert {path.name for path in (tmp_path / "new").iterdir()} == set(written)


def test_work_that_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("mine")
    assert "main.py" not in write(tmp_path)
    assert (tmp_path / "main.py").read_text() == "mine"
    with pytest.raises(Conflict):
        write(tmp_path)


@given(
    name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
    description=st.text(st.characters(codec="utf-8"), max_size=40),
)
def test_any_answer_survives(name: str, description: str) -> None:
    files = template.make_files(
        name=name, description=description, runtime="r: #", language=Language.PYTHON
    )
    if not name.strip().isprintable() or not name.strip() or "\0" in description:
        return
    manifest = parse_manifest(files["aunsight.yml"])
    assert manifest.name == name.strip()
    assert manifest.description == description.strip()
    assert manifest.runtime == "r: #"


def test_the_entry_point_runs(tmp_path: Path) -> None:
    """Python's here; those of all languages run in their runtimes in the integration tests."""
    write(tmp_path / "package")
    write_sdk(tmp_path / "platform", above_package=tmp_path)
    (tmp_path / "args.json").write_text('{"name": "Ada"}')
    ran = subprocess.run(
        [sys.executable, tmp_path / "package" / "main.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "platform" / "sdk" / "python")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "Hello, Ada!\n" * 3
    assert json.loads((tmp_path / "output.json").read_text())["message"] == "Hello, Ada!"
