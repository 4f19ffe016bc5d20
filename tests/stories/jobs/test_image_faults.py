"""Images that can be uploaded but not run as they say: whoever made them is told what to mend."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.commands.command import Au2
from tests.support.images.image_making import Layer, odd_image


def run_image(au2: Au2, folder: Path, name: str, *layers: Layer | bytes, **run: Any) -> Any:
    """Upload an image to a new version and run it; return the job's record."""
    process = au2.json("process", "create", "--name", name)["id"]
    au2.ok("process", "version", "create", process)
    archive = folder / "image.tar"
    archive.write_bytes(odd_image(*layers, **run).docker_archive())
    words = ("--process", process, "--ver", "1", "--file", archive, "--wait")
    au2.ok("process", "version", "upload", *words)
    assert au2("process", "run", process, "--wait").exit_code == 1
    [job] = au2.json("job", "list", "--process", process, "--type", "au-process:run")
    return au2.json("job", "show", str(job["id"]))


@pytest.mark.parametrize(
    ("name", "run", "sentence"),
    [
        ("no-such-command", {"Cmd": ["none"]}, "The image's command 'none' can't be run"),
        ("no-command", {}, "The image has neither an entry point nor a command."),
        ("no-such-user", {"Cmd": ["id"], "User": "ghost"}, "The image has no user named 'ghost'"),
        (
            "no-such-folder",
            {"Cmd": ["id"], "WorkingDir": "/etc/passwd"},
            "The image's working folder can't be entered",
        ),
    ],
)
def test_what_the_image_says_can_not_be(
    au2: Au2, tmp_path: Path, busybox_layer: bytes, name: str, run: dict[str, Any], sentence: str
) -> None:
    job = run_image(au2, tmp_path, name, busybox_layer, **run)
    assert (job["state"], job["reason"], job["exit_code"]) == ("FAILED", "start-failed", None)
    assert job["reason_text"].startswith(sentence)
    assert "upload it to a new version" in job["reason_text"] or "Add it" in job["reason_text"]
    assert "platform" not in job["reason_text"].lower()


def test_what_starts_and_fails_has_an_exit_code(
    au2: Au2, tmp_path: Path, busybox_layer: bytes
) -> None:
    program = Layer().add("program", mode=0o755, content=b"#!/bin/sh\nexit 9\n")
    job = run_image(au2, tmp_path, "fails", busybox_layer, program, Cmd=["/program"])
    assert (job["state"], job["reason"], job["exit_code"]) == ("FAILED", "exit-code", 9)


@pytest.mark.parametrize(
    ("name", "program", "sentence"),
    [
        ("windows-lines", b"#!/bin/sh\r\nexit 0\r\n", "its lines end in CR LF"),
        ("no-shebang", b"echo hello\n", "neither an ELF program nor a script"),
        ("empty-program", b"", "The file is empty."),
        ("other-processor", b"\x7fELF\x02\x01\x01" + bytes(9) + b"\2\0\xf3\0", "riscv64"),
        ("no-interpreter", b"#!/usr/bin/python9\n", "names the interpreter '/usr/bin/python9'"),
    ],
)
def test_a_program_that_linux_does_not_execute(
    au2: Au2, tmp_path: Path, busybox_layer: bytes, name: str, program: bytes, sentence: str
) -> None:
    layer = Layer().add("program", mode=0o755, content=program)
    job = run_image(au2, tmp_path, name, busybox_layer, layer, Cmd=["/program"])
    assert (job["state"], job["reason"], job["exit_code"]) == ("FAILED", "start-failed", None)
    assert sentence in job["reason_text"]
    assert "platform" not in job["reason_text"].lower().replace("--platform", "").replace(
        "for this platform", ""
    )


@pytest.mark.parametrize(
    ("name", "variables", "sentence"),
    [
        ("one-long-variable", ["BIG=" + "x" * 140_000], "The environment variable 'BIG' takes"),
        ("many-variables", [f"A{n}=" + "x" * 100_000 for n in range(30)], "2.86 MiB together"),
    ],
)
def test_an_environment_that_linux_does_not_give_on(
    au2: Au2, tmp_path: Path, busybox_layer: bytes, name: str, variables: list[str], sentence: str
) -> None:
    job = run_image(au2, tmp_path, name, busybox_layer, Cmd=["id"], Env=variables)
    assert (job["state"], job["reason"], job["exit_code"]) == ("FAILED", "start-failed", None)
    assert sentence in job["reason_text"]
    assert "platform" not in job["reason_text"]
