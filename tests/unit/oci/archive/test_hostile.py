"""Archives that are none, are damaged, or were made to do harm."""

import gzip
import json
import tarfile
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import InvalidImage
from au2.oci.archive.contents import ArchiveLimits, BlobMember
from au2.oci.archive.documents import ArchiveDocuments
from au2.oci.archive.reader import open_archive, read_archive
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.document import MAX_DOCUMENT_BYTES
from au2.oci.spec.manifest import MAX_LAYERS
from au2.oci.tar.header import BLOCK_BYTES, Header, format_header
from tests.support.images import image_archives as made
from tests.support.images.image_archives import HandMade, on, to_json

pytestmark = pytest.mark.slow

IMAGE = made.make_image(b"one", b"two")
Result = TypeVar("Result")
ARCHIVE = made.docker_20((IMAGE, ["one:1"]))


def attempt(reading: Callable[[], Result]) -> Result | tuple[str, str | None]:
    """Return what came out of it, or what the error says."""
    try:
        return reading()
    except InvalidImage as error:
        return error.message, error.hint


def read(data: bytes, limits: ArchiveLimits | None = None) -> ArchiveDocuments:
    """Read as a stream, and as a file, whose error must be the same."""
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        of_file = attempt(lambda: open_archive(file, limits))
    of_stream = attempt(lambda: read_archive(BytesIO(data), lambda member: None, limits))
    if isinstance(of_stream, tuple):
        assert of_file in (of_stream, None)
        assert of_stream[1], "there is no hint"
        raise InvalidImage(of_stream[0], hint=of_stream[1])
    assert not isinstance(of_file, tuple)
    return of_stream


def choose(files: made.Files, links: dict[str, str] | None = None) -> None:
    try:
        read(made.make_tar(files, links)).choose(None, on("amd64"))
    except InvalidImage as error:
        # Whatever is wrong, it is said what to do.
        raise error if error.hint else AssertionError("there is no hint") from error


def listed(*layers: str, config: str = "c.json") -> bytes:
    return to_json([{"Config": config, "RepoTags": ["one:1"], "Layers": list(layers)}])


def bare(*names: str) -> bytes:
    return made.make_tar(dict.fromkeys(names, b"x"))


@pytest.mark.parametrize(
    ("data", "message", "hint"),
    [
        (b"", "nothing came in", "Did `docker save` fail"),
        (
            b"Error: no such image\n",
            "not an image archive but text",
            "Pipe `docker save NAME`",
        ),
        (b"TOKEN=secret" * 500, "not an image archive but text", "Pipe `docker save NAME`"),
        (gzip.compress(b"\x7fELF" * 500, mtime=0), "an ELF program", "Pipe `docker save NAME`"),
        (b"PK\x03\x04" * 500, "a zip archive", "Pipe `docker save NAME`"),
        (gzip.compress(b"", mtime=0), "nothing came in", "Did `docker save` fail"),
        (b"\xfd7zXZ\x00" + bytes(2000), "compressed with xz is not supported", "docker save"),
        (bytes(10240), "not an image archive but an empty archive", "docker save"),
        (bare("a", "b"), "neither manifest.json nor index.json, but 'a', 'b'", "docker save"),
        (bare("Dockerfile", "main.py"), "a folder to build an image from", "docker build"),
        (bare("bin/sh", "etc/passwd", "usr/x", "var/x"), "a root file system", "docker save"),
        (bare(".dockerenv", "bin/sh"), "a root file system", "docker commit"),
        (bare("etc/passwd"), "a root file system", "docker save"),
    ],
)
def test_what_is_no_image_archive_is_told(data: bytes, message: str, hint: str) -> None:
    with pytest.raises(InvalidImage) as caught:
        read(data)
    assert message in caught.value.message
    assert hint in str(caught.value.hint)


def test_a_root_file_system_is_refused_before_its_end() -> None:
    class Endless:
        """A root file system whose last file has no end."""

        read_bytes = 0

        def __init__(self) -> None:
            folders = made.make_tar(dict.fromkeys(["bin/a", "dev/b", "etc/c", "lib/d"], b""))
            self._start = BytesIO(folders[: 4 * BLOCK_BYTES])

        def read(self, size: int = -1, /) -> bytes:
            data = self._start.read(size) or bytes(size)
            self.read_bytes += len(data)
            return data

    stream = Endless()
    with pytest.raises(InvalidImage, match="root file system"):
        read_archive(stream, lambda member: None)
    assert stream.read_bytes < 1 << 20


