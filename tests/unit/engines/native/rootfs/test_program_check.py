"""Programs that the kernel would not execute, beside the kernel's own answer."""

import errno
import os
import platform
import resource
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import ArgumentListTooLong, InvalidImage
from au2.engines.native.rootfs.program_check import ensure_arguments_fit, ensure_executable

STACK_BYTES = 8 << 20
LONGEST = 131071


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def add_program(folder: Path, name: str, content: bytes, mode: int = 0o755) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def make_elf(machine: int, interpreter: str = "") -> bytes:
    """Return a header of a 64-bit program, with one program header if it has an interpreter."""
    name = interpreter.encode() + b"\0"
    count = 1 if interpreter else 0
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0)
    if not interpreter:
        return head
    return head + struct.pack("<IIQQQQQQ", 3, 4, 120, 0, 0, len(name), len(name), 1) + name


def own_machine() -> int:
    return {"x86_64": 62, "aarch64": 183}[platform.machine()]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (b"echo no interpreter\n", "neither an ELF program nor a script"),
        (b"#!\n", "neither an ELF program nor a script"),
        (b"#!   \necho\n", "neither an ELF program nor a script"),
        (b"#!/bin/nope -x\n", "names the interpreter '/bin/nope' in its first line"),
        (b"#!/bin/sh\r\necho\r\n", "its lines end in CR LF"),
        (make_elf(243), "for the processor riscv64"),
        (make_elf(4711), "for the processor number 4711 of ELF"),
        (make_elf(own_machine(), "/lib/ld-musl-x.so.1"), "dynamic linker '/lib/ld-musl-x.so.1'"),
    ],
)
def test_what_is_refused(tmp_path: Path, root: int, content: bytes, sentence: str) -> None:
    add_program(tmp_path, "bin/sh", make_elf(own_machine()))
    add_program(tmp_path, "app/run", content)
    with pytest.raises(InvalidImage) as caught:
        ensure_executable(root, ["/app/run"], "/bin", "/")
    assert sentence in caught.value.message
    assert str(tmp_path) not in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        (["sh"], "/"),
        (["/bin/sh"], "/"),
        (["./script"], "/app"),
        (["script"], "/app"),
        (["/app/script"], "/"),
        (["/app/script-of-script"], "/"),
        (["/bin/link"], "/"),
        # What can't be found, or not be run, is for the OCI runtime to say.
        (["nope"], "/"),
        (["/nope"], "/"),
        (["/app/data"], "/"),
        (["/app"], "/"),
        ([""], "/"),
        # Nothing is there yet where other file systems are mounted.
        (["/app/of-dev"], "/"),
    ],
)
def test_what_is_left_to_the_oci_runtime(
    tmp_path: Path, root: int, arguments: list[str], folder: str
) -> None:
    add_program(tmp_path, "lib/ld.so", make_elf(own_machine()))
    add_program(tmp_path, "bin/sh", make_elf(own_machine(), "/lib/ld.so"))
    add_program(tmp_path, "app/script", b"#! /bin/sh -e\n")
    add_program(tmp_path, "app/script-of-script", b"#!./app/script")
    add_program(tmp_path, "app/of-dev", b"#!/dev/shm/x\n")
    add_program(tmp_path, "app/data", b"text", mode=0o644)
    (tmp_path / "bin/link").symlink_to("/app/script")
    ensure_executable(root, arguments, "/nowhere::/bin:/app", folder)


def test_a_chain_of_interpreters_has_an_end(tmp_path: Path, root: int) -> None:
    add_program(tmp_path, "self", b"#!/self\n")
    ensure_executable(root, ["/self"], "/", "/")


def test_other_formats_of_the_kernel_leave_no_descriptor_open(tmp_path: Path, root: int) -> None:
    formats = tmp_path / "binfmt_misc"
    formats.mkdir()
    (formats / "qemu-aarch64").touch()
    add_program(tmp_path, "run", b"no program")
    before = len(list(Path("/proc/self/fd").iterdir()))
    ensure_executable(root, ["/run"], "/", "/", formats=formats)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_device_is_not_opened_for_long(tmp_path: Path, root: int) -> None:
    os.mkfifo(tmp_path / "fifo", 0o755)
    ensure_executable(root, ["/fifo"], "/", "/")


@given(st.binary(max_size=400))
def test_hostile_programs_never_break_the_check(content: bytes) -> None:
    for head in (b"", b"#!", make_elf(own_machine(), "/x")[:64]):
        check_in_folder(head + content)


def check_in_folder(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        add_program(Path(folder), "run", content)
        root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            ensure_executable(root, ["/run"], "/", "/")
        except InvalidImage as error:
            error.message.encode()  # What is told can always be written down.
        finally:
            os.close(root)


def kernel_takes(arguments: list[str], environment: dict[str, str]) -> bool:
    try:
        subprocess.run(arguments, env=environment, check=True, stdout=subprocess.DEVNULL)
    except OSError as error:
        if error.errno != errno.E2BIG:
            raise
        return False
    return True


@pytest.mark.parametrize(
    ("arguments", "environment", "fits"),
    [
        (["/bin/true"], {"A": "x" * (LONGEST - 2)}, True),
        (["/bin/true"], {"A": "x" * (LONGEST - 1)}, False),
        (["/bin/true"], {"A": "é" * (LONGEST // 2)}, False),
        (["/bin/true", "x" * LONGEST], {}, True),
        (["/bin/true", "x" * (LONGEST + 1)], {}, False),
        (["/bin/true"], {f"A{n}": "x" * 100_000 for n in range(40)}, False),
        (["/bin/true"], {f"A{n}": "x" * 100_000 for n in range(15)}, True),
        (["/bin/true"], {f"A{n}": "" for n in range(200_000)}, False),
    ],
)
def test_lengths_as_the_kernel_has_them(
    arguments: list[str], environment: dict[str, str], *, fits: bool
) -> None:
    items = [f"{name}={value}" for name, value in environment.items()]
    limit_bytes, _ = resource.getrlimit(resource.RLIMIT_STACK)
    assert kernel_takes(arguments, environment) is fits
    if fits:
        ensure_arguments_fit(arguments, items, stack_limit_bytes=limit_bytes)
        return
    with pytest.raises(ArgumentListTooLong) as caught:
        ensure_arguments_fit(arguments, items, stack_limit_bytes=limit_bytes)
    assert len(caught.value.message) < 300
    assert caught.value.hint


def test_stacks_of_all_sizes() -> None:
    items = [f"A{n}={'x' * 1000}" for n in range(5000)]
    ensure_arguments_fit([], items, stack_limit_bytes=-1)
    ensure_arguments_fit([], items[:100], stack_limit_bytes=1)
    with pytest.raises(ArgumentListTooLong, match=r"4\.84 MiB together, and Linux allows 2 MiB"):
        ensure_arguments_fit([], items, stack_limit_bytes=STACK_BYTES)
