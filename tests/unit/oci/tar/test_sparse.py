"""Sparse files in layers: what GNU tar writes, and maps that mean no good."""

import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from au2.domain.errors import InvalidImage
from au2.oci.tar.layer import LayerLimits, LayerMember, read_layer
from au2.oci.tar.sparse import read_pieces
from tests.support.images.image_making import Layer
from tests.support.images.sparse import (
    FORMS,
    Parts,
    form_0_1,
    form_1_0,
    gnu_tar,
    map_block,
    sparse_layer,
    write_sparse,
)

LIMIT = 1 << 36
ONE_BYTE = {"size": "1", "map": "0,1", "numblocks": "1"}
PARTS = st.lists(
    st.tuples(
        st.integers(0, 60).map(lambda block: 4096 * block), st.binary(min_size=1, max_size=9)
    ),
    max_size=6,
)


def read(layer: bytes, limits: LayerLimits | None = None) -> dict[str, bytes]:
    """Return the contents of the layer's files, which must be as large as they are told to be."""
    found = {}
    for member in read_layer(BytesIO(layer), limits or LayerLimits(stream_bytes=LIMIT)):
        if member.content is not None:
            found[member.path] = content_of(member)
    return found


def content_of(member: LayerMember) -> bytes:
    assert member.content is not None
    content = member.content.read()
    assert len(content) == member.size_bytes
    return content


@settings(max_examples=30, deadline=None)
@given(PARTS, st.integers(1, 62).map(lambda block: 4096 * block + 5), st.sampled_from(FORMS))
@example([], 1 << 20, "0.0")
@example([(0, b"x" * 5000), (1 << 19, b"y" * 9000)], (1 << 19) + 9000, "1.0")
def test_what_gnu_tar_writes_is_read_as_it_was(parts: Parts, size: int, form: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "ä" * 60)
        kept = [(offset, data) for offset, data in parts if offset + len(data) <= size]
        content = write_sparse(path, kept, size)
        Path(folder, "other").write_bytes(b"other")
        layer = gnu_tar(Path(folder), form)
    assert read(layer) == {path.name: content, "other": b"other"}
    # Not read, or read in pieces, the next entry is found all the same.
    for limit in (0, 1, 100, 5000):
        members = read_layer(BytesIO(layer))
        assert {m.path: len(m.content.read(limit)) <= limit for m in members if m.content}


@settings(max_examples=20, deadline=None)
@given(PARTS, st.sampled_from(FORMS))
def test_holes_are_passed_over(parts: Parts, form: str) -> None:
    size = 1 << 20
    with tempfile.TemporaryDirectory() as folder:
        content = write_sparse(Path(folder, "f"), parts, size)
        layer = gnu_tar(Path(folder), form)
    rebuilt, given_bytes = bytearray(size), 0
    for member in read_layer(BytesIO(layer)):
        for offset, data in read_pieces(member.content) if member.content else ():
            rebuilt[offset : offset + len(data)] = data
            given_bytes += len(data)
    assert rebuilt == content
    assert given_bytes <= 8192 * len(parts)


def test_a_file_of_terabytes_is_refused_by_its_header() -> None:
    for size in (LIMIT, 1 << 40, (1 << 59)):
        for layer in (form_0_1([0, 1], size, b"x"), form_1_0([0, 1], size, b"x")):
            with pytest.raises(InvalidImage, match=r"sparse file 'f' has .* bytes with its holes"):
                read(layer)