@given(st.integers(1, len(ARCHIVE) - 2 * BLOCK_BYTES - 9000))
def test_cut_off_anywhere(length: int) -> None:
    with pytest.raises(InvalidImage) as caught:
        read(ARCHIVE[:length])
    # Within the first block, it does not even look like an archive.
    assert ("cut off" in caught.value.message) == (length >= BLOCK_BYTES)


def test_cut_off_outside() -> None:
    packed = gzip.compress(ARCHIVE)
    with pytest.raises(InvalidImage, match="cut off"):
        read(packed[:-20])


@given(st.binary(max_size=4000))
def test_noise_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidImage):
        read(data)


@given(st.integers(0, len(ARCHIVE) - 1), st.integers(1, 255))
def test_a_changed_byte_does_no_other_harm(position: int, change: int) -> None:
    damaged = bytearray(ARCHIVE)
    damaged[position] ^= change
    found = attempt(lambda: read(bytes(damaged)).choose(None, on("amd64")))
    assert found[0]


def headers(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield format_header(Header(b"%d" % number, 0o644, 0, 0, 0, 0, b"0", b""))


def test_a_million_entries() -> None:
    class Entries:
        """As many headers as are asked for, never all in memory."""

        read_bytes = 0
        _headers = headers(1_000_000)

        def read(self, size: int = -1, /) -> bytes:
            data = b"".join(islice(self._headers, max(1, size // BLOCK_BYTES)))
            self.read_bytes += len(data)
            return data

    stream = Entries()
    with pytest.raises(InvalidImage, match="the archive has more than 50000 entries"):
        read_archive(stream, lambda member: None)
    assert stream.read_bytes < 52_000 * BLOCK_BYTES


def test_names_have_a_limit_too() -> None:
    files = dict.fromkeys((f"{'n' * 200}/{number}" for number in range(200)), b"")
    limits = ArchiveLimits(kept_bytes=100_000)
    with pytest.raises(InvalidImage, match="more documents and names than an image has"):
        read(made.make_tar(files), limits)


def test_documents_have_a_limit_together() -> None:
    files = {f"{number}.json": b"{" + b" " * 50_000 for number in range(10)}
    with pytest.raises(InvalidImage, match="more documents and names than an image has"):
        read(made.make_tar(files), ArchiveLimits(kept_bytes=300_000))


def test_a_list_of_a_hundred_megabytes() -> None:
    huge = b"[" + b" " * (100 << 20)
    stream = BytesIO(made.make_tar({"manifest.json": huge}))
    tracemalloc.start()
    try:
        with pytest.raises(InvalidImage, match=f"larger than {MAX_DOCUMENT_BYTES} bytes"):
            read_archive(stream, lambda member: None)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"[" * 200_000, "nested too deeply"),
        (b'[{"Config": ' * 100_000, "nested too deeply"),
        (to_json([{}] * 100_000), "100000 images"),
        (to_json({}), "not a JSON list"),
        (b"[1]", "not a JSON object"),
        (b"[", "not valid JSON"),
        (b"[" + b"9" * 10_000 + b"]", "not valid JSON"),
        (b'[{"Config": "a", "Config": "b"}]', "a key is there twice"),
        (b'[{"Config": 1}]', "Config"),
        (b'[{"Layers": []}]', "has no Config"),
        (b'[{"Config": "c.json", "Layers": [1]}]', "not a text"),
        (listed(*["a"] * (MAX_LAYERS + 1)), f"the limit is {MAX_LAYERS}"),
        (b"\xff[]", "not JSON"),
        (b"", "not JSON"),
        (b"[]", "no image in it"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_lists_that_are_none(document: bytes, message: str) -> None:
    with pytest.raises(InvalidImage, match=message):
        choose({"c.json": IMAGE.config, "manifest.json": document})


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("../a.tar", "climbs out"),
        ("x/../../a.tar", "climbs out"),
        ("missing.tar", "the layer 'missing.tar' is not in the archive"),
        ("folder", "not in the archive"),
        ("circle-1", "lead in a circle"),
        ("itself", "lead in a circle"),
        ("leaves", "climbs out"),
        ("dangles", "not in the archive"),
        ("c.json", "neither a tar archive nor compressed"),
        ("note.txt", "neither a tar archive nor compressed"),
        ("nothing", "neither a tar archive nor compressed"),
        ("a.tar.xz", "compressed with xz: not supported"),
        ("", "not in the archive"),
        ("a\0b", "character that no system takes"),
    ],
)
def test_layers_that_are_none(layer: str, message: str) -> None:
    image = HandMade(IMAGE.layers[:1])
    files = {
        "a.tar": image.layers[0],
        "a.tar.xz": b"\xfd7zXZ\x00" + bytes(1000),
        "c.json": image.config,
        "folder/file": b"",
        "note.txt": b"hello" * 200,
        "nothing": b"",
        "manifest.json": listed(layer),
    }
    links = {
        "circle-1": "circle-2",
        "circle-2": "./circle-1",
        "itself": "itself",
        "leaves": "../../../etc/passwd",
        "dangles": "/etc/passwd",
    }
    with pytest.raises(InvalidImage, match=message):
        choose(files, links)


def test_links_are_followed_inside() -> None:
    image = HandMade(IMAGE.layers[:1])
    files = {
        "deep/a.tar": image.layers[0],
        "c.json": image.config,
        "manifest.json": listed("x/y/l"),
    }
    links = {"x/y/l": "../k", "x/k": "/deep/./a.tar"}
    found = read(made.make_tar(files, links)).choose(None, on("amd64"))
    assert [layer.path for layer in found.layers] == ["deep/a.tar"]


def test_hard_links_start_at_the_root() -> None:
    """As GNU tar writes a folder in which equal layers are one file."""
    image = HandMade((IMAGE.layers[0], IMAGE.layers[0]))
    listing = listed("x/a.tar", "x/b.tar")
    files = {"x/a.tar": image.layers[0], "c.json": image.config, "manifest.json": listing}
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, BytesIO(data))
        entry = tarfile.TarInfo("x/b.tar")
        entry.type, entry.linkname = tarfile.LNKTYPE, "x/a.tar"
        archive.addfile(entry)
    found = read(out.getvalue()).choose(None, on("amd64"))
    assert [layer.path for layer in found.layers] == ["x/a.tar", "x/a.tar"]


@pytest.mark.parametrize("config", ["../c.json", "none.json", "a.tar"])
def test_configurations_that_are_none(config: str) -> None:
    files = {"a.tar": IMAGE.layers[0], "manifest.json": listed("a.tar", config=config)}
    with pytest.raises(InvalidImage, match=r"climbs out|not in the archive|is not JSON"):
        choose(files)


def test_the_number_of_layers_must_agree() -> None:
    files = {"a.tar": IMAGE.layers[0], "c.json": IMAGE.config, "manifest.json": listed("a.tar")}
    with pytest.raises(
        InvalidImage, match="names 1 layers but the configuration has digests for 2"
    ):
        choose(files)


LISTING = listed("0.tar", "1.tar")
ONE, TWO = IMAGE.layers


@pytest.mark.parametrize(
    "members",
    [
        [("0.tar", ONE), ("1.tar", TWO), ("0.tar", ONE)],
        [("0.tar", TWO), ("1.tar", TWO), ("./x/../0.tar", ONE)],
        [("0.tar", ONE), ("1.tar", TWO), ("c.json", IMAGE.config), ("manifest.json", LISTING)],
        [("0.tar", ONE), ("1.tar", "0.tar"), ("1.tar", TWO)],
        [("x.tar", TWO), ("0.tar", ONE), ("1.tar", ONE), ("1.tar", "x.tar")],
        [("0.tar", b"no layer"), ("0.tar", ONE), ("1.tar", TWO)],
    ],
    ids=["equal", "another", "documents", "link first", "link last", "no layer first"],
)
def test_of_several_members_of_one_name_the_last_counts(members: made.Members) -> None:
    archive = made.make_members([("c.json", IMAGE.config), *members, ("manifest.json", LISTING)])
    seen: dict[str, bytes] = {}

    def take(member: BlobMember) -> None:
        seen[member.path] = member.content.read()

    image = read_archive(BytesIO(archive), take).choose(None, on("amd64"))
    assert tuple(seen[layer.path] for layer in image.layers) == IMAGE.layers


@pytest.mark.parametrize("other", [b"[]", b"no document", "c.json"])
def test_two_different_documents_of_one_name(other: bytes | str) -> None:
    members = [("manifest.json", LISTING), ("./x/../manifest.json", other)]
    with pytest.raises(
        InvalidImage, match=r"'manifest\.json' is in the archive twice, with different contents"
    ):
        read(made.make_members(members))


def test_a_blob_may_be_there_twice_and_counts_once() -> None:
    files = made.layout_files([IMAGE], states_platform=True)
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in [*files.items(), *list(files.items())[1:-1]]:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, BytesIO(data))
    seen: list[str] = []
    documents = read_archive(BytesIO(out.getvalue()), lambda member: seen.append(member.path))
    assert seen == [layer.path for layer in documents.choose(None, on("amd64")).layers]


