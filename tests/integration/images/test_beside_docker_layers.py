"""What an image's layers come to, beside Docker."""

import tarfile

import pytest

from au2.domain.errors import InvalidImage
from tests.support.images.beside_docker import BesideDocker
from tests.support.images.image_making import GZIP, PLAIN, ZSTD, Layer, odd_image, shell

LISTED = (
    "cd /t; find . | sort | while read -r path; do "
    'if [ -d "$path" ] && [ ! -L "$path" ]; then stat -c \'%A %u %g %n\' "$path"; '
    "else stat -c '%A %u %g %h %s %n' \"$path\"; fi; done; "
    "find . -type f | sort | xargs cat; find . -type l | sort | xargs -n1 readlink"
)
"""Links of folders are not counted: overlayfs counts now those of one layer, now those of all."""

CASES = {
    "a file gone": lambda t: t.add("f/.wh.file"),
    "a folder gone": lambda t: t.add("f/.wh.folder"),
    "what is not there gone": lambda t: t.add("f/.wh.none").add("none/.wh.none"),
    "opaque": lambda t: t.folder("f/folder").add("f/folder/.wh..wh..opq"),
    "opaque, then new": lambda t: t.add("f/folder/.wh..wh..opq").add("f/folder/n", content=b"n\n"),
    "new, then opaque": lambda t: t.add("f/folder/n", content=b"n\n").add("f/folder/.wh..wh..opq"),
    "a folder gone, then a file": lambda t: t.add("f/.wh.folder").add("f/folder", content=b"n\n"),
    "a file gone, then a file": lambda t: t.add("f/.wh.file").add("f/file", content=b"n\n"),
    "gone in a folder named later": lambda t: t.add("f/folder/.wh.a").folder("f/folder", uid=9),
    "a folder as a file": lambda t: t.add("f/folder", content=b"n\n"),
    "a folder as a link": lambda t: t.link("f/folder", "other"),
    "a file as a folder": lambda t: t.folder("f/file").add("f/file/n", content=b"n\n"),
    "a link as a folder": lambda t: t.folder("f/link").add("f/link/n", content=b"n\n"),
    "through what was a link": lambda t: t.add("f/link/n", content=b"n\n"),
    "one name of two": lambda t: t.add("f/twin", content=b"n\n"),
    "two names of what is new": lambda t: t.add("f/n", content=b"n\n").hard_link("f/m", "./f/n"),
    "a folder's owner": lambda t: t.folder("f/folder", mode=0o700, uid=5, gid=70_000),
    "in a folder not named": lambda t: t.add("f/folder/n").add("f/other/deep/n", content=b"n\n"),
    "a pipe": lambda t: t.add("f/pipe", tarfile.FIFOTYPE, mode=0o640, uid=3),
    "modes": lambda t: t.add("f/su", mode=0o6754, uid=70_000).folder("f/sticky", mode=0o7777),
    "owners of links": lambda t: t.link("f/new", "nowhere", uid=9, gid=8),
    "high owners": lambda t: t.add("f/high", uid=2**31 - 1, gid=2**31 - 2),
}


def below() -> Layer:
    """A layer for all the cases to change."""
    layer = Layer()
    for number in range(len(CASES)):
        t = Inside(layer, f"t/{number}")
        t.folder("f").folder("f/folder", mode=0o711).add("f/folder/a", content=b"a\n")
        t.add("f/folder/b", content=b"b\n").folder("f/other", uid=7).add("f/other/x")
        t.add("f/file", content=b"file\n").hard_link("f/twin", "f/file").link("f/link", "folder")
    return layer


class Inside(Layer):
    """Adds to a layer, below one folder of it."""

    def __init__(self, layer: Layer, folder: str) -> None:
        self._layer = layer
        self._folder = folder

    def add(self, name: str, kind: bytes = tarfile.REGTYPE, **values: object) -> "Inside":
        """Add an entry, and below the folder what a hard link names."""
        if kind == tarfile.LNKTYPE:
            values["linkname"] = f"{self._folder}/{values['linkname']}"
        self._layer.add(f"{self._folder}/{name}", kind, **values)
        return self


@pytest.mark.parametrize("packing", [PLAIN, GZIP, ZSTD])
def test_changes(beside: BesideDocker, busybox_layer: bytes, packing: str) -> None:
    above = Layer()
    for number, change in enumerate(CASES.values()):
        change(Inside(above, f"t/{number}"))
    image = odd_image(busybox_layer, below(), above, Cmd=shell(LISTED), packing=packing)
    assert beside.same(image).exit_code == 0


def test_there_and_back(beside: BesideDocker, busybox_layer: bytes) -> None:
    below = Layer().add("t/1/old").add("t/2/old").add("t/3/old").add("t/4", content=b"4\n")
    between = Layer().add("t/.wh.1").add("t/2", content=b"2\n").add("t/3/.wh..wh..opq")
    between.link("t/4", "/etc")
    above = Layer().add("t/1/new").folder("t/2").add("t/2/new").add("t/3/new").folder("t/4")
    image = odd_image(busybox_layer, below, between, above, Cmd=shell(LISTED))
    assert "old" not in beside.same(image).stdout.decode()


