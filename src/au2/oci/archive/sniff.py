"""What bytes are that are no archive, in two words: their content is nobody's business in a log."""

from au2.oci.compression.decompress import Compression, find_compression

_MAGIC = (
    (b"\x7fELF", "an ELF program"),
    (b"MZ", "a Windows program"),
    (b"#!", "a script"),
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!", "a rar archive"),
    (b"!<arch>\n", "an ar archive or a Debian package"),
    (b"\xed\xab\xee\xdb", "an RPM package"),
    (b"070701", "a cpio archive"),
    (b"hsqs", "a squashfs file system"),
    (b"QFI\xfb", "a disk image (qcow2)"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"SQLite format 3\0", "an SQLite database"),
)

_TEXTS = {b"{": "a JSON document", b"[": "a JSON document", b"<": "a web page"}


def sniff(start: bytes) -> str:
    """Return what something is whose first bytes these are, without saying any of them."""
    if not start:
        return "nothing (0 bytes)"
    for magic, kind in _MAGIC:
        if start.startswith(magic):
            return kind
    compression = find_compression(start)
    if compression is not Compression.NONE:
        return f"something compressed with {compression}"
    if not start.strip(b"\0"):
        return "zero bytes"
    return _TEXTS.get(start.lstrip()[:1], "text") if _is_text(start) else "unknown data"


def _is_text(start: bytes) -> bool:
    # A character of several bytes may be cut at the end.
    text = start.decode("utf-8", errors="replace").rstrip("\ufffd")
    return bool(text) and all(char.isprintable() or char in "\t\r\n\f" for char in text)