def test_two_copies_of_a_blob_that_differ() -> None:
    path = made.blob(IMAGE.diff_ids[0])
    files = made.layout_files([IMAGE], states_platform=True)
    with pytest.raises(InvalidImage, match="is in the archive twice, with different contents"):
        read(made.make_members([*files.items(), (path, files[path] + bytes(512))]))


@pytest.mark.parametrize("what", ["manifest", "configuration", "nested index"])
def test_blobs_that_are_not_what_their_path_states(what: str) -> None:
    files = made.layout_files([IMAGE], states_platform=True)
    (manifest,) = json.loads(files["index.json"])["manifests"]
    if what == "nested index":
        manifest = {**manifest, "mediaType": made.INDEX}
        files["index.json"] = to_json({"schemaVersion": 2, "manifests": [manifest]})
    path = made.blob(IMAGE.id if what == "configuration" else manifest["digest"])
    files[path] += b" "
    with pytest.raises(InvalidImage, match="does not have its digest"):
        choose(files)


def test_a_layer_of_another_size_than_the_manifest_says() -> None:
    files = made.layout_files([IMAGE], states_platform=True)
    files[made.blob(IMAGE.diff_ids[1])] += bytes(10240)
    with pytest.raises(InvalidImage, match=r"has 20480 bytes, but the manifest says 10240"):
        choose(files)


