"""Small tar archives in memory."""

import io
import tarfile


def archive_of(*members: tuple[str, bytes, dict[str, object]]) -> bytes:
    """Return an archive of members: name, content, and fields of the header."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data, more in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            for field, value in more.items():
                setattr(info, field, value)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()
