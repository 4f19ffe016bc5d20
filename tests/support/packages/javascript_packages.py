"""Tiny JavaScript packages made by tests, and the lock that names them."""

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def make_module(
    folder: Path, name: str, version: str, files: Mapping[str, str], **package: Any
) -> dict[str, Any]:
    """Put a package's archive into the folder; return its entry of a lock."""
    contents = {"package.json": json.dumps({"name": name, "version": version, **package}), **files}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for path, text in contents.items():
            info = tarfile.TarInfo(f"package/{path}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    data = out.getvalue()
    (folder / f"{name.rpartition('/')[2]}-{version}.tgz").write_bytes(data)
    digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
    entry: dict[str, Any] = {"version": version, "integrity": f"sha512-{digest}"}
    for key in ("bin", "dependencies"):
        if key in package:
            entry[key] = package[key]
    if "scripts" in package:
        entry["hasInstallScript"] = True
    return entry


def make_lock(package: Mapping[str, Any], **entries: Mapping[str, Any]) -> dict[str, Any]:
    """Return a lock of the package; ``entries`` by name."""
    places = {f"node_modules/{name}": entry for name, entry in entries.items()}
    return {
        "name": package["name"],
        "lockfileVersion": 3,
        "requires": True,
        "packages": {"": dict(package), **places},
    }
