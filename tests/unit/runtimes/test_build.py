"""Builds of runtimes from small root file systems."""

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from au2.domain.errors import RuntimeBuildFailed
from au2.domain.jobs.container_contract import Language
from au2.oci.tar.layer import LayerMember, MemberType, read_layer
from au2.runtimes.build import build_runtime
from au2.runtimes.built_runtime import BuiltRuntime
from au2.runtimes.recipe import DebianSource, Recipe, TarballSource
from au2.stores.content.filesystem import FileContentStore
from au2.stores.content.images import load_image

Members = dict[str, tuple[LayerMember, bytes]]


def add(archive: tarfile.TarFile, path: str, data: bytes = b"", **more: object) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode, entry.mtime = len(data), 0o644, 1_700_000_000
    for name, value in more.items():
        setattr(entry, name, value)
    archive.addfile(entry, io.BytesIO(data))


def make_root() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        add(archive, "./", type=tarfile.DIRTYPE)
        add(archive, "./usr/bin/z", b"z", mode=0o755)
        add(archive, "./usr/bin/hard", type=tarfile.LNKTYPE, linkname="./usr/bin/z")
        add(archive, "./bin", type=tarfile.SYMTYPE, linkname="usr/bin")
        add(archive, "./etc/hostname", b"builder\n", mode=0o755)
        add(archive, "./etc/resolv.conf", b"nameserver 10.0.0.1\n")
        add(archive, "./etc/machine-id", b"0123\n")
        add(archive, "./etc/passwd", b"root:x:0:0:root:/root:/bin/sh", uid=0)
        add(archive, "./etc/group", b"root:x:0:\n")
        add(archive, "./dev/null", type=tarfile.CHRTYPE)
        add(archive, "./dev/fd", type=tarfile.SYMTYPE, linkname="/proc/self/fd")
        add(archive, "./var/log/dpkg.log", b"today")
        add(archive, "./var/log/apt", type=tarfile.DIRTYPE, mode=0o755)
        add(archive, "./tmp", type=tarfile.DIRTYPE, mode=0o1777)
        add(archive, "./tmp/left", b"x")
        add(archive, "./srv/fifo", type=tarfile.FIFOTYPE)
        add(archive, "./home/owned", b"x", uid=33, gid=44)
    return out.getvalue()


