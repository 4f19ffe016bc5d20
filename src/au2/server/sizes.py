"""Sizes as people read them."""


def format_bytes(size_bytes: float) -> str:
    """Return a size with a unit, in powers of 1024: ``512 bytes``, ``1.5 GiB``."""
    size, unit = float(size_bytes), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.0f} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
