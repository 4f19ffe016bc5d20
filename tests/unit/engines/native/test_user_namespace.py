"""Capabilities of files in a user namespace."""

import struct

import pytest

from au2.engines.native.user_namespace import shift_file_capability

BASE = 1 << 20
NET_BIND, NET_RAW = 1 << 10, 1 << 13


def test_a_files_capability_names_the_containers_root() -> None:
    value = struct.pack("<5I", 0x02000001, NET_BIND | NET_RAW, NET_RAW, 0, 0)
    expected = struct.pack("<6I", 0x03000001, NET_BIND, 0, 0, 0, BASE)
    assert shift_file_capability(value, BASE) == expected
    assert shift_file_capability(expected, BASE) == expected


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"x" * 21,
        struct.pack("<5I", 0x02000001, NET_RAW, 0, 0, 0),
        struct.pack("<5I", 0x05000001, NET_BIND, 0, 0, 0),
    ],
)
def test_capabilities_that_are_left_out(value: bytes) -> None:
    assert shift_file_capability(value, BASE) is None
