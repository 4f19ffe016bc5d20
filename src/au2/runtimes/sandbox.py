"""Running a program of a root file system that nobody vouches for, while a runtime is built.

The root is read-only, the program is nobody without any right, and there is no network. Jobs have
the engine; this is for the few seconds in which a runtime is asked what it is.
"""

import json
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from au2.domain.errors import InvalidImage, RuntimeBuildFailed

_NOBODY = 65534
_PATIENCE_SECONDS = 2.0
_MOST_ERROR_CHARACTERS = 2000
_NAMESPACES = ("pid", "mount", "network", "ipc", "uts")
_MASKED = ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi", "/sys")
_READ_ONLY = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs")


class Sandbox:
    """One root, to run programs in."""

    def __init__(self, root: Path, work: Path, environment: Mapping[str, str]) -> None:
        """Prepare to run in ``root``; ``work`` is a folder for notes."""
        self._root = root
        self._work = work
        self._environment = {**environment, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}

    @contextmanager
    def output(
        self, command: Sequence[str], binds: Mapping[str, Path] | None = None
    ) -> Iterator[IO[bytes]]:
        """Run a command; yield its output, which is to be read to its end.

        Args:
            command: what to run.
            binds: path inside → folder outside, read-only. The paths inside are new ones in
                ``/dev``: nothing of the root is in the way there, or leads elsewhere.

        Raises:
            RuntimeBuildFailed: it failed; the message has what it said.
        """
        container = f"au2-build-{uuid.uuid4().hex[:12]}"
        bundle = self._work / container
        bundle.mkdir()
        spec = make_spec(self._root, command, self._environment, binds or {})
        (bundle / "config.json").write_text(json.dumps(spec), encoding="utf-8")
        runc = ["runc", f"--root={self._work / 'runc'}"]
        with (bundle / "errors").open("w+b") as errors:
            process = subprocess.Popen(
                [*runc, "run", "--bundle", str(bundle), container],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
            assert process.stdout is not None  # noqa: S101 - it was asked for
            try:
                yield process.stdout
                process.wait()
            except InvalidImage:
                # Output that ends too early is no news of a program that failed.
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_PATIENCE_SECONDS)
                if not process.returncode:
                    raise
            finally:
                process.stdout.close()
                if process.poll() is None:
                    _remove(runc, container)
                    process.kill()
                    process.wait()
            if process.returncode != 0:
                raise _explain(command, process.returncode, errors)


def make_spec(
    root: Path, command: Sequence[str], environment: Mapping[str, str], binds: Mapping[str, Path]
) -> dict[str, Any]:
    """Return the configuration of the container (OCI runtime specification)."""
    nothing: list[str] = []
    kinds = ("bounding", "effective", "inheritable", "permitted", "ambient")
    return {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": _NOBODY, "gid": _NOBODY},
            "args": list(command),
            "env": [f"{name}={value}" for name, value in environment.items()],
            "cwd": "/",
            "capabilities": dict.fromkeys(kinds, nothing),
            "noNewPrivileges": True,
        },
        "root": {"path": str(root), "readonly": True},
        "hostname": "build",
        "mounts": [
            _mount("/proc", "proc", ["nosuid", "noexec", "nodev"]),
            _mount("/dev", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            _mount("/dev/shm", "tmpfs", ["nosuid", "nodev", "mode=1777"]),  # noqa: S108
            *(_bind(inside, outside) for inside, outside in binds.items()),
        ],
        "linux": {
            "namespaces": [{"type": kind} for kind in _NAMESPACES],
            "maskedPaths": list(_MASKED),
            "readonlyPaths": list(_READ_ONLY),
        },
    }


def _mount(path: str, kind: str, options: list[str]) -> dict[str, Any]:
    return {"destination": path, "type": kind, "source": kind, "options": options}


def _bind(inside: str, outside: Path) -> dict[str, Any]:
    options = ["bind", "ro", "nosuid", "nodev"]
    return {"destination": inside, "type": "none", "source": str(outside), "options": options}


def _remove(runc: Sequence[str], container: str) -> None:
    subprocess.run([*runc, "delete", "--force", container], capture_output=True, check=False)


def _explain(command: Sequence[str], code: int, errors: IO[bytes]) -> RuntimeBuildFailed:
    errors.seek(0)
    told = errors.read(1 << 16).decode(errors="replace").strip()[-_MOST_ERROR_CHARACTERS:]
    return RuntimeBuildFailed(
        f"{command[0]} failed inside the runtime with exit code {code}:\n{told}",
        hint="Does the root file system belong to this machine's architecture, and is there a "
        "Python 3.8 or newer in it?",
    )
