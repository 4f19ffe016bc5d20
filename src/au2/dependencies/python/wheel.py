"""Checked reading of wheels (PEP 427): metadata, RECORD, programs and the layout of all files.

Wheels are untrusted: no code of a wheel runs, and no path may leave its install scheme. The same
wheel always gives the same layout: files in the folders of the target Python, programs with its
interpreter, and a RECORD of the result.
"""

import base64
import configparser
import csv
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple, cast

from packaging.utils import canonicalize_name

from au2.domain.errors import InvalidImage
from au2.oci.tar.paths import clean_path
from au2.oci.tar.writer import LayerEntry, bytes_entry, file_entry

DOCUMENT_BYTES = 32 << 20
_MOST_FILES = 100_000
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
"""Program for an entry point, as uv writes it: a wheel that uv installed can be recognised."""
_ENTRY_POINT = re.compile(r"([A-Za-z_][\w.]*)\s*:\s*([A-Za-z_][\w.]*)\s*(?:\[.*\])?", re.ASCII)
_COMMAND = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}")
_SECTIONS = ("console_scripts", "gui_scripts")
_ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    csv.Error,
    configparser.Error,
    OSError,
    EOFError,
    ValueError,
    RuntimeError,  # An encrypted archive.
    NotImplementedError,  # An unknown compression.
)


class InvalidWheel(Exception):
    """The wheel is damaged, incomplete, or reaches outside its install scheme."""


class InstallScheme(NamedTuple):
    """Folders of an installation (:mod:`sysconfig`): clean relative paths, empty for the top."""

    purelib: str
    platlib: str
    scripts: str
    data: str
    include: str
    python: str
    """Absolute path of the interpreter that runs the programs."""