def test_indexes_within_indexes() -> None:
    files = made.layout_files([IMAGE], states_platform=True)
    (entry,) = json.loads(files["index.json"])["manifests"]
    for level in range(5):
        index = to_json({"schemaVersion": 2, "manifests": [entry]})
        entry = made.describe(made.INDEX, index)
        files |= {made.blob(entry["digest"]): index}
        files |= {"index.json": to_json({"schemaVersion": 2, "manifests": [entry]})}
        if level < 3:
            choose(files)
    with pytest.raises(InvalidImage, match="too many levels deep"):
        choose(files)


def test_many_indexes_that_name_the_same_ones_take_no_time() -> None:
    files: made.Files = {}
    entries = [made.describe(made.MANIFEST, b"left out")]
    for _ in range(3):
        indexes = [
            to_json({"schemaVersion": 2, "manifests": entries, "annotations": {"n": str(number)}})
            for number in range(100)
        ]
        entries = [made.describe(made.INDEX, index) for index in indexes]
        files |= {made.blob(sha256_of(index)): index for index in indexes}
    files["index.json"] = to_json({"schemaVersion": 2, "manifests": entries})
    begin = time.monotonic()
    with pytest.raises(InvalidImage, match="no image in it"):
        choose(files)
    assert time.monotonic() - begin < 20


def entry_of_size(size: int) -> bytes:
    """A header whose size is written as GNU tar writes large ones."""
    plain = bytearray(format_header(Header(b"a.tar", 0o644, 0, 0, 0, 0, b"0", b"")))
    plain[124:136] = b"\x80" + size.to_bytes(11, "big")
    plain[148:156] = b" " * 8
    plain[148:156] = b"%06o\0 " % sum(plain)
    return bytes(plain)


@pytest.mark.parametrize("size", [(8 << 60) - 1, 1 << 62, 2 << 40])
def test_a_member_that_says_it_is_endless(size: int) -> None:
    with pytest.raises(InvalidImage, match=f"'a.tar' says it has {size} bytes"):
        read(entry_of_size(size) + IMAGE.layers[0])


def test_sparse_files_are_refused() -> None:
    header = Header(b"a.tar", 0o644, 0, 0, 0, 0, b"S", b"")
    with pytest.raises(InvalidImage, match="sparse"):
        read(format_header(header) + bytes(1024))


def test_more_bytes_than_are_taken() -> None:
    limits = ArchiveLimits(stream_bytes=len(ARCHIVE) - 20_000)
    with pytest.raises(InvalidImage, match=r"larger than \d+ bytes when unpacked|says it has"):
        read(ARCHIVE, limits)


def test_what_take_raises_goes_through() -> None:
    def take(member: BlobMember) -> None:
        raise ConnectionError("no")

    with pytest.raises(ConnectionError):
        read_archive(BytesIO(ARCHIVE), take)


def test_a_file_that_becomes_shorter(tmp_path: Path) -> None:
    path = tmp_path / "archive.tar"
    path.write_bytes(ARCHIVE)
    with path.open("r+b") as file:
        opened = open_archive(file)
        assert opened is not None
        content = opened.open(opened.documents.choose(None, on("amd64")).layers[0].path)
        file.truncate(BLOCK_BYTES)
        with pytest.raises(InvalidImage, match="became shorter"):
            content.read()
