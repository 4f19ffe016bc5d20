import contextlib
import io
import tarfile
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import DigestMismatch, InvalidImage
from au2.oci.spec.digest import VerifyingReader, sha256_of
from au2.oci.tar import header as tar_header
from au2.oci.tar.header import END_OF_ARCHIVE, Header, format_header, format_records, padding
from au2.oci.tar.layer import LayerLimits, LayerMember, MemberType, read_layer

PLAIN = Header(b"a", 0o644, 0, 0, 0, 0, tar_header.REGULAR, b"")


def block(
    name: bytes = b"a", data: bytes = b"", kind: bytes = b"0", link: bytes = b"", size: int = -1
) -> bytes:
    """An entry as a hostile hand writes it, unchecked."""
    size = len(data) if size < 0 else size
    header = replace(PLAIN, name=name, type=kind, link_name=link, size_bytes=size)
    return format_header(header) + data + bytes(padding(len(data)))


def pax_block(records: dict[str, bytes]) -> bytes:
    return block(b"x", format_records(records), tar_header.PAX)


def read(archive: bytes, limits: LayerLimits | None = None) -> list[LayerMember]:
    return list(read_layer(BytesIO(archive + END_OF_ARCHIVE), limits))


def refused(archive: bytes, message: str, limits: LayerLimits | None = None) -> None:
    with pytest.raises(InvalidImage, match=message):
        read(archive, limits)


def with_size_field(field: bytes) -> bytes:
    """An entry whose size is what no writer of ours would write; the checksum is right."""
    data = bytearray(block())
    data[124:136] = field
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    return bytes(data)


# What is taken


@pytest.mark.parametrize("name", [b"a/b", b"/a/b", b"./a/b", b"//a//b", b"a/./b", b"c/../a/b"])
def test_names_are_normalised(name: bytes) -> None:
    (member,) = read(block(name))
    assert member.path == "a/b"


@pytest.mark.parametrize("name", [b"./", b".", b"/"])
def test_the_root_folder_itself(name: bytes) -> None:
    (member,) = read(block(name, kind=tar_header.DIRECTORY))
    assert (member.path, member.type) == ("", MemberType.DIRECTORY)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (b"0", MemberType.FILE),
        (b"\0", MemberType.FILE),
        (b"7", MemberType.FILE),
        (b"1", MemberType.HARD_LINK),
        (b"2", MemberType.LINK),
        (b"3", MemberType.DEVICE),
        (b"4", MemberType.DEVICE),
        (b"5", MemberType.DIRECTORY),
        (b"6", MemberType.FIFO),
    ],
)
def test_types(kind: bytes, expected: MemberType) -> None:
    (member,) = read(block(b"a", kind=kind, link=b"/t"))
    assert member.type is expected
    assert member.target == {"link": "/t", "hard-link": "t"}.get(expected.value, "")


def test_a_name_that_ends_in_a_slash_is_a_folder() -> None:
    assert [member.type for member in read(block(b"a/", kind=b"\0"))] == [MemberType.DIRECTORY]


@pytest.mark.parametrize("kind", [b"1", b"2", b"3", b"4", b"5", b"6"])
def test_the_size_of_what_has_no_content_means_nothing(kind: bytes) -> None:
    members = read(block(b"a", kind=kind, link=b"t", size=5_000_000) + block(b"b"))
    assert [member.path for member in members] == ["a", "b"]
    assert members[0].size_bytes == 0


def test_a_symbolic_link_may_point_anywhere() -> None:
    (member,) = read(block(b"a", kind=b"2", link=b"../../../../etc/passwd"))
    assert member.target == "../../../../etc/passwd"


def test_names_that_are_not_utf8_come_back_as_the_same_bytes() -> None:
    (member,) = read(block(b"caf\xe9"))
    assert member.path.encode("utf-8", "surrogateescape") == b"caf\xe9"


