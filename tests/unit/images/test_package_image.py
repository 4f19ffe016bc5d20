import hashlib
import io
import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest

from au2.domain.errors import BlobMissing, DigestMismatch, InvalidPackage
from au2.images.package_image import build_package
from au2.oci.spec import media_types
from au2.oci.spec.config import ImageConfig
from au2.oci.spec.image import AddedLayer
from au2.oci.spec.manifest import Descriptor
from au2.oci.tar.layer import LayerMember, MemberType, read_layer
from au2.oci.tar.writer import directory_entry, write_layer
from au2.package.manifest import Manifest
from au2.package.tree.entries import PackagedFile
from au2.stores.content.filesystem import FileContentStore
from au2.stores.content.images import load_image, save_image
from tests.support.images.new_image import make_image

RESET = "/usr/bin/env --default-signal=INT,QUIT"


class Yard:
    """A blob store with a runtime in it."""

    def __init__(self, folder: Path) -> None:
        self.blobs = FileContentStore(folder)
        self.lines: list[str] = []
        self.runtime = self.add_runtime("python")

    def add_runtime(self, language: str, env: tuple[str, ...] = ("PATH=/runtime", "A=r")) -> str:
        out = io.BytesIO()
        write_layer([directory_entry("usr")], out)
        digest = self.add(out.getvalue())
        layer = AddedLayer(Descriptor(media_types.LAYER_TAR, digest, len(out.getvalue())), digest)
        labels = {"au2.runtime.language": language, "au2.runtime.reset-signals": RESET}
        config = ImageConfig(architecture="amd64", env=env, cmd=("python3",), labels=labels)
        return save_image(self.blobs, *make_image(config, [layer]))

    def add(self, data: bytes) -> str:
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        with self.blobs.batch() as add:
            add(digest, data)
        return digest

    def file(self, path: str, data: bytes = b"", *, executable: bool = False) -> PackagedFile:
        digest = self.add(data).removeprefix("sha256:")
        return PackagedFile(path, "file", executable, len(data), digest, "", data)

    def build(
        self,
        *files: PackagedFile,
        manifest: Manifest | None = None,
        environment: Mapping[str, str] | None = None,
        runtime: str | None = None,
    ) -> str:
        return build_package(
            self.blobs,
            runtime or self.runtime,
            files,
            manifest=manifest or Manifest("n", "", "r"),
            environment=environment or {},
            log=self.lines.append,
        )

    def members(self, image_digest: str, layer: int) -> dict[str, tuple[LayerMember, bytes]]:
        descriptor = load_image(self.blobs, image_digest).manifest.layers[layer]
        with self.blobs.open(descriptor.digest) as stream:
            return {
                member.path: (member, member.content.read() if member.content else b"")
                for member in read_layer(stream)
            }

    def told(self, image_digest: str) -> dict[str, str]:
        """What the launcher is told, as a shell reads it."""
        lines = self.members(image_digest, -1)["opt/au2/entry"][1].decode().splitlines()
        words = [shlex.split(line) for line in lines]
        assert all(len(word) == 1 for word in words)
        pairs = (word[0].partition("=") for word in words)
        return {name.removeprefix("au2_"): value for name, _, value in pairs}


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path)


def link(path: str, target: str) -> PackagedFile:
    return PackagedFile(path, "link", False, 0, "", target, b"")


def test_the_configuration(yard: Yard) -> None:
    digest = yard.build(yard.file("main.py", b"x"), environment={"A": "e", "HOME": "/x"})
    image = load_image(yard.blobs, digest)
    config = image.config
    assert config.entrypoint == ("/opt/au2/launch",)
    assert config.cmd == ()
    assert (config.user, config.working_dir) == ("1000:1000", "/package")
    assert (config.stop_signal, config.architecture) == ("SIGTERM", "amd64")
    assert config.labels["au2.launcher.version"] == "1"
    assert config.labels["au2.runtime.language"] == "python"
    environment = dict(item.split("=", 1) for item in config.env)
    assert environment == {
        "PATH": "/runtime",
        "A": "e",
        "HOME": "/x",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "AU_ARGS_FILE": "/run/au2/args.json",
        "AU_OUTPUT_FILE": "/run/au2/output.json",
        "AU_STATUS_FILE": "/run/au2/status.json",
        "AU_SCRATCH_DIR": "/run/au2/scratch",
    }
    assert len(image.manifest.layers) == len(config.diff_ids) == 3


