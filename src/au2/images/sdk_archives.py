"""Archives of the libraries for user code, for installation beside an editor.

A wheel (PyPA, "Binary distribution format") and an npm package. Times are fixed and nothing is
compressed, so the same files give the same archive on every machine.
"""

import base64
import gzip
import hashlib
import io
import json
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping

from au2.images.launcher_layer import JAVASCRIPT, read_sdk_project, sdk_files

_PYTHON = "python/"
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = 0o644


def make_sdk_archives() -> dict[str, bytes]:
    """Return the archives by file name."""
    files = sdk_files()
    return dict([_make_wheel(files), _make_npm_package(files)])


def _make_wheel(files: Mapping[str, bytes]) -> tuple[str, bytes]:
    project = tomllib.loads(read_sdk_project("python/pyproject.toml").decode())["project"]
    name, version = project["name"], project["version"]
    info = f"{name}-{version}.dist-info"
    metadata = (
        f"Metadata-Version: 2.3\nName: {name}\nVersion: {version}\n"
        f"Summary: {project['description']}\nRequires-Python: {project['requires-python']}\n"
        "Description-Content-Type: text/markdown\n\n"
    )
    contents = {
        path.removeprefix(_PYTHON): data for path, data in files.items() if path.startswith(_PYTHON)
    }
    contents[f"{info}/METADATA"] = metadata.encode() + read_sdk_project("python/README.md")
    contents[f"{info}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: au2\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    record = f"{info}/RECORD"
    lines = [f"{path},{_record_hash(data)},{len(data)}\n" for path, data in contents.items()]
    contents[record] = "".join([*lines, f"{record},,\n"]).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path, data in contents.items():
            entry = zipfile.ZipInfo(path, _ZIP_TIME)
            entry.create_system = 3  # Unix, on every system: its modes count.
            entry.external_attr = _FILE_MODE << 16
            archive.writestr(entry, data)
    return f"{name}-{version}-py3-none-any.whl", out.getvalue()


def _record_hash(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
    return f"sha256={digest.decode()}"


def _make_npm_package(files: Mapping[str, bytes]) -> tuple[str, bytes]:
    contents = {
        path.removeprefix(f"{JAVASCRIPT}/"): data
        for path, data in files.items()
        if path.startswith(f"{JAVASCRIPT}/")
    }
    contents["README.md"] = read_sdk_project("js/README.md")
    project = json.loads(contents["package.json"])
    out = io.BytesIO()
    with (
        gzip.GzipFile(filename="", fileobj=out, mode="wb", compresslevel=0, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for path, data in contents.items():
            entry = tarfile.TarInfo(f"package/{path}")
            entry.size, entry.mode = len(data), _FILE_MODE
            archive.addfile(entry, io.BytesIO(data))
    return f"{project['name']}-{project['version']}.tgz", out.getvalue()
