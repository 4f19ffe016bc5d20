"""Check of a container's program before the start: can Linux execute the file.

``execve`` fails after the start, where its error looks like an exit code of the user's code. The
rules are those of the kernel (execve(2); ``fs/exec.c``, ``binfmt_elf.c``, ``binfmt_script.c``).
"""

import os
import platform
import posixpath
import re
import stat
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from au2.domain.errors import ArgumentListTooLong, InvalidImage
from au2.domain.wording import format_bytes
from au2.engines.native.host.system import open_in_root
from au2.package.environment import VARIABLE_BYTES

_MIB = 1 << 20
_STACK_SHARE, _MOST_STACK_BYTES, _LEAST_BYTES = 4, 6 * _MIB, 128 << 10
"""A quarter of the stack limit, at most 6 MiB and at least ARG_MAX (``bprm_stack_limits``)."""
_POINTER_BYTES = 8
_SPARE_BYTES = 4 << 10
"""For the path of the program, and for what the launcher adds for the user's code."""
_MOUNTED = ("/dev/", "/proc/", "/run/au2/", "/sys/")
"""Mount points over the image, whose content can't be read before the start."""
_MOST_INTERPRETERS = 5
"""Scripts whose interpreters are scripts (``exec_binprm``)."""
_SCRIPT_LINE_BYTES = 255
"""Of a script's first line, so much is read (``BINPRM_BUF_SIZE``)."""
_ELF_MAGIC, _ELF_HEADER_BYTES = b"\x7fELF", 64
_PT_INTERP = 3
_MOST_PROGRAM_HEADERS_BYTES = 64 << 10
_PATH_BYTES = 4096
_BINARY_FORMATS = Path("/proc/sys/fs/binfmt_misc")
_MACHINES: Mapping[str, frozenset[int]] = MappingProxyType(
    {
        "x86_64": frozenset({62, 3}),  # EM_X86_64, EM_386
        "aarch64": frozenset({183, 40}),  # EM_AARCH64, EM_ARM
    }
)
"""ELF machines that a kernel may run; where nothing is said, the kernel itself decides."""
_MACHINE_NAMES: Mapping[int, str] = MappingProxyType(
    {3: "x86", 8: "mips", 21: "ppc64", 22: "s390x", 40: "arm", 62: "amd64", 183: "arm64"}
    | {243: "riscv64", 258: "loong64"}
)
_HINT = "Fix the image and upload it to a new version."


def ensure_arguments_fit(
    arguments: Sequence[str], environment: Sequence[str], *, stack_limit_bytes: int
) -> None:
    """Refuse a command and environment longer than Linux's limits for a new program. Pure.

    Args:
        arguments: the command with its arguments.
        environment: ``NAME=value`` items.
        stack_limit_bytes: soft limit of the program's stack (RLIMIT_STACK); RLIM_INFINITY is -1.

    Raises:
        ArgumentListTooLong: with the longest item, or the sum.
    """
    for item in environment:
        if _size_bytes(item) > VARIABLE_BYTES + 1:
            name = item.partition("=")[0]
            raise ArgumentListTooLong(
                f"The environment variable '{name[:100]}' takes {_size_bytes(item) - 1} bytes, "
                f"and Linux allows {VARIABLE_BYTES} bytes.",
                hint=f"Set a shorter value, or put it into a file. {_where_it_comes_from()}",
            )
    if any(_size_bytes(item) > VARIABLE_BYTES + 1 for item in arguments):
        raise ArgumentListTooLong(
            f"An argument of the command is longer than the {VARIABLE_BYTES} bytes that Linux "
            "allows.",
            hint=f"Shorten the Entrypoint or the Cmd. {_HINT}",
        )
    share = _MOST_STACK_BYTES if stack_limit_bytes < 0 else stack_limit_bytes // _STACK_SHARE
    limit_bytes = max(min(share, _MOST_STACK_BYTES), _LEAST_BYTES)
    limit_bytes -= _SPARE_BYTES
    size_bytes = sum(_size_bytes(item) + _POINTER_BYTES for item in (*arguments, *environment))
    if size_bytes > limit_bytes:
        raise ArgumentListTooLong(
            f"The command and its {len(environment)} environment variables take "
            f"{format_bytes(size_bytes)} together, and Linux allows {format_bytes(limit_bytes)}.",
            hint=f"Set fewer or shorter variables. {_where_it_comes_from()}",
        )


def ensure_executable(
    root: int,
    arguments: Sequence[str],
    search_path: str,
    folder: str,
    *,
    formats: Path = _BINARY_FORMATS,
) -> None:
    """Refuse a program that the kernel can't execute.

    A missing program is left to the OCI runtime, which looks as the container's user.

    Args:
        root: descriptor of the container's root folder.
        arguments: the command; the first one is the program.
        search_path: ``PATH`` of the container.
        folder: absolute working folder in the container.
        formats: folder where the kernel lists further executable formats (binfmt_misc).

    Raises:
        InvalidImage: the program is for another processor or of an unknown format, or its
            interpreter is missing.
    """
    program = arguments[0] if arguments else ""
    if _has_other_formats(formats):
        return
    found = _find_program(root, program, search_path, folder)
    if found is None:
        return
    for _ in range(_MOST_INTERPRETERS):
        with os.fdopen(found, "rb") as file:
            interpreter = _read_interpreter(file.fileno(), program)
        if interpreter is None:
            return
        is_elf, path = interpreter
        path = posixpath.join(folder, path)
        if path.startswith(_MOUNTED):
            return
        inner = _open_program(root, path)
        if inner is None:
            raise InvalidImage(_missing(program, path, is_elf=is_elf), hint=_HINT)
        if is_elf:  # The dynamic linker, which is no script.
            os.close(inner)
            return
        found, program = inner, path
    os.close(found)