class RuntimeBuilder:
    """A blob store, a cache and a tarball."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.blobs = FileContentStore(folder / "blobs")
        self.lines: list[str] = []

    def recipe(self, data: bytes) -> Recipe:
        path = self.folder / "root.tar"
        path.write_bytes(data)
        return Recipe(
            id="5f0c9f0e-3c1b-4d52-8a53-2d0f6c1a7e11",
            name="Small",
            language=Language.SHELL,
            version=1,
            source=TarballSource(path, hashlib.sha256(data).hexdigest()),
            command=("sh",),
            links={"/usr/local/bin/y": "/usr/bin/z"},
            environment={"B": "2", "A": "1"},
        )

    def build(
        self, recipe: Recipe, *, cache: Path | None = None, blobs: FileContentStore | None = None
    ) -> BuiltRuntime:
        return build_runtime(
            recipe,
            blobs or self.blobs,
            cache_dir=cache,
            work_dir=self.folder,
            progress=self.lines.append,
        )

    def members(self, digest: str) -> Members:
        [layer] = load_image(self.blobs, digest).manifest.layers
        with self.blobs.open(layer.digest) as stream:
            return {
                member.path: (member, member.content.read() if member.content else b"")
                for member in read_layer(stream)
            }


@pytest.fixture
def builder(tmp_path: Path) -> RuntimeBuilder:
    return RuntimeBuilder(tmp_path)


def test_the_image(builder: RuntimeBuilder) -> None:
    built = builder.build(builder.recipe(make_root()))
    config = load_image(builder.blobs, built.image_digest).config
    assert config.env == ("A=1", "B=2")
    assert config.cmd == ("sh",)
    assert config.labels["au2.runtime.language"] == "shell"
    assert built.packages == ()
    assert not built.from_cache


def test_the_machine_it_was_made_on_is_gone(builder: RuntimeBuilder) -> None:
    members = builder.members(builder.build(builder.recipe(make_root())).image_digest)
    for path in ("etc/hostname", "etc/resolv.conf", "etc/machine-id"):
        member, data = members[path]
        assert (member.mode, data) == (0o644, b"")
    gone = {"dev/null", "dev/fd", "var/log/dpkg.log", "tmp/left", "srv/fifo"}
    assert not gone & members.keys()
    assert {"tmp", "var/log/apt"} <= members.keys()
    assert {member.modified_at for member, _ in members.values()} == {315_532_800}


@pytest.mark.parametrize("program", ["usr/bin/jq", "usr/local/bin/jq", "usr/bin/z"])
def test_a_shell_without_what_its_library_needs_is_warned_of(
    builder: RuntimeBuilder, program: str
) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        add(archive, program, b"program", mode=0o755)

    builder.build(builder.recipe(out.getvalue()))

    warned = any("no jq" in line for line in builder.lines)
    assert warned == (program == "usr/bin/z")


def test_what_stays(builder: RuntimeBuilder) -> None:
    members = builder.members(builder.build(builder.recipe(make_root())).image_digest)
    assert members["usr/bin/z"][1] == b"z"
    assert members["usr/bin/hard"][0].type is MemberType.HARD_LINK
    assert members["bin"][0].target == "usr/bin"
    assert members["usr/local/bin/y"][0].target == "/usr/bin/z"
    assert (members["home/owned"][0].uid, members["home/owned"][0].gid) == (33, 44)
    assert members["tmp"][0].mode == 0o1777


def test_the_user_of_packaged_versions(builder: RuntimeBuilder) -> None:
    members = builder.members(builder.build(builder.recipe(make_root())).image_digest)
    assert members["etc/passwd"][1] == (
        b"root:x:0:0:root:/root:/bin/sh\nau2:x:1000:1000::/home/au2:/bin/sh\n"
    )
    assert members["etc/group"][1] == b"root:x:0:\nau2:x:1000:\n"
    assert members["home/au2"][0].uid == 1000


def test_a_user_of_that_number_stays(builder: RuntimeBuilder) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        add(archive, "etc/passwd", b"node:x:1000:1000::/home/node:/bin/sh\n")
    members = builder.members(builder.build(builder.recipe(out.getvalue())).image_digest)
    assert members["etc/passwd"][1] == b"node:x:1000:1000::/home/node:/bin/sh\n"


def test_same_root_same_digest(builder: RuntimeBuilder, tmp_path: Path) -> None:
    plain = builder.build(builder.recipe(make_root())).image_digest
    packed = builder.build(builder.recipe(gzip.compress(make_root()))).image_digest
    assert plain == packed
    (tmp_path / "other").mkdir()
    other = RuntimeBuilder(tmp_path / "other")
    assert other.build(other.recipe(make_root())).image_digest == plain


def hostile(path: str, **more: object) -> Callable[[], bytes]:
    def make() -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            add(archive, path, b"", **more)
        return out.getvalue()

    return make


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"",
        lambda: b"no archive" * 100,
        lambda: make_root()[:1500],
        lambda: gzip.compress(make_root())[:-20],
        hostile("../outside"),
        hostile("a", type=tarfile.LNKTYPE, linkname="../../etc/shadow"),
    ],
)
def test_unusable_roots(builder: RuntimeBuilder, make: Callable[[], bytes]) -> None:
    with pytest.raises(RuntimeBuildFailed):
        builder.build(builder.recipe(make()))
    assert list(builder.blobs.list_digests()) == []
    assert {path.name for path in builder.folder.iterdir()} == {"blobs", "root.tar"}


def test_not_the_file_that_was_meant(builder: RuntimeBuilder) -> None:
    recipe = builder.recipe(make_root())
    (builder.folder / "root.tar").write_bytes(make_root().replace(b"builder", b"anybody"))
    with pytest.raises(RuntimeBuildFailed, match="not the file of the recipe"):
        builder.build(recipe)
    (builder.folder / "root.tar").unlink()
    with pytest.raises(RuntimeBuildFailed, match="can't be read"):
        builder.build(recipe)


def test_the_cache_serves_another_store(builder: RuntimeBuilder, tmp_path: Path) -> None:
    recipe, cache = builder.recipe(make_root()), tmp_path / "cache"
    first = builder.build(recipe, cache=cache)
    (tmp_path / "root.tar").unlink()
    other = FileContentStore(tmp_path / "other")
    second = builder.build(recipe, cache=cache, blobs=other)
    assert second.from_cache
    assert second.image_digest == first.image_digest
    [layer] = load_image(other, second.image_digest).manifest.layers
    with other.open(layer.digest) as stream:
        assert len(stream.read()) == layer.size_bytes


@pytest.mark.parametrize("damaged", ["layer-0.tar", "runtime.json"])
@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff"])
def test_a_damaged_cache_is_built_anew(
    builder: RuntimeBuilder, tmp_path: Path, damaged: str, content: bytes
) -> None:
    recipe, cache = builder.recipe(make_root()), tmp_path / "cache"
    first = builder.build(recipe, cache=cache)
    [entry] = cache.iterdir()
    (entry / damaged).write_bytes(content)
    other = FileContentStore(tmp_path / "other")
    again = builder.build(recipe, cache=cache, blobs=other)
    assert (again.image_digest, again.from_cache) == (first.image_digest, False)
    mended = FileContentStore(tmp_path / "third")
    assert builder.build(recipe, cache=cache, blobs=mended).from_cache
    assert [path.name for path in cache.iterdir()] == [entry.name]


DEBIAN = DebianSource("bookworm", ("python3",))


def failing(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> RuntimeBuildFailed:
    """Build with a stand-in for mmdebstrap."""
    tools = folder / "tools"
    tools.mkdir()
    if script:
        (tools / "mmdebstrap").write_text(f"#!/bin/sh\n{script}\n")
        (tools / "mmdebstrap").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    builder = RuntimeBuilder(folder)
    recipe = Recipe("x", "N", Language.PYTHON, 1, DEBIAN)
    with pytest.raises(RuntimeBuildFailed) as caught:
        builder.build(recipe)
    assert not list(folder.glob("au2-runtime-*"))
    return caught.value


def test_mmdebstrap_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    error = failing(tmp_path, monkeypatch, "")
    assert "apt-get install mmdebstrap" in str(error.hint)


def test_mmdebstrap_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "echo 'E: Failed to fetch http://mirror/x  Could not resolve' >&2; exit 25"
    error = failing(tmp_path, monkeypatch, script)
    assert "exit code 25" in error.message
    assert "Could not resolve" in error.message
    assert "mirror" in str(error.hint) or os.geteuid() != 0