@pytest.mark.parametrize(
    ("name", "path", "kind"),
    [
        (b".wh.gone", "gone", MemberType.WHITEOUT),
        (b"d/.wh.gone", "d/gone", MemberType.WHITEOUT),
        (b"d/.wh..wh..opq", "d", MemberType.OPAQUE),
        (b".wh..wh..opq", "", MemberType.OPAQUE),
        (b"d/.wh..hidden", "d/.hidden", MemberType.WHITEOUT),
    ],
)
def test_whiteouts(name: bytes, path: str, kind: MemberType) -> None:
    assert read(block(name)) == [LayerMember(path, kind)]


def test_the_bookkeeping_of_aufs_is_passed_over() -> None:
    archive = block(b".wh..wh.plnk/1.2", b"data") + block(b".wh..wh.aufs") + block(b"a")
    assert [member.path for member in read(archive)] == ["a"]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_what_python_writes_in_each_format(form: int) -> None:
    names = ["short", "d/" * 40 + "ustar-prefix", "ü"]
    if form != tarfile.USTAR_FORMAT:
        names += ["x" * 200, "y/" * 300 + "z"]
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size, info.uid, info.mtime = 700, 1000, 12
            archive.addfile(info, BytesIO(b"x" * 700))
            link = tarfile.TarInfo(name + "-link")
            link.type, link.linkname = tarfile.LNKTYPE, name
            archive.addfile(link)
    members = list(read_layer(BytesIO(out.getvalue())))
    assert [member.path for member in members[::2]] == names
    assert [member.target for member in members[1::2]] == names
    assert {(m.size_bytes, m.uid, m.modified_at) for m in members[::2]} == {(700, 1000, 12)}


def test_pax_records_count_over_the_header() -> None:
    records = {
        "path": "p/ä".encode(),
        "uid": b"70000",
        "gid": b"70001",
        "mtime": b"12.75",
        "SCHILY.xattr.security.capability": b"\x01\0\n=",
        "comment": b"x",
    }
    (member,) = read(pax_block(records) + block(b"other"))
    assert (member.path, member.uid, member.gid, member.modified_at) == ("p/ä", 70000, 70001, 12)
    assert member.xattrs == {"security.capability": b"\x01\0\n="}


def test_extension_headers_count_for_one_entry_only() -> None:
    archive = pax_block({"path": b"p", "uid": b"5"}) + block() + block(b"second")
    assert [(member.path, member.uid) for member in read(archive)] == [("p", 5), ("second", 0)]


def test_a_global_header_is_passed_over() -> None:
    archive = block(b"g", format_records({"path": b"../../evil"}), tar_header.PAX_GLOBAL) + block()
    assert [member.path for member in read(archive)] == ["a"]


def test_base_256_numbers() -> None:
    (member,) = read(with_size_field(b"\x80" + bytes(11)))
    assert member.size_bytes == 0


def test_times_are_kept_within_reason() -> None:
    times = [b"-5", b"99999999999999999", b"7"]
    archive = b"".join(pax_block({"mtime": value}) + block() for value in times)
    assert [member.modified_at for member in read(archive)] == [0, 1 << 33, 7]


# Reading


def test_contents_can_be_read_in_pieces_partly_or_not_at_all() -> None:
    contents = [
        bytes([number]) * size for number, size in enumerate((0, 1, 511, 512, 513, 700_000))
    ]
    archive = b"".join(block(b"%d" % n, data) for n, data in enumerate(contents)) + END_OF_ARCHIVE
    for take in (-1, 0, 1, 100, 10_000_000):
        for member, data in zip(read_layer(Trickle(archive)), contents, strict=True):
            assert member.content is not None
            found = member.content.read(take)
            assert data.startswith(found)
            assert take >= 0 or found == data


def test_a_content_is_empty_once_the_next_entry_is_there() -> None:
    members = read_layer(BytesIO(block(b"a", b"one") + block(b"b", b"two") + END_OF_ARCHIVE))
    first = next(members)
    next(members)
    assert first.content is not None
    assert first.content.read() == b""


class Trickle:
    """A stream that gives little at a time, as sockets do."""

    def __init__(self, data: bytes) -> None:
        self._stream = BytesIO(data)

    def read(self, size: int = -1, /) -> bytes:
        return self._stream.read(min(size, 3001))