def _read_interpreter(program: int, name: str) -> tuple[bool, str] | None:
    """Return whether a program is ELF, and the interpreter named there; None without one."""
    head = os.pread(program, max(_ELF_HEADER_BYTES, _SCRIPT_LINE_BYTES + 1), 0)
    if head.startswith(_ELF_MAGIC):
        _ensure_machine(head, name)
        path = _read_elf_interpreter(program, head)
        return None if path is None else (True, path)
    line = head[: _SCRIPT_LINE_BYTES + 1].partition(b"\n")[0]
    words = re.split(rb"[ \t]+", line[2:].strip(b" \t"), maxsplit=1)
    if not head.startswith(b"#!") or not words[0]:
        raise InvalidImage(
            f"The image's command '{name[:100]}' can't be executed: exec format error. The file is "
            + ("empty." if not head else "neither an ELF program nor a script with a '#!' line."),
            hint=_HINT,
        )
    return False, words[0].split(b"\0")[0].decode("utf-8", "surrogateescape")


def _ensure_machine(head: bytes, name: str) -> None:
    order = "<" if head[5:6] == b"\x01" else ">"
    machine = struct.unpack_from(f"{order}H", head.ljust(_ELF_HEADER_BYTES, b"\0"), 18)[0]
    allowed = _MACHINES.get(platform.machine())
    if allowed is None or machine in allowed:
        return
    raise InvalidImage(
        f"The image's command '{name[:100]}' can't be executed: exec format error. The program is "
        f"for the processor {_MACHINE_NAMES.get(machine, f'number {machine} of ELF')}, and this "
        f"machine is {platform.machine()}.",
        hint="Build the image for this platform (docker build --platform) and upload it to a new "
        "version.",
    )


def _read_elf_interpreter(program: int, head: bytes) -> str | None:
    """Return the dynamic linker named by the program headers (ELF, ``PT_INTERP``)."""
    order = "<" if head[5:6] == b"\x01" else ">"
    is_64 = head[4:5] == b"\x02"
    where, counts = (32, 54) if is_64 else (28, 42)
    try:
        offset = struct.unpack_from(f"{order}{'Q' if is_64 else 'I'}", head, where)[0]
        size, count = struct.unpack_from(f"{order}HH", head, counts)
        if size * count > _MOST_PROGRAM_HEADERS_BYTES:
            return None
        headers = os.pread(program, size * count, offset)
        for start in range(0, len(headers), size or 1):
            kind = struct.unpack_from(f"{order}I", headers, start)[0]
            if kind != _PT_INTERP:
                continue
            form, at, length_at = ("Q", 8, 32) if is_64 else ("I", 4, 16)
            start_of_name = struct.unpack_from(f"{order}{form}", headers, start + at)[0]
            length = struct.unpack_from(f"{order}{form}", headers, start + length_at)[0]
            name = os.pread(program, min(length, _PATH_BYTES), start_of_name).split(b"\0")[0]
            return name.decode("utf-8", "surrogateescape") or None
    except (struct.error, OSError, OverflowError):
        return None  # The kernel says what it thinks of a damaged program.
    return None


def _missing(program: str, path: str, *, is_elf: bool) -> str:
    shown = path[:200].encode("unicode_escape", "surrogatepass").decode("ascii")
    text = (
        f"The image's command '{program[:100]}' can't be executed: no such file or directory. It "
    )
    if is_elf:
        return f"{text}needs the dynamic linker '{shown}', which the image does not have."
    text = f"{text}names the interpreter '{shown}' in its first line, which the image does not have"
    if path.endswith("\r"):
        return f"{text}: its lines end in CR LF, as on Windows; save the script with LF."
    return f"{text}."


def _find_program(root: int, program: str, search_path: str, folder: str) -> int | None:
    if "/" in program:
        return _open_program(root, posixpath.join(folder, program))
    for searched in search_path.split(":"):
        found = _open_program(root, posixpath.join(folder, searched or ".", program))
        if found is not None:
            return found
    return None


def _open_program(root: int, path: str) -> int | None:
    """Open a regular file with a run bit; None if there is none."""
    with suppress(OSError, ValueError):
        found = open_in_root(root, path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        mode = os.fstat(found).st_mode
        if stat.S_ISREG(mode) and mode & 0o111:
            return found
        os.close(found)
    return None


def _has_other_formats(formats: Path) -> bool:
    """Whether the operator registered more binary formats, an emulator's say (binfmt_misc)."""
    with suppress(OSError):
        return any(entry.name not in {"register", "status"} for entry in formats.iterdir())
    return False


def _size_bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape")) + 1


def _where_it_comes_from() -> str:
    return "Variables come from the image's Env, from env.yml, and from the submission."
