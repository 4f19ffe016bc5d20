"""Wheels (PEP 427) → entries of a layer. Nothing of a package runs.

What tools would do while installing is done here, always with the same result: files go where the
target keeps such files, scripts get its interpreter, RECORD says what is where.
"""

import base64
import configparser
import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from au2.domain.errors import InvalidImage, RuntimeBuildFailed
from au2.oci.tar.paths import clean_path
from au2.oci.tar.writer import LayerEntry, file_entry
from au2.runtimes.layers import PYTHON, InstalledPackage
from au2.runtimes.target_python import TargetPython

_MOST_METADATA_BYTES = 32 << 20
_MOST_SCRIPT_BYTES = 8 << 20
_ENTRY_POINT = re.compile(r"([A-Za-z_][\w.]*)\s*:\s*([A-Za-z_][\w.]*)\s*(?:\[.*\])?", re.ASCII)
_COMMAND = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}")
_INSTALLER = b"au2\n"


@dataclass(frozen=True, slots=True)
class OpenedWheel:
    """What a wheel puts where. The archive stays open as long as its entries are read."""

    package: InstalledPackage
    entries: dict[str, LayerEntry]
    """By path."""


def open_wheel(path: Path, sha256: str, python: TargetPython) -> OpenedWheel:
    """Return what is in a wheel that was downloaded and has that digest.

    Raises:
        RuntimeBuildFailed: damaged, or it would put something outside its places.
    """
    try:
        return _Wheel(zipfile.ZipFile(path), path.name, python).install(sha256)
    except (zipfile.BadZipFile, InvalidImage, OSError, UnicodeDecodeError, ValueError) as error:
        raise RuntimeBuildFailed(f"{path.name} is no usable wheel: {error}") from error