def test_reading_goes_to_the_end_so_that_the_digest_is_checked() -> None:
    archive = block(b"a", b"data") + END_OF_ARCHIVE + bytes(300_000)
    list(read_layer(VerifyingReader(BytesIO(archive), sha256_of(archive))))
    with pytest.raises(DigestMismatch):
        list(read_layer(VerifyingReader(BytesIO(archive + b"x"), sha256_of(archive))))


# What is refused


@pytest.mark.parametrize(
    "name", [b"../a", b"a/../../b", b"/../etc/passwd", b"..", b"a/b/../../..", b"./../x"]
)
def test_names_that_climb_out(name: bytes) -> None:
    refused(block(name), "climbs out")
    refused(pax_block({"path": name}) + block(), "climbs out")
    refused(block(b"L", name + b"\0", tar_header.GNU_LONG_NAME) + block(), "climbs out")
    refused(block(b"l", kind=b"1", link=name), "climbs out")
    refused(pax_block({"linkpath": name}) + block(b"l", kind=b"1", link=b"t"), "climbs out")


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (pax_block({"path": b"a\0b"}) + block(), "NUL"),
        (pax_block({"linkpath": b"a\0b"}) + block(kind=b"1"), "NUL"),
        (pax_block({"linkpath": b"a\0b"}) + block(kind=b"2"), "symbolic link to"),
        (block(b""), "root of the layer is not a folder"),
        (block(b".", kind=b"2", link=b"/etc"), "root of the layer is not a folder"),
        (block(b"l", kind=b"1", link=b""), "hard link to"),
        (block(b"l", kind=b"1", link=b"./l"), "hard link to"),
        (block(b"l", kind=b"1", link=b".wh.x"), "hard link to"),
        (block(b"l", kind=b"2", link=b""), "symbolic link to"),
        (pax_block({"path": b"n" * 256}) + block(), "longer than 255"),
        (pax_block({"path": b"n/" * 2100}) + block(), "longer than 4095"),
        (pax_block({"linkpath": b"n" * 4096}) + block(kind=b"2"), "symbolic link to"),
        (block(b".wh."), "invalid whiteout"),
        (block(b".wh.."), "invalid whiteout"),
        (block(b"d/.wh..."), "invalid whiteout"),
        (block(b".wh.d/file"), "invalid whiteout"),
        (block(kind=b"V"), "unsupported type"),
        (block(kind=b"M"), "unsupported type"),
        (block(kind=b"S"), "sparse"),
        (pax_block({"GNU.sparse.major": b"1"}) + block(), "sparse"),
        (pax_block({"uid": b"4294967295"}) + block(), "out of range"),
        (pax_block({"gid": b"-1"}) + block(), "out of range"),
        (pax_block({"uid": b"1e3"}) + block(), "no number"),
        (pax_block({"size": b"-5"}) + block(), "-5 bytes"),
        (pax_block({"size": b"9" * 18}) + block(b"a"), "cut off"),
        (pax_block({"size": b"9" * 30}) + block(b"a"), "no number"),
        (pax_block({"SCHILY.xattr.": b"x"}) + block(), "extended attribute"),
        (pax_block({"SCHILY.xattr." + "n" * 256: b"x"}) + block(), "extended attribute"),
        (pax_block({"SCHILY.xattr.user.x": bytes(70_000)}) + block(), "extended attribute"),
        (with_size_field(b"\xff" * 12), "-1 bytes"),
        (with_size_field(b"\x80" + b"\xff" * 11), "bytes"),
        (with_size_field(b"0x10       \0"), "not a number"),
        (with_size_field(b"0_1        \0"), "not a number"),
        (with_size_field(b"-1         \0"), "not a number"),
        (block(b"x", b"garbage", tar_header.PAX) + block(), "not made of records"),
        (block(b"x", b"99 a=b\n", tar_header.PAX) + block(), "not made of records"),
        (block(b"x", b"3 \n", tar_header.PAX) + block(), "no key"),
        (block(b"x", b"0 a=b\n", tar_header.PAX) + block(), "not made of records"),
        (pax_block({"path": b"p"}), "after an extension header"),
        (block(b"a")[:300] + b"!" + block(b"a")[301:], "checksum"),
        (block(b"a", b"1") + bytes(512) + block(b"b"), "an empty block between"),
    ],
)
def test_hostile_archives(archive: bytes, message: str) -> None:
    refused(archive, message)


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
def test_an_extension_header_can_not_fill_the_memory(kind: bytes) -> None:
    class Endless:
        """Claims 4 GiB of extension header and would go on to deliver it."""

        begun = False

        def read(self, size: int = -1, /) -> bytes:
            if self.begun:
                return b"1" * size
            self.begun = True
            return block(b"x", kind=kind, size=4 << 30)

    tracemalloc.start()
    try:
        with pytest.raises(InvalidImage, match="extension header"):
            list(read_layer(Endless()))
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()