def test_many_holes_together_are_too_many() -> None:
    layer = Layer()
    for name in "abcd":
        records = {**ONE_BYTE, "size": str(LIMIT // 3)}
        headers = {f"GNU.sparse.{key}": value for key, value in records.items()}
        layer.add(name, content=b"x", pax_headers=headers)
    with pytest.raises(InvalidImage, match="sparse file 'c' has"):
        list(read_layer(BytesIO(layer.data()), LayerLimits(stream_bytes=LIMIT)))


def test_too_many_parts() -> None:
    numbers = [0] * 2000
    limits = LayerLimits(stream_bytes=LIMIT, sparse_parts=999)
    for layer in (form_0_1(numbers, 0, b""), form_1_0([1000, *numbers], 0, b"")):
        assert read(layer) == {"f": b""}
        with pytest.raises(InvalidImage, match="more than 999 parts"):
            read(layer, limits)


@pytest.mark.parametrize(
    ("numbers", "size", "content", "message"),
    [
        ([5, 5, 0, 5], 20, b"1234567890", "out of order"),
        ([0, 6, 5, 5], 20, b"12345678901", "overlap"),
        ([0, 5], 4, b"12345", "beyond the end"),
        ([0, 5], 5, b"1234", "does not belong"),
        ([0, 5], 5, b"123456", "does not belong"),
        ([0, -1], 5, b"", "no number"),
        ([0, "5.0"], 5, b"12345", "no number"),
        ([0, "0x5"], 5, b"12345", "no number"),
        ([0, "\u0665"], 5, b"12345", "no number"),
        ([0, 10**18], 10**18, b"x", "no number|bytes with its holes"),
        ([10**17, 1], 5, b"1", "beyond the end"),
        ([0, ""], 5, b"", "no number"),
    ],
)
def test_maps_that_mean_no_good(
    numbers: list[object], size: int, content: bytes, message: str
) -> None:
    layers = (
        form_0_1(numbers, size, content),
        form_1_0([len(numbers) // 2, *numbers], size, content),
    )
    for layer in layers:
        with pytest.raises(InvalidImage, match=message):
            read(layer)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (form_0_1([0, 5], 5, b"12345", numblocks="2"), "not as many parts"),
        (form_0_1([0, 5], 5, b"12345", numblocks=""), "no number"),
        (form_0_1([0, 5], "", b"12345"), "no number"),
        (form_0_1([0, 5], 5, b"12345", major="2", minor="0"), "not known"),
        (form_0_1([0, 5], 5, b"12345", major="1", minor="1"), "not known"),
        (sparse_layer({"name": "x"}, b"12345"), "no number"),
        (form_1_0([3, 0, 5], 5, b"12345"), "no number|cut off"),
        (form_1_0([10**17, 0, 5], 5, b"12345"), "no number|cut off"),
        (form_1_0([""], 5, b"12345"), "no number"),
        (sparse_layer({"major": "1", "minor": "0", "realsize": "5"}, b"1" * 2000), "cut off"),
        (
            sparse_layer({"major": "1", "minor": "0", "realsize": "5"}, b"1" * (2 << 20)),
            "no number",
        ),
        (form_1_0([1 << 18, *[0] * (1 << 20)], 0, b""), "longer"),
        (sparse_layer({"major": "1", "minor": "0", "realsize": "5"}), "cut off"),
        (
            sparse_layer({"size": "1", "map": "0,1", "numblocks": "1"}, kind=tarfile.DIRTYPE),
            "no file",
        ),
        (
            sparse_layer({"size": "1", "map": "0,1", "numblocks": "1"}, kind=tarfile.LNKTYPE),
            "no file",
        ),
    ],
)
def test_headers_that_mean_no_good(layer: bytes, message: str) -> None:
    with pytest.raises(InvalidImage, match=message):
        read(layer)


def test_the_file_has_its_own_name() -> None:
    assert read(form_0_1([0, 1], 1, b"x", name="dir/own")) == {"dir/own": b"x"}
    with pytest.raises(InvalidImage, match="climbs out"):
        read(form_1_0([1, 0, 1], 1, b"x", name="../own"))


def test_an_archive_that_breaks_off_in_a_sparse_file() -> None:
    content = b"x" * 1000
    for layer in (form_0_1([0, 1000], 2000, content), form_1_0([1, 0, 1000], 2000, content)):
        for length in range(512, layer.rindex(b"x"), 97):
            with pytest.raises(InvalidImage, match="cut off"):
                read(layer[:length])


def test_the_map_is_found_where_it_ends() -> None:
    numbers = [150, *(number for offset in range(150) for number in (1000 * offset, 3))]
    content = bytes(range(65, 90)) * 18
    assert len(map_block(numbers)) > 1024
    found = read(form_1_0(numbers, 150_000, content))["f"]
    assert b"".join(found[1000 * number :][:3] for number in range(150)) == content


def test_gnu_tars_own_form_is_refused_with_a_way_out() -> None:
    layer = sparse_layer({}, kind=tarfile.GNUTYPE_SPARSE)
    with pytest.raises(InvalidImage, match="'f' is a sparse file in GNU tar's own form") as caught:
        read(layer)
    assert "tar --format=pax -S" in str(caught.value.hint)
