"""The module that user code imports, run as user code runs it: in a process of its own."""

import ast
import json
import sys
from pathlib import Path

import pytest

from tests.unit.sdk.python_code import SOURCE, Code


@pytest.fixture
def code(tmp_path: Path) -> Code:
    return Code(tmp_path)


def test_in_a_container(code: Code, tmp_path: Path) -> None:
    files = {name: tmp_path / "job" / f"{name}.json" for name in ("args", "output", "status")}
    (tmp_path / "job").mkdir()
    files["args"].write_text('{"name": "Zoë"}')
    shown = code.ok(
        "print(aunsight.arguments()['name'])\n"
        "aunsight.status('half', 0.5)\n"
        "aunsight.write_output({'first': 1})\n"
        "aunsight.write_output({'ä': [1, None]})\n"
        "print(aunsight.scratch_directory())",
        AU_ARGS_FILE=str(files["args"]),
        AU_OUTPUT_FILE=str(files["output"]),
        AU_STATUS_FILE=str(files["status"]),
        AU_SCRATCH_DIR="/run/au2/scratch",
        PYTHONIOENCODING="utf-8",
    )
    assert shown.splitlines() == ["Zoë", "/run/au2/scratch"]
    assert json.loads(files["output"].read_text()) == {"ä": [1, None]}
    assert json.loads(files["status"].read_text()) == {"text": "half", "progress": 0.5}
    assert sorted(path.name for path in (tmp_path / "job").iterdir()) == [
        "args.json",
        "output.json",
        "status.json",
    ]
    assert files["output"].stat().st_mode & 0o777 == 0o644


def test_outside(code: Code, tmp_path: Path) -> None:
    lines = "print(aunsight.arguments())\naunsight.write_output({})\naunsight.status(progress=1)"
    assert code.ok(lines) == "{}\n"
    assert (tmp_path / "output.json").read_text() == "{}"
    assert (tmp_path / "status.json").read_text() == '{"progress": 1.0}'
    (tmp_path / "args.json").write_text('{"a": 1}')
    assert code.ok("print(aunsight.arguments())") == "{'a': 1}\n"
    scratch = Path(code.ok("print(aunsight.scratch_directory())").strip())
    assert scratch.is_dir()
    scratch.rmdir()


def test_mistakes(code: Code, tmp_path: Path) -> None:
    assert "TypeError" in code.error("aunsight.write_output([1])")
    assert "TypeError" in code.error("aunsight.write_output({'a': object()})")
    assert "ValueError" in code.error("aunsight.write_output({'a': float('nan')})")
    assert "ValueError" in code.error("aunsight.status('x', progress=2)")
    assert "FileNotFoundError" in code.error("aunsight.arguments()", AU_ARGS_FILE="/nowhere")
    (tmp_path / "args.json").write_text("[]")
    assert "ValueError" in code.error("aunsight.arguments()")
    assert [path.name for path in tmp_path.iterdir()] == ["args.json"]


@pytest.mark.parametrize("module", sorted(SOURCE.glob("aunsight/*.py")), ids=lambda path: path.name)
def test_an_old_python_can_read_it(module: Path) -> None:
    tree = ast.parse(module.read_text(), feature_version=(3, 8))
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert {str(name).partition(".")[0] for name in imported} <= {
        *sys.stdlib_module_names,
        "aunsight",
    }
    # `dict[str, int]` and `int | None` parse, but fail where annotations are evaluated.
    assert "__future__" in imported


def test_it_is_quick_to_import(code: Code) -> None:
    """A job waits for it: no module that takes as long as starting Python."""
    lines = "import sys\nprint(sorted({'tempfile', 'typing', 'pathlib'} & sys.modules.keys()))"
    assert code.ok(lines) == "[]\n"


def test_a_file_that_can_not_be_replaced_is_written(code: Code) -> None:
    # Nothing can be created or renamed in /dev/fd; as in a folder that is not ours.
    assert code.ok("aunsight.write_output({'a': 1})", AU_OUTPUT_FILE="/dev/fd/1") == '{"a": 1}'