class _Wheel:
    def __init__(self, archive: zipfile.ZipFile, filename: str, python: TargetPython) -> None:
        parts = filename.removesuffix(".whl").split("-")
        if len(parts) not in {5, 6}:
            raise ValueError("its name does not say what it is for")
        self._archive, self._python = archive, python
        self._name, self._version, self._tags = parts[0], parts[1], "-".join(parts[-3:])
        self._entries: dict[str, LayerEntry] = {}
        self._info = self._find_info()
        self._site = python.purelib if self._is_pure() else python.platlib
        self._data = f"{self._info.removesuffix('.dist-info')}.data"

    def install(self, sha256: str) -> OpenedWheel:
        for member in self._archive.infolist():
            if not member.is_dir():
                self._add(member)
        self._add_commands()
        self._write(f"{self._site}/{self._info}/INSTALLER", _INSTALLER)
        self._write_record()
        package = InstalledPackage(
            self._name.lower().replace("_", "-"), self._version, self._tags, sha256, PYTHON
        )
        return OpenedWheel(package, self._entries)

    def _add(self, member: zipfile.ZipInfo) -> None:
        path = clean_path(member.filename)
        if path.startswith(f"{self._info}/RECORD"):
            return
        target, kind = self._place(path)
        if kind == "scripts":
            self._write(target, self._adapt_script(member), executable=True)
            return
        opened = cast(Callable[[], BinaryIO], partial(self._archive.open, member))
        executable = bool(member.external_attr >> 16 & 0o111)
        self._entries[target] = file_entry(
            target, member.file_size, opened if member.file_size else None, executable=executable
        )

    def _place(self, path: str) -> tuple[str, str]:
        """Return where a member goes, and its kind (a scheme's name, or nothing special)."""
        first, _, rest = path.partition("/")
        if first != self._data:
            return f"{self._site}/{path}", ""
        kind, _, inner = rest.partition("/")
        places = {
            "purelib": self._python.purelib,
            "platlib": self._python.platlib,
            "scripts": self._python.scripts,
            "data": self._python.data,
            "headers": f"{self._python.include}/{self._name}",
        }
        if kind not in places or not inner:
            raise ValueError(f"it has files of an unknown kind: {path[:200]}")
        return clean_path(f"{places[kind]}/{inner}"), kind

    def _adapt_script(self, member: zipfile.ZipInfo) -> bytes:
        data = self._read(member.filename, _MOST_SCRIPT_BYTES)
        first, newline, rest = data.partition(b"\n")
        if re.fullmatch(rb"#!pythonw?\s*", first):
            return f"#!{self._python.executable}\n".encode() + rest
        return first + newline + rest

    def _add_commands(self) -> None:
        names = self._archive.namelist()
        if f"{self._info}/entry_points.txt" not in names:
            return
        parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
        parser.optionxform = str  # type: ignore[assignment, method-assign]
        text = self._read(f"{self._info}/entry_points.txt", _MOST_SCRIPT_BYTES).decode()
        try:
            parser.read_string(text)
        except configparser.Error as error:
            raise ValueError(f"its entry points are not readable: {error}") from None
        for section in ("console_scripts", "gui_scripts"):
            for name, value in parser[section].items() if section in parser else ():
                self._add_command(name, value)

    def _add_command(self, name: str, value: str) -> None:
        found = _ENTRY_POINT.fullmatch(value.strip())
        if not _COMMAND.fullmatch(name) or found is None:
            raise ValueError(f"its command '{name[:100]}' has no form that is known")
        module, function = found.groups()
        outer = function.partition(".")[0]
        script = (
            f"#!{self._python.executable}\nimport sys\n\nfrom {module} import {outer}\n\n"
            f'if __name__ == "__main__":\n    sys.exit({function}())\n'
        )
        self._write(f"{self._python.scripts}/{name}", script.encode(), executable=True)

    def _write_record(self) -> None:
        """Say what is where, with the digests that the wheel's own RECORD has."""
        stated = {}
        record = self._read(f"{self._info}/RECORD", _MOST_METADATA_BYTES).decode()
        for row in csv.reader(io.StringIO(record)):
            if len(row) >= 2:
                stated[self._place(clean_path(row[0]))[0]] = row[1]
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        for path, entry in sorted(self._entries.items()):
            digest = self._written.get(path) or stated.get(path, "")
            writer.writerow((self._seen_from_site(path), digest, entry.size))
        own = f"{self._site}/{self._info}/RECORD"
        writer.writerow((self._seen_from_site(own), "", ""))
        self._write(own, out.getvalue().encode())

    @property
    def _written(self) -> dict[str, str]:
        return {
            path: _record_digest(entry.open().read())
            for path, entry in self._entries.items()
            if entry.open is not None and isinstance(entry.open, _Bytes)
        }

    def _seen_from_site(self, path: str) -> str:
        if path.startswith(f"{self._site}/"):
            return path[len(self._site) + 1 :]
        up = "../" * len(PurePosixPath(self._site).parts)
        return up + path

    def _write(self, path: str, data: bytes, *, executable: bool = False) -> None:
        path = clean_path(path)
        self._entries[path] = file_entry(path, len(data), _Bytes(data), executable=executable)

    def _find_info(self) -> str:
        wanted = f"{_normalised(self._name)}-{self._version}.dist-info"
        for name in self._archive.namelist():
            first = name.partition("/")[0]
            base, _, version = first.removesuffix(".dist-info").rpartition("-")
            if name == f"{first}/WHEEL" and f"{_normalised(base)}-{version}.dist-info" == wanted:
                return clean_path(first)
        raise ValueError("it has no metadata")

    def _is_pure(self) -> bool:
        text = self._read(f"{self._info}/WHEEL", _MOST_SCRIPT_BYTES).decode()
        lines = {line.strip().lower() for line in text.splitlines()}
        return "root-is-purelib: true" in lines

    def _read(self, name: str, limit_bytes: int) -> bytes:
        with self._archive.open(name) as file:
            data = file.read(limit_bytes + 1)
        if len(data) > limit_bytes:
            raise ValueError(f"{name} is too large")
        return data


@dataclass(frozen=True, slots=True)
class _Bytes:
    data: bytes

    def __call__(self) -> BinaryIO:
        return io.BytesIO(self.data)


def _record_digest(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"sha256={digest}"


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()
