"""Values come back only with the right key, unchanged, and in the place that they belong to."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import SecretUnreadable
from au2.secrets.keyring import Key, Keyring, key_id_of, make_key

RING = Keyring((Key(b"k" * 32), Key(b"o" * 32)))


@given(st.binary(), st.text(alphabet="abc:0123456789", max_size=40))
def test_what_is_encrypted_comes_back(value: bytes, bound_to: str) -> None:
    sealed = RING.encrypt(value, bound_to=bound_to)
    assert RING.decrypt(sealed, bound_to=bound_to) == value
    assert sealed.isascii()
    assert key_id_of(sealed) == RING.current_id


def test_equal_values_look_different() -> None:
    assert RING.encrypt(b"x", bound_to="a") != RING.encrypt(b"x", bound_to="a")


def test_the_place_is_part_of_it() -> None:
    sealed = RING.encrypt(b"value", bound_to="secret:1")
    with pytest.raises(SecretUnreadable, match="swapped"):
        RING.decrypt(sealed, bound_to="secret:2")


def test_older_keys_still_decrypt() -> None:
    old = Keyring(RING.keys[1:]).encrypt(b"value", bound_to="a")
    assert RING.decrypt(old, bound_to="a") == b"value"


def test_a_key_that_is_not_there() -> None:
    sealed = Keyring((make_key(),)).encrypt(b"value", bound_to="a")
    with pytest.raises(SecretUnreadable, match=key_id_of(sealed)):
        RING.decrypt(sealed, bound_to="a")


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_every_change_is_found_out(place: int, change: int) -> None:
    head, _, text = RING.encrypt(b"value", bound_to="a").rpartition(":")
    data = bytearray(base64.b64decode(text))
    data[place % len(data)] ^= change
    with pytest.raises(SecretUnreadable):
        RING.decrypt(f"{head}:{base64.b64encode(data).decode()}", bound_to="a")


@pytest.mark.parametrize("text", ["", "v1", "v1::", "v2:a:b", f"v1:{RING.current_id}:", "ä"])
def test_what_is_no_ciphertext(text: str) -> None:
    with pytest.raises(SecretUnreadable):
        RING.decrypt(text, bound_to="a")


def test_keys_are_not_shown() -> None:
    assert "kkkk" not in repr(RING)
    assert RING.keys[0].id != RING.keys[1].id
