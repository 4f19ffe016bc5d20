import hashlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import DigestMismatch, InvalidImage, InvalidRequest
from au2.oci.spec.digest import (
    VerifyingReader,
    is_alias,
    parse_any_digest,
    parse_digest,
    sha256_of,
    sha512_of,
)
from tests.support.images.hashing_writer import HashingWriter


@given(st.binary(max_size=2000), st.integers(1, 700), st.booleans())
def test_true_bytes_come_through_in_any_pieces(data: bytes, piece: int, sized: bool) -> None:
    reader = VerifyingReader(BytesIO(data), sha256_of(data), len(data) if sized else None)
    found = b"".join(iter(lambda: reader.read(piece), b""))
    assert found == data
    assert reader.read(piece) == b""


@given(st.binary(max_size=500), st.binary(max_size=500), st.integers(1, 700), st.booleans())
def test_other_bytes_never_end_well(data: bytes, other: bytes, piece: int, sized: bool) -> None:
    if data == other:
        other += b"x"
    reader = VerifyingReader(BytesIO(other), sha256_of(data), len(data) if sized else None)
    with pytest.raises(DigestMismatch):
        list(iter(lambda: reader.read(piece), b""))
    with pytest.raises(DigestMismatch):
        reader.read(piece)


def test_the_last_byte_of_a_sized_stream_is_not_given_out_unverified() -> None:
    reader = VerifyingReader(BytesIO(b"abX"), sha256_of(b"abc"), 3)
    assert reader.read(2) == b"ab"
    with pytest.raises(DigestMismatch):
        reader.read(1)


def test_a_longer_stream_is_not_read_to_its_end() -> None:
    below = BytesIO(b"abc" + bytes(1000))
    reader = VerifyingReader(below, sha256_of(b"abc"), 3)
    with pytest.raises(DigestMismatch, match="more than the stated 3"):
        reader.read(500)
    assert below.tell() == 4


def test_readinto_checks_too() -> None:
    reader = VerifyingReader(BytesIO(b"abX"), sha256_of(b"abc"))
    room = bytearray(10)
    assert reader.readinto(room) == 3
    with pytest.raises(DigestMismatch):
        reader.readinto(room)


def test_closing_closes_below() -> None:
    below = BytesIO(b"")
    with VerifyingReader(below, sha256_of(b"")) as reader:
        assert reader.read() == b""
    assert below.closed


@given(st.lists(st.binary(max_size=300)))
def test_hashing_writer_agrees_with_hashlib(parts: list[bytes]) -> None:
    out = BytesIO()
    writer = HashingWriter(out)
    for part in parts:
        assert writer.write(part) == len(part)
    whole = b"".join(parts)
    assert out.getvalue() == whole
    assert writer.size_bytes == len(whole)
    assert writer.digest == "sha256:" + hashlib.sha256(whole).hexdigest()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256:",
        "sha256:" + "a" * 63,
        "sha256:" + "A" * 64,
        "sha256:" + "a" * 64 + "\n",
        "sha512:" + "a" * 128,
        "sha256:../../../etc/passwd",
        "a" * 64,
        None,
        7,
        "x" * 10_000,
    ],
)
def test_what_is_no_digest_is_refused(text: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_digest(text)
    assert len(caught.value.message) < 300
    with pytest.raises(InvalidImage):
        parse_digest(text, error=InvalidImage)


@given(st.binary(max_size=100))
def test_what_is_made_is_taken(data: bytes) -> None:
    assert parse_digest(sha256_of(data)) == sha256_of(data)


# -- aliases ---------------------------------------------------------------------------------


@given(st.binary(max_size=100))
def test_both_algorithms_are_taken_where_an_alias_may_stand(data: bytes) -> None:
    for name, of_alias in ((sha256_of(data), False), (sha512_of(data), True)):
        assert parse_any_digest(name) == name
        assert is_alias(name) is of_alias


@pytest.mark.parametrize(
    "text",
    [
        *("sha512:", "sha512:" + "a" * 64, "sha256:" + "a" * 128, "sha512:" + "A" * 128),
        *("SHA512:" + "a" * 128, "sha512:" + "a" * 128 + "\n", "sha384:" + "a" * 96),
        *("sha512:" + "../" * 42 + "ab", "sha512:" + "a" * 10_000, "a" * 128, None, 7),
    ],
)
def test_what_is_no_digest_of_either_algorithm_is_refused(text: object) -> None:
    with pytest.raises(InvalidImage) as caught:
        parse_any_digest(text, error=InvalidImage)
    assert len(caught.value.message) < 400