def test_the_package_layer(yard: Yard) -> None:
    files = (
        yard.file("main.py", b"print()"),
        yard.file("lib/run", b"#!/bin/sh\n", executable=True),
        yard.file("empty"),
        link("lib/link", "../main.py"),
    )
    members = yard.members(yard.build(*files), -1)
    listed = {path: (m.type, m.mode, m.uid, m.gid) for path, (m, _) in members.items()}
    assert listed == {
        "opt": (MemberType.DIRECTORY, 0o755, 0, 0),
        "opt/au2": (MemberType.DIRECTORY, 0o755, 0, 0),
        "opt/au2/entry": (MemberType.FILE, 0o644, 0, 0),
        "package": (MemberType.DIRECTORY, 0o755, 1000, 1000),
        "package/empty": (MemberType.FILE, 0o644, 1000, 1000),
        "package/lib": (MemberType.DIRECTORY, 0o755, 1000, 1000),
        "package/lib/link": (MemberType.LINK, 0o777, 1000, 1000),
        "package/lib/run": (MemberType.FILE, 0o755, 1000, 1000),
        "package/main.py": (MemberType.FILE, 0o644, 1000, 1000),
    }
    assert members["package/main.py"][1] == b"print()"
    assert members["package/lib/link"][0].target == "../main.py"
    assert members["package/main.py"][0].modified_at == 315_532_800


def test_modes_and_folders(yard: Yard) -> None:
    folder = PackagedFile("out", "folder", False, 0, "", "", b"")
    members = yard.members(
        yard.build(
            yard.file("main.py"),
            yard.file("key")._replace(mode="600"),
            yard.file("lib/run", executable=True)._replace(mode="711"),
            folder,
            folder._replace(path="lib", mode="700"),
            folder._replace(path="logs/deep", mode="775"),
            # What no client of ours sends: the owner can read it all the same, and no more.
            yard.file("none")._replace(mode="000"),
            yard.file("root")._replace(mode="4755"),
            folder._replace(path="closed", mode="022"),
        ),
        -1,
    )
    modes = {path.removeprefix("package/"): (m.mode, m.uid) for path, (m, _) in members.items()}
    expected = {
        "main.py": 0o644,
        "key": 0o600,
        "lib": 0o700,
        "lib/run": 0o711,
        "out": 0o755,
        "logs": 0o755,
        "logs/deep": 0o775,
        "none": 0o400,
        "root": 0o755,
        "closed": 0o522,
    }
    assert {path: modes[path] for path in expected} == {
        path: (mode, 1000) for path, mode in expected.items()
    }
    assert members["package/out"][0].type is MemberType.DIRECTORY


def test_the_launcher_layer(yard: Yard) -> None:
    members = yard.members(yard.build(yard.file("main.py")), -2)
    modes = {path: (m.mode, m.uid) for path, (m, _) in members.items()}
    assert modes["home/au2"] == (0o755, 1000)
    assert modes["opt/au2/launch"] == (0o755, 0)
    assert modes["package"] == (0o755, 1000)
    assert modes["run/au2"] == modes["run/au2/scratch"] == (0o777, 0)
    assert members["run/au2/args.json"][1] == b"{}\n"
    assert members["node_modules/aunsight"][0].target == "/opt/au2/sdk/js/aunsight"
    assert members["opt/au2/sdk/js/aunsight/package.json"][1].startswith(b"{")


def test_the_launcher_is_told_what_to_run(yard: Yard) -> None:
    files = [yard.file(name, b"echo\n") for name in ("main.py", "after.sh")]
    assert yard.told(yard.build(*files)) == {
        "interpreter": "python3",
        "entry": "main.py",
        "before": "",
        "before_shell": "sh",
        "after": "after.sh",
        "after_shell": "sh",
        "reset_signals": RESET,
        "stop_signal": "TERM",
    }
    odd = "-it's $(rm).py"
    digest = yard.build(yard.file(odd), manifest=Manifest("n", "", "r", entry_point=odd))
    assert yard.told(digest)["entry"] == "./-it's $(rm).py"


def test_scripts_with_windows_line_ends_run_as_a_copy(yard: Yard) -> None:
    runtime = yard.add_runtime("shell")
    files = (
        yard.file("src/main.sh", b"echo 1\r\necho 2\r\n"),
        yard.file("before.sh", b"echo\r\n"),
        yard.file("after.sh", b"echo\n"),
        yard.file(".au2.before.sh", b"taken"),
    )
    manifest = Manifest("n", "", "r", entry_point="src/main.sh")
    digest = yard.build(*files, manifest=manifest, runtime=runtime)
    members = yard.members(digest, -1)
    assert members["package/src/main.sh"][1] == b"echo 1\r\necho 2\r\n"
    assert members["package/src/.au2.main.sh"][1] == b"echo 1\necho 2\n"
    assert members["package/.au2.before.sh"][1] == b"taken"
    assert members["package/..au2.before.sh"][1] == b"echo\n"
    told = yard.told(digest)
    assert told["interpreter"] == "sh"
    assert told["entry"] == "src/.au2.main.sh"
    assert told["before"] == "..au2.before.sh"
    assert told["after"] == "after.sh"


