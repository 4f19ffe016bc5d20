import fcntl
import io
import os
from pathlib import Path

from au2.client.images.archive_stream import widen_pipe


def test_a_pipe_holds_a_block() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as stream, os.fdopen(writer, "wb"):
        widen_pipe(stream)
        assert fcntl.fcntl(reader, fcntl.F_GETPIPE_SZ) >= 1 << 20


def test_what_is_no_pipe_stays_as_it_is(tmp_path: Path) -> None:
    widen_pipe(io.BytesIO(b"content"))
    (tmp_path / "file").write_bytes(b"content")
    with (tmp_path / "file").open("rb") as file:
        widen_pipe(file)
        assert file.read() == b"content"
