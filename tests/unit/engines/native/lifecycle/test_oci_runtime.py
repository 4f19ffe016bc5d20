"""What the OCI runtime says (runc 1.1.5), and whose fault it is."""

import pytest

from au2.engines.native.lifecycle.oci_runtime import find_image_fault

STARTING = "runc create failed: unable to start container process: "
INSIDE = STARTING + "error during container init: "


def logged(message: str) -> str:
    """As runc writes it, and the monitor passes it on."""
    escaped = message.replace("\\", "\\\\").replace('"', '\\"')
    return f'time="2026-11-26T15:58:10Z" level=error msg="{escaped}"'


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (
            STARTING + 'exec: "nope": executable file not found in $PATH',
            "The image's command 'nope' can't be run: executable file not found in $PATH.",
        ),
        (
            STARTING + 'exec: "/nope": stat /nope: no such file or directory',
            "The image's command '/nope' can't be run: stat /nope: no such file or directory.",
        ),
        (
            STARTING + 'exec: "/etc": permission denied',
            "The image's command '/etc' can't be run: permission denied.",
        ),
        (
            INSIDE + "mkdir /f: not a directory",
            "The image's working folder can't be entered: not a directory.",
        ),
        (
            INSIDE + 'chdir to cwd ("/s") set in config.json failed: permission denied',
            "The image's working folder can't be entered: permission denied.",
        ),
        (
            INSIDE + 'error mounting "/data/hosts" to rootfs at "/etc/hosts": mount /data/hosts:'
            "/etc/hosts (via /proc/self/fd/7), flags: 0x5000: not a directory",
            "The image has something at /etc/hosts that is in the way of what belongs there: "
            "not a directory.",
        ),
        (
            INSIDE
            + 'error mounting "proc" to rootfs at "/proc": filesystem "proc" must be mounted '
            "on ordinary directory",
            "The image has something at /proc that is in the way of what belongs there: "
            "on ordinary directory.",
        ),
        (
            STARTING + "unable to setup user: unable to find user 1000: read /etc/passwd: is a "
            "directory",
            "The image's user can't be looked up: unable to find user 1000: read /etc/passwd: is a "
            "directory.",
        ),
    ],
)
def test_the_images(message: str, sentence: str) -> None:
    found = find_image_fault(logged(message))
    assert found is not None
    assert found.message == sentence
    assert "upload" in (found.hint or "")


@pytest.mark.parametrize(
    "message",
    [
        "",
        STARTING + "unable to apply cgroup configuration: no space left on device",
        INSIDE + 'error mounting "/data/hosts" to rootfs at "/etc/hosts": no space left on device',
        INSIDE + "error loading seccomp filter into kernel: invalid argument",
        "runc create failed: container with given ID already exists",
    ],
)
def test_the_platforms(message: str) -> None:
    assert find_image_fault(logged(message)) is None
    assert find_image_fault(message) is None


def test_nothing_is_endless() -> None:
    found = find_image_fault(logged(f'{STARTING}exec: "{"x" * 9000}": {"y" * 9000}'))
    assert found is not None
    assert len(found.message) < 1000
