"""Archives that came through PowerShell: the cause is named, and the way out."""

import gzip
import re
import tempfile
from collections.abc import Callable
from io import BytesIO

import pytest

from au2.domain.errors import InvalidImage
from au2.oci.archive.reader import open_archive, read_archive
from tests.support.images import image_archives as made
from tests.support.images.image_archives import NAME

PROGRAM = bytes(range(256)) * 20 + b"line\nanother\r\nlast\n"
IMAGE = made.make_image(PROGRAM, b"small\n", PROGRAM * 30)
WRITERS: dict[str, Callable[[made.HandMade], bytes]] = {
    "docker 20": lambda image: made.docker_20((image, [NAME])),
    "docker 25": made.docker_25,
    "crane": made.crane,
    "buildx": made.buildx,
    "bundle": made.bundle,
}


def text_of(data: bytes, code_page: str) -> str:
    """Return what PowerShell takes the output of a program for: lines of its own ends."""
    lines = re.split("\r\n|\n|\r", data.decode(code_page, "replace"))
    return "".join(f"{line}\r\n" for line in lines)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "5.1 to a file": lambda data: text_of(data, "cp437").encode("utf-16"),
    "5.1 to a file, UTF-8 console": lambda data: text_of(data, "utf-8").encode("utf-16"),
    "5.1 to a pipe": lambda data: text_of(data, "cp850").encode("ascii", "replace"),
    "5.1 to a pipe with a mark": lambda data: text_of(data, "cp437").encode("utf-8-sig"),
    "7.3 to a pipe": lambda data: text_of(data, "utf-8").encode(),
    "7.3 to a pipe, old console": lambda data: text_of(data, "cp437").encode(),
    "Out-File of big endian": lambda data: b"\xfe\xff" + text_of(data, "cp437").encode("utf-16-be"),
}


def check(data: bytes) -> None:
    """Read from a pipe and from a file: both say the same."""
    with pytest.raises(InvalidImage, match="came through PowerShell") as caught:
        read_archive(BytesIO(data), lambda member: None)
    assert "`docker save -o image.tar NAME`" in str(caught.value.hint)
    assert "`--file image.tar`" in str(caught.value.hint)
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        with pytest.raises(InvalidImage, match="came through PowerShell"):
            open_archive(file)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("writer", WRITERS)
def test_it_is_told(writer: str, damage: str) -> None:
    check(DAMAGES[damage](WRITERS[writer](IMAGE)))


@pytest.mark.parametrize("damage", DAMAGES)
def test_it_is_told_of_a_compressed_one(damage: str) -> None:
    packed = gzip.compress(WRITERS["docker 20"](IMAGE), mtime=0)
    with pytest.raises(InvalidImage, match="came through PowerShell"):
        read_archive(BytesIO(DAMAGES[damage](packed)), lambda member: None)


def test_wherever_the_pieces_end() -> None:
    class Bytewise:
        """A pipe that gives a few bytes at a time."""

        def __init__(self, data: bytes) -> None:
            self._stream = BytesIO(data)

        def read(self, size: int = -1, /) -> bytes:
            return self._stream.read(min(size, 7))

    data = DAMAGES["7.3 to a pipe"](made.docker_20((made.make_image(b"a\nb"), [NAME])))
    with pytest.raises(InvalidImage, match="came through PowerShell"):
        read_archive(Bytewise(data), lambda member: None)


@pytest.mark.parametrize(
    "data",
    [
        made.make_tar({"Dockerfile": b"FROM x\r\n", "main.py": b"print()\r\n"}),
        made.make_tar({"a" * 64 + ".json": b"{}\n"}),
        made.docker_20((IMAGE, [NAME]))[: len(IMAGE.layers[2])],
        b"Error: no such image\r\n",
        b"MZ\r\n" * 500,
    ],
    ids=["Windows text", "Unix text", "cut off", "a message", "a program"],
)
def test_other_damage_is_told_as_before(data: bytes) -> None:
    with pytest.raises(InvalidImage) as caught:
        read_archive(BytesIO(data), lambda member: None)
    assert "PowerShell" not in caught.value.message