@pytest.mark.parametrize(
    ("first_line", "shell"),
    [
        (b"#!/bin/bash", "/bin/bash"),
        (b"#!/bin/bash -euo pipefail", "/bin/bash -euo pipefail"),
        (b"#! /usr/bin/env bash\r", "/usr/bin/env bash"),
        (b"#!/usr/bin/env -S bash -e", "/usr/bin/env -S bash -e"),
        (b"\xef\xbb\xbf#!/bin/dash", "/bin/dash"),
        (b"#!bash", "bash"),
        (b"#!/bin/sh", "/bin/sh"),
        (b"#!/usr/bin/python3", "sh"),
        (b"#!/bin/bash -c 'rm *'", "sh"),
        (b"#!/bin/bash -e;rm", "sh"),
        (b"#!/bin/$(rm)/bash", "sh"),
        (b" #!/bin/bash", "sh"),
        (b"# bash", "sh"),
    ],
)
def test_a_scripts_first_line_names_its_shell(yard: Yard, first_line: bytes, shell: str) -> None:
    script = first_line + b"\necho\n"
    files = [yard.file(name, script) for name in ("main.sh", "before.sh", "after.sh")]
    told = yard.told(yard.build(*files, runtime=yard.add_runtime("shell")))
    assert {told["interpreter"], told["before_shell"], told["after_shell"]} == {shell}


def test_same_files_same_digest(yard: Yard, tmp_path: Path) -> None:
    files = [yard.file("main.py", b"1"), yard.file("a/b", b"2"), yard.file("a-b", b"3")]
    digest = yard.build(*files, environment={"B": "1", "A": "2"})
    assert yard.build(*files[::-1], environment={"A": "2", "B": "1"}) == digest
    other = Yard(tmp_path / "other")
    again = [other.file("main.py", b"1"), other.file("a/b", b"2"), other.file("a-b", b"3")]
    assert other.build(*again, environment={"A": "2", "B": "1"}) == digest
    assert yard.build(*files) != digest
    described = Manifest("another name", "text", "r", processes={"x": "y"})
    assert yard.build(*files, manifest=described) == yard.build(*files)


def test_the_log_tells_what_was_done(yard: Yard) -> None:
    digest = yard.build(yard.file("main.py", b"12345"))
    told = "\n".join(yard.lines)
    assert "1 file, 5 bytes" in told
    assert yard.runtime in told
    assert yard.lines[-1] == f"Image {digest}"


def test_what_is_missing(yard: Yard) -> None:
    with pytest.raises(InvalidPackage) as caught:
        yard.build(yard.file("main.js"))
    assert str(caught.value.details[0]) == "main.py: the entry point is missing"
    with pytest.raises(BlobMissing):
        yard.build(yard.file("main.py"), runtime="sha256:" + "0" * 64)
    lost = PackagedFile("main.py", "file", False, 3, "0" * 64, "", b"")
    with pytest.raises(BlobMissing):
        yard.build(lost)


def test_a_false_size_leaves_nothing_behind(yard: Yard) -> None:
    good = yard.file("main.py", b"12345")
    before = set(yard.blobs.list_digests())
    for size_bytes in (4, 6):
        false = PackagedFile("main.py", "file", False, size_bytes, good.sha256, "", b"")
        with pytest.raises(DigestMismatch):
            yard.build(false)
    assert set(yard.blobs.list_digests()) == before


@pytest.mark.parametrize(
    ("language", "entry_point", "interpreter"),
    [
        ("python", "main.py", "python3"),
        ("shell", "main.sh", "sh"),
        ("javascript", "main.js", "node"),
        ("r", "main.r", "Rscript"),
        ("", "x.js", "node"),
        ("", "x.mjs", "node"),
    ],
)
def test_languages(yard: Yard, language: str, entry_point: str, interpreter: str) -> None:
    manifest = Manifest("n", "", "r", entry_point=None if language else entry_point)
    runtime = yard.add_runtime(language)
    digest = yard.build(yard.file(entry_point), manifest=manifest, runtime=runtime)
    told = yard.told(digest)
    assert (told["interpreter"], told["entry"]) == (interpreter, entry_point)
    assert told["stop_signal"] == ("INT" if language == "r" else "TERM")
