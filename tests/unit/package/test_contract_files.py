from pathlib import Path

import pytest

from au2.domain.errors import InvalidPackage
from au2.package.contract_files import ContractDocuments, ContractFiles, read_contract


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_files_are_read_as_those_of_a_package(tmp_path: Path) -> None:
    files = ContractFiles(
        write(tmp_path / "args.yml", "required: [a]\n"),
        write(tmp_path / "out.yml", "# nothing\n"),
        write(tmp_path / "env.yml", "A: 1.10\na.b-c: {secret: db}\n"),
    )
    assert read_contract(files) == ContractDocuments(
        {"required": ["a"]}, None, {"A": "1.10", "a.b-c": {"secret": "db"}}
    )
    assert read_contract(ContractFiles()) == ContractDocuments(None, None, None)


def test_every_error_in_all_of_them(tmp_path: Path) -> None:
    files = ContractFiles(
        write(tmp_path / "args.yml", "type: object\nproperties:\n  a: {type: text}\n"),
        tmp_path / "missing.yml",
        write(tmp_path / "env.yml", "A: b\nAU_X: c\n"),
    )
    with pytest.raises(InvalidPackage) as caught:
        read_contract(files)
    found = [(Path(detail.file or "").name, detail.line) for detail in caught.value.details]
    assert found == [("args.yml", 3), ("missing.yml", None), ("env.yml", 2)]