def test_the_same_layer_twice(beside: BesideDocker, busybox_layer: bytes) -> None:
    one = Layer().add("t/file", content=b"one\n").add("t/other").data()
    two = Layer().add("t/.wh.file").add("t/other", content=b"two\n").data()
    image = odd_image(busybox_layer, one, two, one, Cmd=shell(LISTED))
    assert "one" in beside.same(image).lines


def test_an_opaque_root(beside: BesideDocker, busybox_layer: bytes) -> None:
    """Overlayfs merges the root folder whatever is said of it, in Docker too."""
    opaque = Layer().add(".wh..wh..opq")
    image = odd_image(Layer().add("t/file"), opaque, busybox_layer, Cmd=shell("ls /t"))
    assert beside.same(image).stdout == b"file\n"


def test_the_root_folder_is_roots(beside: BesideDocker, busybox_layer: bytes) -> None:
    closed = Layer().folder("./", mode=0o700, uid=5)
    image = odd_image(busybox_layer, closed, Cmd=shell("stat -c '%A %u %g' /"), User="1000")
    assert beside.same(image).stdout == b"drwxr-xr-x 0 0\n"


def test_names(beside: BesideDocker, busybox_layer: bytes) -> None:
    layer = Layer(tarfile.GNU_FORMAT).add("t/\udcff\udcfe", content=b"1").add("t/ü\n x")
    layer.link("t/link", "\udcff").add(f"t/{'n' * 255}").add(f"t/{'/'.join(['x' * 200] * 15)}")
    script = "cd /t; find . | sort | od -c; cat '\\377'* 2>&1 | od -c; readlink link | od -c"
    assert beside.same(odd_image(busybox_layer, layer, Cmd=shell(script))).exit_code == 0


@pytest.mark.parametrize("count", [2, 120])
def test_layers(beside: BesideDocker, busybox_layer: bytes, count: int) -> None:
    layers = [
        Layer().add(f"t/{number}").add("t/same", content=b"%d\n" % number)
        for number in range(count - 1)
    ]
    image = odd_image(busybox_layer, *layers, Cmd=shell("ls /t | wc -l; cat /t/same"))
    assert beside.same(image).stdout == b"%d\n%d\n" % (count, count - 2)


# -- by design ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (Layer().add("t/file", content=b"new\n").add("t/.wh.file"), ["new"]),
        (Layer().add("t/folder/new").add("t/.wh.folder"), ["new"]),
    ],
    ids=["file", "folder"],
)
def test_a_whiteout_after_what_is_new(
    beside: BesideDocker, busybox_layer: bytes, layer: Layer, expected: list[str]
) -> None:
    """Docker refuses the layer; a whiteout is of lower layers, whatever comes first."""
    below = Layer().add("t/file", content=b"old\n").add("t/folder/old")
    image = odd_image(busybox_layer, below, layer, Cmd=shell("ls /t/folder; cat /t/file"))
    assert b"file exists" in beside.try_docker(image).stderr
    lines = beside.run_ours(image).lines
    assert set(expected) <= set(lines)


def test_a_folder_gone_and_made_again(beside: BesideDocker, busybox_layer: bytes) -> None:
    """Docker shows what was there before; the specification of layers says it is gone."""
    above = Layer().add("t/.wh.folder").folder("t/folder").add("t/folder/new")
    image = odd_image(busybox_layer, Layer().add("t/folder/old"), above, Cmd=shell("ls /t/folder"))
    assert beside.run_docker(image).lines == ["new", "old"]
    assert beside.run_ours(image).lines == ["new"]


def test_device_nodes_are_left_out(beside: BesideDocker, busybox_layer: bytes) -> None:
    layer = Layer().folder("t").add("t/null", tarfile.CHRTYPE, devmajor=1, devminor=3)
    image = odd_image(busybox_layer, layer, Cmd=shell("ls /t"))
    assert beside.run_docker(image).lines == ["null"]
    assert beside.run_ours(image).lines == []


def test_hard_links_to_lower_layers(beside: BesideDocker, busybox_layer: bytes) -> None:
    """Neither takes them; ours says so in a sentence."""
    image = odd_image(busybox_layer, Layer().hard_link("t", "bin/busybox"), Cmd=shell("true"))
    assert b"no such file" in beside.try_docker(image).stderr
    with pytest.raises(InvalidImage, match="its layer does not have") as caught:
        beside.run_ours(image)
    assert caught.value.hint is not None


def test_owners_beyond_the_id_map(beside: BesideDocker, busybox_layer: bytes) -> None:
    """Docker has no user namespace and so no bound."""
    layer = Layer().add("t", uid=2**32 - 2, gid=2**31)
    image = odd_image(busybox_layer, layer, Cmd=shell("stat -c '%u %g' /t"))
    assert beside.run_docker(image).lines == ["4294967294 2147483648"]
    with pytest.raises(InvalidImage, match="ids up to 2147483647"):
        beside.run_ours(image)
