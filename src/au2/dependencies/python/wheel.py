"""What a wheel installs, by its own archive: read with distrust, as anybody may have made it."""

import base64
import binascii
import configparser
import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

DOCUMENT_BYTES = 32 << 20
_MOST_FILES = 100_000
_NOTES = frozenset({"REQUESTED", "direct_url.json", "uv_build.json", "uv_cache.json"})
"""What the driver removes."""
_INSTALLER = b"uv"
_SCRIPT = """\
#!{python}
# -*- coding: utf-8 -*-
import sys
from {module} import {imported}
if __name__ == "__main__":
    if sys.argv[0].endswith("-script.pyw"):
        sys.argv[0] = sys.argv[0][:-11]
    elif sys.argv[0].endswith(".exe"):
        sys.argv[0] = sys.argv[0][:-4]
    sys.exit({function}())
"""
"""What the installer writes for an entry point; if it is another, the wheel just has no piece."""
_ENTRY_POINT = re.compile(r"([\w.]+)\s*:\s*([\w.]+)\s*(?:\[.*\])?")
_SCRIPTS = ("console_scripts", "gui_scripts")
_ERRORS = (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError)


class WheelContents(NamedTuple):
    """What is there once a wheel is installed, but for what is compiled."""

    files: Mapping[str, str | None]
    """SHA-256 by path below the target; None: a note that the installer writes."""
    is_certain: bool
    """Whether the wheel says of every file what is in it."""


def read_wheel(path: Path, python: str) -> WheelContents | None:
    """Return what a wheel installs; None: it can't be told.

    Args:
        path: the wheel. python: path of the interpreter that its programs run with.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(archive, python)
    except (*_ERRORS, csv.Error, configparser.Error):
        return None


def _read(archive: zipfile.ZipFile, python: str) -> WheelContents | None:
    names = [info.filename for info in archive.infolist() if not info.is_dir()]
    infos = {top for top, _, _ in (name.partition("/") for name in names) if _is_info(top)}
    if len(infos) != 1 or len(names) > _MOST_FILES or len(set(names)) != len(names):
        return None
    (info,) = infos
    digests = dict(parse_record(_read_text(archive, f"{info}/RECORD")))
    found: dict[str, str | None] = {}
    is_certain = set(digests) == set(names)
    for name in names:
        if "__pycache__" in name.split("/") or name in {f"{info}/{note}" for note in _NOTES}:
            continue
        target = _find_target(name)
        if target is None or target in found:
            return None
        is_certain &= digests.get(name) is not None or name.startswith(f"{info}/RECORD")
        found[target] = digests.get(name)
    found[f"{info}/RECORD"] = None
    found[f"{info}/INSTALLER"] = sha256(_INSTALLER).hexdigest()
    if f"{info}/entry_points.txt" in names:
        text = _read_text(archive, f"{info}/entry_points.txt")
        found |= {path: _digest(script) for path, script in _read_scripts(text, python)}
    return WheelContents(found, is_certain)


def _is_info(folder: str) -> bool:
    return folder.endswith(".dist-info")


def _read_text(archive: zipfile.ZipFile, name: str) -> str:
    try:
        with archive.open(name) as file:
            data = file.read(DOCUMENT_BYTES + 1)
    except KeyError:
        raise ValueError(f"there is no {name}") from None
    if len(data) > DOCUMENT_BYTES:
        raise ValueError(f"{name} is too large")
    return data.decode()


def parse_record(text: str) -> Iterator[tuple[str, str | None]]:
    """Yield path and SHA-256, where that is told, of every line. Raises csv.Error."""
    for row in csv.reader(io.StringIO(text, newline="")):
        if row:
            algorithm, _, value = (row[1] if len(row) > 1 else "").partition("=")
            yield row[0], _hexadecimal(value) if algorithm == "sha256" else None


def _hexadecimal(value: str) -> str | None:
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()
    except binascii.Error:
        return None


def _find_target(name: str) -> str | None:
    """Return where a file of the archive goes; None: nobody knows."""
    parts = name.split("/")
    if not all(parts) or {".", ".."} & set(parts) or "\\" in name:
        return None
    if not parts[0].endswith(".data"):
        return name
    kind, rest = "".join(parts[1:2]), "/".join(parts[2:])
    if kind in ("purelib", "platlib", "data"):
        return rest or None
    if kind == "headers":
        rest = f"{parts[0].partition('-')[0]}/{rest}" if rest else ""
    folder = {"scripts": "bin", "headers": "include"}.get(kind)
    return f"{folder}/{rest}" if folder and rest else None


def _read_scripts(text: str, python: str) -> Iterator[tuple[str, str]]:
    """Yield path and text of every program that an installer makes."""
    parser = configparser.ConfigParser(
        delimiters=("=",), comment_prefixes=("#", ";"), interpolation=None, strict=False
    )
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    for section in _SCRIPTS:
        for name, value in parser.items(section) if parser.has_section(section) else ():
            found = _ENTRY_POINT.fullmatch(value or "")
            if found is None or "/" in name or "\\" in name or name in ("", ".", ".."):
                raise ValueError(f"{name!r} is no program")
            module, function = found.groups()
            imported = function.partition(".")[0]
            text = _SCRIPT.format(
                python=python, module=module, imported=imported, function=function
            )
            yield f"bin/{name}", text


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
