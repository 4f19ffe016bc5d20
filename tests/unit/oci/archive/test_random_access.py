"""Archives that are plain files: headers are read, contents passed over and read later."""

import os
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from au2.oci.archive.reader import ByteRange, open_archive, read_archive
from tests.support.images import image_archives as made
from tests.support.images.image_archives import on

IMAGE = made.make_image(*(bytes([number]) * 100_000 * number for number in range(8)))
ARCHIVE = made.docker_20((IMAGE, ["one:1"]))


def test_it_begins_where_the_file_stands(tmp_path: Path) -> None:
    """As standard input may, when something before us read a part of it."""
    path = tmp_path / "archive.tar"
    path.write_bytes(b"read by somebody else" + ARCHIVE)
    with path.open("rb") as file:
        file.seek(21)
        opened = open_archive(file)
        assert opened is not None
        layers = opened.documents.choose(None, on("amd64")).layers
        for layer, data in zip(layers, IMAGE.layers, strict=True):
            offset, size = opened.byte_range(layer.path)
            assert path.read_bytes()[offset : offset + size] == data


def test_contents_are_read_in_threads_at_once(tmp_path: Path) -> None:
    path = tmp_path / "archive.tar"
    path.write_bytes(ARCHIVE)
    with path.open("rb") as file, ThreadPoolExecutor(8) as pool:
        opened = open_archive(file)
        assert opened is not None
        layers = opened.documents.choose(None, on("amd64")).layers
        contents = [opened.open(layer.path) for layer in layers]
        read = list(
            pool.map(lambda content: b"".join(iter(lambda: content.read(999), b"")), contents)
        )
    assert read == list(IMAGE.layers)


def test_only_headers_are_read(tmp_path: Path) -> None:
    """A file of 64 GiB, all but its headers a hole, takes no longer than a small one."""
    path = tmp_path / "archive.tar"
    image = made.make_image(b"x")
    files = {
        "c.json": image.config,
        "manifest.json": made.to_json([{"Config": "c.json", "Layers": ["a.tar"]}]),
    }
    size = 64 << 30
    with path.open("w+b") as file:
        header = bytearray(made.make_tar({"a.tar": b""})[:512])
        header[124:136] = b"\x80" + size.to_bytes(11, "big")
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        file.write(bytes(header))
        file.seek(512 + size)
        file.write(made.make_tar(files))
        file.seek(0)
        opened = open_archive(file)
        assert opened is not None
        (layer,) = opened.documents.choose(None, on("amd64")).layers
        assert opened.byte_range(layer.path) == ByteRange(512, size)


def test_pipes_are_for_the_other_reader() -> None:
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as reader, os.fdopen(write_end, "wb") as writer:
        assert open_archive(reader) is None
        writer.write(ARCHIVE[:40_000])
        writer.flush()
        assert reader.read(10) == ARCHIVE[:10]


@given(
    st.lists(st.integers(0, 4_000), min_size=1, max_size=6),
    st.integers(200, 70_000),
)
def test_both_readers_find_the_same(sizes: list[int], piece: int) -> None:
    image = made.make_image(*(bytes([number]) * size for number, size in enumerate(sizes)))
    data = made.docker_25(image)
    seen: dict[str, bytes] = {}

    class Trickle(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(piece, size) if size and size > 0 else size)

    documents = read_archive(
        Trickle(data), lambda member: seen.update({member.path: member.content.read()})
    )
    with open(os.memfd_create("archive"), "w+b") as file:  # noqa: PTH123 - it has no path
        file.write(data)
        file.seek(0)
        opened = open_archive(file)
        assert opened is not None
        found = opened.documents.choose(None, on("amd64"))
        assert found == documents.choose(None, on("amd64"))
        for layer, plain in zip(found.layers, image.layers, strict=True):
            assert opened.open(layer.path).read() == seen[layer.path] == plain
