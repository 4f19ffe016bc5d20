"""What code that runs as an au2 job may use: its arguments, output and status.

The job finds the names of its files in environment variables. Where they are not set, as on your
own machine, files in the working directory take their place. Python 3.8 and newer, standard library
only, and little of that: a job waits for what is imported here.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["arguments", "scratch_directory", "status", "write_output"]
__version__ = "0.1.0"

_STATUS_BYTES = 64 * 1024


def arguments() -> dict[str, Any]:
    """Return the arguments of this run.

    Outside a container: what is in ``args.json``, nothing if that does not exist.

    Raises:
        ValueError: the file holds no JSON object.
    """
    path = os.environ.get("AU_ARGS_FILE")
    try:
        with open(path or "args.json", encoding="utf-8") as file:
            found = json.load(file)
    except FileNotFoundError:
        if path:
            raise
        return {}
    if not isinstance(found, dict):
        raise ValueError("the arguments must be a JSON object")
    return found


def write_output(output: Any) -> None:
    """Set the output of this run, one JSON object; the last call counts.

    Besides what ``json`` encodes, it may hold dates, ``Decimal``, ``Path``, ``UUID``, enums, sets,
    dataclasses, models of pydantic, and scalars, arrays, series and frames of NumPy and pandas.
    ``docs/guides/languages.md`` has the form of each. A dataclass or model may be the output too.

    Outside a container: into ``output.json``.

    Raises:
        TypeError: it is no mapping, or holds what JSON has no form for. The message says where.
        ValueError: it holds NaN or an infinite number, for example. The message says where.
    """
    _write("AU_OUTPUT_FILE", "output.json", _encode_output(output))


def status(text: str | None = None, progress: float | None = None) -> None:
    """Say what is being done, and how far it is (0 to 1); shown while the job runs.

    Each call replaces the one before. Outside a container: into ``status.json``.

    Raises:
        ValueError: the progress is not from 0 to 1.
    """
    if progress is not None and not 0 <= progress <= 1:
        raise ValueError(f"progress goes from 0 to 1, not {progress}")
    document: dict[str, Any] = {}
    if text is not None:
        # Half a character can't be written, and a status is no reason for a job to fail.
        whole = str(text).encode("utf-8", "replace").decode("utf-8")
        document["text"] = whole[: _STATUS_BYTES // 8]
    if progress is not None:
        document["progress"] = float(progress)
    _write("AU_STATUS_FILE", "status.json", _encode(document))


def scratch_directory() -> str:
    """Return a folder to write to that is gone after the job.

    Outside a container: a new folder in the system's place for temporary files.
    """
    given = os.environ.get("AU_SCRATCH_DIR")
    if given:
        return given
    import tempfile  # noqa: PLC0415 - slow, and not needed in a job

    return tempfile.mkdtemp(prefix="aunsight-")


def _encode_output(output: Any) -> bytes:
    if isinstance(output, Mapping):
        try:
            return _encode(dict(output))
        except (TypeError, ValueError, RecursionError):
            pass
    from aunsight._json_values import make_plain  # noqa: PLC0415 - not needed by plain values

    plain = make_plain(output)
    if not isinstance(plain, dict):
        raise TypeError(f"the output must be a mapping, not {type(output).__name__}")
    return _encode(plain)


def _encode(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8")


def _write(variable: str, local: str, data: bytes) -> None:
    path = os.path.abspath(os.environ.get(variable) or local)
    try:
        _replace(path, data)
    except OSError:
        # The file itself may be writable where its folder is not, or be a mount.
        with open(path, "wb") as file:
            file.write(data)


def _replace(path: str, data: bytes) -> None:
    """Replace a file as a whole, so that nobody ever reads half of it."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{os.urandom(6).hex()}")
    with open(temporary, "xb") as file:
        try:
            file.write(data)
            file.flush()
            # Whoever collects it may be somebody else.
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
