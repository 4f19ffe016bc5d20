"""Small wheels for tests, made here."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path


def make_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    files: Mapping[str, bytes] | None = None,
    requires: tuple[str, ...] = (),
    tags: str = "py3-none-any",
    pure: bool = True,
    entry_points: str = "",
) -> Path:
    """Write a wheel into ``folder`` and return its path."""
    info = f"{name}-{version}.dist-info"
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    contents = {
        f"{name}/__init__.py": f"VERSION = '{version}'\n".encode(),
        **(files or {}),
        f"{info}/METADATA": (head + needs).encode(),
        f"{info}/WHEEL": (
            f"Wheel-Version: 1.0\nRoot-Is-Purelib: {str(pure).lower()}\nTag: {tags}\n".encode()
        ),
    }
    if entry_points:
        contents[f"{info}/entry_points.txt"] = entry_points.encode()
    contents[f"{info}/RECORD"] = "".join(
        f"{path},sha256=stated,{len(data)}\n" for path, data in contents.items()
    ).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, data in contents.items():
            archive.writestr(path, data)
    folder.mkdir(parents=True, exist_ok=True)
    wheel = folder / f"{name}-{version}-{tags}.whl"
    wheel.write_bytes(out.getvalue())
    return wheel
