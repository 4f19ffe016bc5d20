"""Capabilities of containers, and of files inside their user namespaces."""

import struct

DEFAULT_CAPABILITIES = (
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
)
"""Docker's default without CAP_NET_RAW: with raw sockets a container could pass for another on
the bridge. ``ping`` needs none, for the containers' network settings allow it to everybody."""

_NUMBERS = {
    "CAP_CHOWN": 0,
    "CAP_DAC_OVERRIDE": 1,
    "CAP_FOWNER": 3,
    "CAP_FSETID": 4,
    "CAP_KILL": 5,
    "CAP_SETGID": 6,
    "CAP_SETUID": 7,
    "CAP_SETPCAP": 8,
    "CAP_NET_BIND_SERVICE": 10,
    "CAP_SYS_CHROOT": 18,
    "CAP_MKNOD": 27,
    "CAP_AUDIT_WRITE": 29,
    "CAP_SETFCAP": 31,
}
_MASK = sum(1 << _NUMBERS[name] for name in DEFAULT_CAPABILITIES)
_REVISION_MASK = 0xFF000000
_REVISION_2 = 0x02000000
_REVISION_3 = 0x03000000
_EFFECTIVE = 0x1
_SETS = struct.Struct("<IIIII")
_SETS_AND_ROOT = struct.Struct("<IIIIII")


def shift_file_capability(value: bytes, id_base: int) -> bytes | None:
    """Return the ``security.capability`` attribute as it must be for a container.

    A file's capabilities count in a user namespace only if they name that namespace's root
    (``struct vfs_ns_cap_data`` in ``linux/capability.h``). What a container can't have is taken
    out: a file that asks for it could not be run at all.

    Returns:
        None if nothing is left or the value is not one that is known.
    """
    if len(value) not in (_SETS.size, _SETS_AND_ROOT.size):
        return None
    magic, permitted_low, inherited_low, permitted_high, inherited_high = _SETS.unpack_from(value)
    if magic & _REVISION_MASK not in (_REVISION_2, _REVISION_3):
        return None
    permitted = (permitted_low | permitted_high << 32) & _MASK
    inherited = (inherited_low | inherited_high << 32) & _MASK
    if not permitted and not inherited:
        return None
    return _SETS_AND_ROOT.pack(
        _REVISION_3 | (magic & _EFFECTIVE),
        permitted & 0xFFFFFFFF,
        inherited & 0xFFFFFFFF,
        permitted >> 32,
        inherited >> 32,
        id_base,
    )