def test_a_long_chain_of_extension_headers_is_no_deep_recursion() -> None:
    archive = pax_block({"path": b"p"}) * 20_000
    assert [member.path for member in read(archive + block())] == ["p"]
    refused(archive, "more than 5000 entries", LayerLimits(entries=5000))


def test_too_many_entries() -> None:
    archive = block() * 11
    assert len(read(archive, LayerLimits(entries=11))) == 11
    refused(archive, "more than 10 entries", LayerLimits(entries=10))


@pytest.mark.parametrize("after", [False, True])
def test_a_layer_that_is_too_large(after: bool) -> None:
    class Endless(io.RawIOBase):
        taken = 0

        def read(self, size: int = -1, /) -> bytes:
            start = b""
            if not self.taken:
                start = END_OF_ARCHIVE if after else block(size=1 << 40)
            data = start + bytes(size - len(start))
            self.taken += len(data)
            return data

    stream = Endless()
    with pytest.raises(InvalidImage, match="larger than 10000000 bytes"):
        list(read_layer(stream, LayerLimits(stream_bytes=10_000_000)))
    assert stream.taken < 11_000_000


WHOLE = block(b"d/", kind=b"5") + pax_block({"path": b"long" * 50}) + block(b"x", b"data" * 200)


@given(st.integers(0, len(WHOLE) - 1))
def test_a_cut_off_archive(length: int) -> None:
    with pytest.raises(InvalidImage, match="cut off"):
        list(read_layer(BytesIO(WHOLE[:length])))


def test_a_missing_end_mark_can_be_allowed() -> None:
    with pytest.raises(InvalidImage, match="end mark"):
        list(read_layer(BytesIO(WHOLE)))
    assert len(list(read_layer(BytesIO(WHOLE), must_end=False))) == 2
    assert list(read_layer(BytesIO(b""), must_end=False)) == []
    with pytest.raises(InvalidImage, match="cut off"):
        list(read_layer(BytesIO(WHOLE[:-1]), must_end=False))


def harmless(members: Iterator[LayerMember]) -> None:
    for member in members:
        assert not member.path.startswith("/")
        assert ".." not in member.path.split("/")
        assert "\0" not in member.path
        if member.type is MemberType.HARD_LINK:
            assert not member.target.startswith("/")
            assert ".." not in member.target.split("/")


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=6))
def test_damage_is_refused_or_harmless(damage: list[tuple[int, int]]) -> None:
    data = bytearray(WHOLE + END_OF_ARCHIVE)
    for position, value in damage:
        data[position] = value
    with contextlib.suppress(InvalidImage):
        harmless(read_layer(BytesIO(bytes(data))))


@given(
    st.lists(
        st.builds(
            block,
            st.text("./ab\0", max_size=12).map(str.encode),
            st.binary(max_size=40),
            st.sampled_from([bytes([kind]) for kind in b"01234567xgLKSV\0"]),
            st.text("./ab", max_size=8).map(str.encode),
            st.sampled_from([-1, -1, -1, 0, 600]),
        ),
        max_size=5,
    )
)
def test_whatever_is_written_is_refused_or_harmless(blocks: list[bytes]) -> None:
    with contextlib.suppress(InvalidImage):
        harmless(read_layer(BytesIO(b"".join(blocks) + END_OF_ARCHIVE)))