class Wheel:
    """An open wheel.

    Args:
        archive: its ZIP archive; stays open while the files are read.

    Raises:
        InvalidWheel: not one ``.dist-info`` folder, or too many files.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.members = [member for member in archive.infolist() if not member.is_dir()]
        self.names = [member.filename for member in self.members]
        if len(self.names) > _MOST_FILES:
            raise InvalidWheel(f"it has more than {_MOST_FILES} files")
        tops = {name.partition("/")[0] for name in self.names if "/" in name}
        infos = [top for top in tops if top.endswith(".dist-info")]
        if len(infos) != 1:
            raise InvalidWheel(f"it has {len(infos)} .dist-info folders, not one")
        self.info = infos[0]
        self._data = f"{self.info.removesuffix('.dist-info')}.data"

    @cached_property
    def is_pure(self) -> bool:
        """Whether its files go into ``purelib`` (PEP 427)."""
        text = self.read(f"{self.info}/WHEEL").decode()
        return "root-is-purelib: true" in {line.strip().lower() for line in text.splitlines()}

    @cached_property
    def record(self) -> Mapping[str, str]:
        """Stated digest (``sha256=…`` or empty) by name, of RECORD."""
        return dict(parse_record(self.read(f"{self.info}/RECORD").decode()))

    def find_site(self, scheme: InstallScheme) -> str:
        """Return the folder of its modules."""
        is_pure = scheme.purelib == scheme.platlib or self.is_pure
        return scheme.purelib if is_pure else scheme.platlib

    def read(self, name: str) -> bytes:
        """Return a small file of the archive. Raises InvalidWheel."""
        try:
            with self.archive.open(name) as file:
                data = file.read(DOCUMENT_BYTES + 1)
        except KeyError:
            raise InvalidWheel(f"it has no {name}") from None
        if len(data) > DOCUMENT_BYTES:
            raise InvalidWheel(f"{name} is too large")
        return data

    def find_target(self, name: str, scheme: InstallScheme) -> tuple[str, str]:
        """Return the installation path of a file, and its kind: a scheme's folder or empty.

        Raises:
            InvalidWheel: an unknown kind, or a path outside its folder.
        """
        parts = name.split("/")
        if not all(parts) or {".", ".."} & set(parts) or "\\" in name or "\0" in name:
            raise InvalidWheel(f"it has an unsafe path: {name[:200]!r}")
        if parts[0] != self._data:
            return _join(self.find_site(scheme), name), ""
        kind, rest = "".join(parts[1:2]), "/".join(parts[2:])
        folders = {
            "purelib": scheme.purelib,
            "platlib": scheme.platlib,
            "scripts": scheme.scripts,
            "data": scheme.data,
            "headers": f"{scheme.include}/{self._data.partition('-')[0]}",
        }
        if kind not in folders or not rest:
            raise InvalidWheel(f"it has files of an unknown kind: {name[:200]!r}")
        return _join(folders[kind], rest), kind

    def read_programs(self, scheme: InstallScheme) -> Iterator[tuple[str, str]]:
        """Yield path and text of the program of every entry point."""
        name = f"{self.info}/entry_points.txt"
        if name not in self.names:
            return
        parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read_string(self.read(name).decode())
        for section in _SECTIONS:
            for command, value in parser.items(section) if parser.has_section(section) else ():
                found = _ENTRY_POINT.fullmatch(value.strip())
                if not _COMMAND.fullmatch(command) or found is None:
                    raise InvalidWheel(f"its command {command[:100]!r} has an unknown form")
                module, function = found.groups()
                text = _SCRIPT.format(
                    python=scheme.python,
                    module=module,
                    imported=function.partition(".")[0],
                    function=function,
                )
                yield _join(scheme.scripts, command), text


@contextmanager
def open_wheel(path: Path, *, keep_open: bool = False) -> Iterator[Wheel]:
    """Open a wheel; every error of the archive becomes InvalidWheel.

    Args:
        path: of the file.
        keep_open: whether its files are read after the block too.
    """
    try:
        archive = zipfile.ZipFile(path)
        try:
            yield Wheel(archive)
        finally:
            if not keep_open:
                archive.close()
    except InvalidImage as error:
        raise InvalidWheel(error.message) from error
    except _ARCHIVE_ERRORS as error:
        raise InvalidWheel(str(error)) from error


def parse_record(text: str) -> Iterator[tuple[str, str]]:
    """Yield path and stated digest of every line of a RECORD. Raises csv.Error."""
    for row in csv.reader(io.StringIO(text, newline="")):
        if row:
            yield row[0], row[1] if len(row) > 1 else ""


def _join(folder: str, path: str) -> str:
    return f"{folder}/{path}" if folder else path


class LaidOutWheel(NamedTuple):
    """Files of one distribution, ready for a layer. Their archive stays open to read them."""

    name: str
    version: str
    tags: str
    """``cp311-abi3-manylinux_2_17_x86_64``"""
    entries: dict[str, LayerEntry]
    """By path."""


def lay_out_wheel(path: Path, filename: str, scheme: InstallScheme) -> LaidOutWheel:
    """Return the installed files of a wheel.

    Args:
        path: the wheel; its digest was checked.
        filename: its name on the index.
        scheme: folders of the target Python.

    Raises:
        InvalidWheel: damaged, named wrongly, or reaching outside the scheme.
    """
    parts = filename.removesuffix(".whl").split("-")
    if len(parts) not in (5, 6):
        raise InvalidWheel("its name is no wheel's name")
    name, version, tags = parts[0], parts[1], "-".join(parts[-3:])
    with open_wheel(path, keep_open=True) as wheel:
        found, _, found_version = wheel.info.removesuffix(".dist-info").rpartition("-")
        if (canonicalize_name(found), found_version) != (canonicalize_name(name), version):
            raise InvalidWheel(f"it is {found} {found_version}")
        layout = WheelLayout(wheel, scheme, "au2\n")
        layout.add_record()
    return LaidOutWheel(name.lower().replace("_", "-"), version, tags, layout.entries)


class WheelLayout:
    """Installed files of an open wheel: files of its archive, programs and INSTALLER.

    Args:
        wheel: stays open while the entries are read.
        scheme: folders of the target Python.
        installer: content of INSTALLER.

    Raises:
        InvalidWheel, InvalidImage: damaged, or reaching outside the scheme.
    """

    def __init__(self, wheel: Wheel, scheme: InstallScheme, installer: str) -> None:
        self.entries: dict[str, LayerEntry] = {}
        """By path."""
        self.digests: dict[str, str] = {}
        """``sha256=…`` by path, as the wheel's RECORD states it for unchanged files; or empty."""
        self.is_ambiguous = False
        """Whether two files of the archive have one path."""
        self._wheel, self._scheme, self._site = wheel, scheme, wheel.find_site(scheme)
        for member in wheel.members:
            if not member.filename.startswith(f"{wheel.info}/RECORD"):
                self._add(member)
        for path, text in wheel.read_programs(scheme):
            self._write(path, text.encode(), executable=True)
        self._write(_join(self._site, f"{wheel.info}/INSTALLER"), installer.encode())

    def add_record(self) -> None:
        """Add the RECORD of these files."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        for path, entry in sorted(self.entries.items()):
            writer.writerow((self._seen_from_site(path), self.digests[path], entry.size))
        record = f"{self._wheel.info}/RECORD"
        writer.writerow((record, "", ""))
        self._write(_join(self._site, record), out.getvalue().encode())

    def _add(self, member: zipfile.ZipInfo) -> None:
        target, kind = self._wheel.find_target(member.filename, self._scheme)
        path = clean_path(target)
        self.is_ambiguous |= path in self.entries
        if kind == "scripts":
            self._write(path, self._adapt_script(member.filename), executable=True)
            return
        opened = cast(Callable[[], BinaryIO], partial(self._wheel.archive.open, member))
        executable = bool(member.external_attr >> 16 & 0o111)
        self.entries[path] = file_entry(
            path, member.file_size, opened if member.file_size else None, executable=executable
        )
        self.digests[path] = self._wheel.record.get(member.filename, "")

    def _adapt_script(self, name: str) -> bytes:
        first, newline, rest = self._wheel.read(name).partition(b"\n")
        if re.fullmatch(rb"#!pythonw?\s*", first):
            return f"#!{self._scheme.python}\n".encode() + rest
        return first + newline + rest

    def _seen_from_site(self, path: str) -> str:
        if path.startswith(f"{self._site}/"):
            return path.removeprefix(f"{self._site}/")
        return "../" * len(PurePosixPath(self._site).parts) + path

    def _write(self, path: str, data: bytes, *, executable: bool = False) -> None:
        path = clean_path(path)
        self.entries[path] = bytes_entry(path, data, executable=executable)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        self.digests[path] = f"sha256={digest}"
