"""Layout of a wheel as layer entries, as an installer would lay it out; always the same.

Files go where the target Python keeps them, programs get its interpreter, RECORD lists the result.
"""

import base64
import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple, cast

from au2.dependencies.python.wheel import InstallScheme, InvalidWheel, Wheel, open_wheel
from au2.domain.errors import InvalidImage
from au2.oci.tar.paths import clean_path
from au2.oci.tar.writer import LayerEntry, file_entry

_INSTALLER = b"au2\n"
_FILENAME_PARTS = (5, 6)


class LaidOutWheel(NamedTuple):
    """Files of one distribution, ready for a layer. Their archive stays open to read them."""

    name: str
    version: str
    tags: str
    """``cp311-abi3-manylinux_2_17_x86_64``"""
    entries: dict[str, LayerEntry]
    """By path."""


def lay_out_wheel(path: Path, filename: str, scheme: InstallScheme) -> LaidOutWheel:
    """Return the files that a wheel installs.

    Args:
        path: the wheel; its digest was checked.
        filename: its name on the index.
        scheme: folders of the target Python.

    Raises:
        InvalidWheel: damaged, not what its name says, or reaching outside the scheme.
    """
    parts = filename.removesuffix(".whl").split("-")
    if len(parts) not in _FILENAME_PARTS:
        raise InvalidWheel("its name is no wheel's name")
    name, version, tags = parts[0], parts[1], "-".join(parts[-3:])
    try:
        with open_wheel(path, keep_open=True) as wheel:
            found, _, found_version = wheel.info.removesuffix(".dist-info").rpartition("-")
            if (_normalised(found), found_version) != (_normalised(name), version):
                raise InvalidWheel(f"it is {found} {found_version}")
            entries = _Layout(wheel, scheme).make_entries()
    except InvalidImage as error:
        raise InvalidWheel(error.message) from error
    return LaidOutWheel(name.lower().replace("_", "-"), version, tags, entries)


class _Layout:
    def __init__(self, wheel: Wheel, scheme: InstallScheme) -> None:
        self._wheel, self._scheme = wheel, scheme
        self._site = scheme.purelib if wheel.is_pure else scheme.platlib
        self._entries: dict[str, LayerEntry] = {}
        self._written: dict[str, str] = {}
        """Digests of the files that are not the archive's own, by path."""

    def make_entries(self) -> dict[str, LayerEntry]:
        for member in self._wheel.members:
            if not member.filename.startswith(f"{self._wheel.info}/RECORD"):
                self._add(member)
        for path, text in self._wheel.read_programs(self._scheme):
            self._write(path, text.encode(), executable=True)
        self._write(f"{self._site}/{self._wheel.info}/INSTALLER", _INSTALLER)
        self._write(f"{self._site}/{self._wheel.info}/RECORD", self._make_record())
        return self._entries

    def _add(self, member: zipfile.ZipInfo) -> None:
        target, kind = self._wheel.find_target(member.filename, self._scheme)
        if kind == "scripts":
            self._write(target, self._adapt_script(member.filename), executable=True)
            return
        opened = cast(Callable[[], BinaryIO], partial(self._wheel.archive.open, member))
        executable = bool(member.external_attr >> 16 & 0o111)
        self._entries[clean_path(target)] = file_entry(
            target, member.file_size, opened if member.file_size else None, executable=executable
        )

    def _adapt_script(self, name: str) -> bytes:
        first, newline, rest = self._wheel.read(name).partition(b"\n")
        if re.fullmatch(rb"#!pythonw?\s*", first):
            return f"#!{self._scheme.python}\n".encode() + rest
        return first + newline + rest

    def _make_record(self) -> bytes:
        """Return the RECORD, with the digests of the wheel's own for its unchanged files."""
        stated = {
            self._wheel.find_target(name, self._scheme)[0]: digest
            for name, digest in self._wheel.read_record().items()
        }
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        for path, entry in sorted(self._entries.items()):
            digest = self._written.get(path) or stated.get(path, "")
            writer.writerow((self._seen_from_site(path), digest, entry.size))
        writer.writerow((f"{self._wheel.info}/RECORD", "", ""))
        return out.getvalue().encode()

    def _seen_from_site(self, path: str) -> str:
        if path.startswith(f"{self._site}/"):
            return path.removeprefix(f"{self._site}/")
        return "../" * len(PurePosixPath(self._site).parts) + path

    def _write(self, path: str, data: bytes, *, executable: bool = False) -> None:
        path = clean_path(path)
        opened = partial(io.BytesIO, data)
        self._entries[path] = file_entry(path, len(data), opened, executable=executable)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        self._written[path] = f"sha256={digest}"


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()
