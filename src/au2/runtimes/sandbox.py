"""Sandbox for the programs of an untrusted root file system while a runtime is built, by runc.

The root is read-only, the program is the user nobody without capabilities, and there is no network.
Building a runtime needs no engine, so this is apart from the containers of jobs.
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
_EXIT_SECONDS = 2.0
_MOST_ERROR_CHARACTERS = 2000
_NAMESPACES = ("pid", "mount", "network", "ipc", "uts")
_MASKED = ("/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/scsi", "/sys")
_READ_ONLY = ("/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs")


class Sandbox:
    """Runs programs in one root."""

    def __init__(self, root: Path, work: Path, environment: Mapping[str, str]) -> None:
        """Prepare to run in ``root``; ``work`` is a folder for temporary files."""
        self._root = root
        self._work = work
        self._environment = {**environment, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}

    @contextmanager
    def output(
        self, command: Sequence[str], binds: Mapping[str, Path] | None = None
    ) -> Iterator[IO[bytes]]:
        """Run a command; yield its output, to be read to the end.

        Args:
            command: program and arguments.
            binds: folder outside by path inside, read-only. The paths inside are new ones in
                ``/dev``, where no file or link of the root interferes.

        Raises:
            RuntimeBuildFailed: the command failed; the message has its errors.
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
                # A failed program's output ends early: its own error says more.
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_EXIT_SECONDS)
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
