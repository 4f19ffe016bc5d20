"""Files of a new package, as written by ``au2 process repo init``."""

import json
import re
from pathlib import Path

from au2.domain.errors import Conflict
from au2.domain.jobs.container_contract import Language
from au2.package import names

_TEMPLATES = Path(__file__).parent / "templates"
_IGNORE_TEMPLATE = "auignore"
_PLACE = re.compile("@([a-z_]+)@")


def default_ignore_rules() -> str:
    """Return the rules of packages without an ``.auignore``."""
    return _load(_IGNORE_TEMPLATE)


def write_package(
    directory: Path, *, name: str, description: str, runtime: str, language: Language
) -> tuple[str, ...]:
    """Make ``directory`` a package; return the names of the new files.

    Existing files stay as they are.

    Raises:
        Conflict: the directory is a package already.
    """
    if (directory / names.MANIFEST).exists():
        raise Conflict(
            f"There is already an {names.MANIFEST} in '{directory}'.",
            hint="Edit it, or choose another folder.",
        )
    directory.mkdir(parents=True, exist_ok=True)
    files = make_files(name=name, description=description, runtime=runtime, language=language)
    written = []
    for file_name, text in files.items():
        try:
            with (directory / file_name).open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except FileExistsError:
            continue
        written.append(file_name)
    return tuple(written)


def make_files(*, name: str, description: str, runtime: str, language: Language) -> dict[str, str]:
    """Return the text of each file of a new package, in the order to write them."""
    values = {
        "name": name,
        "description": description,
        "runtime": runtime,
        "entry_point": language.entry_point,
    }
    manifest = _PLACE.sub(lambda match: _scalar(values[match[1]]), _load(names.MANIFEST))
    return {
        names.IGNORE: default_ignore_rules(),
        names.ARGS_SCHEMA: _load(names.ARGS_SCHEMA),
        names.OUT_SCHEMA: _load(names.OUT_SCHEMA),
        names.ENVIRONMENT: _load(names.ENVIRONMENT),
        language.entry_point: _load(language.entry_point),
        # Last: with it the folder is a package, so that a cut-off `init` can be repeated.
        names.MANIFEST: manifest,
    }


def _scalar(value: str) -> str:
    """Return ``value`` as YAML: quoted like JSON, or a block if there are several lines."""
    lines = value.split("\n")
    as_block = len(lines) > 1 and not value.startswith((" ", "\n")) and not value.endswith("\n")
    if as_block and all(line.isprintable() for line in lines):
        return "\n".join(["|-", *(f"  {line}" if line else "" for line in lines)])
    # JSON is YAML, but for the characters that YAML wants escaped and JSON does not.
    quoted = json.dumps(value, ensure_ascii=False)
    return quoted if quoted.isprintable() else json.dumps(value)


def _load(name: str) -> str:
    return (_TEMPLATES / f"{name}.template").read_text(encoding="utf-8")
