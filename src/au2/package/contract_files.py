"""Contract of an image version, read from files outside a package."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from au2.domain.errors import Detail, InvalidPackage
from au2.package.environment import Environment, parse_environment
from au2.package.schemas import load_schema
from au2.package.text import read_text

_Result = TypeVar("_Result")


class ContractFiles(NamedTuple):
    """Where the files are, each as in a package. None: there is none."""

    args_schema: Path | None = None
    out_schema: Path | None = None
    environment: Path | None = None


class ContractDocuments(NamedTuple):
    """Content of the contract files."""

    args_schema: dict[str, Any] | None
    out_schema: dict[str, Any] | None
    environment: Environment | None


def read_contract(files: ContractFiles) -> ContractDocuments:
    """Return the content of the files.

    Raises:
        InvalidPackage: with all errors in all files, each with its file and line.
    """
    errors: list[Detail] = []

    def read(path: Path | None, parse: Callable[[str, str], _Result]) -> _Result | None:
        if path is None:
            return None
        try:
            return parse(read_text(path, str(path)), str(path))
        except InvalidPackage as error:
            errors.extend(error.details or [Detail(error.message, file=str(path))])
        except OSError as error:
            message = f"the file can't be read: {error.strerror}"
            errors.append(Detail(message, file=str(path)))
        return None

    found = ContractDocuments(
        read(files.args_schema, load_schema),
        read(files.out_schema, load_schema),
        read(files.environment, partial(parse_environment, any_name=True)),
    )
    if errors:
        raise InvalidPackage("The files have errors.", details=errors)
    return found
