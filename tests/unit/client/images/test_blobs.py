"""Layers that are kept until they are sent."""

import io
import tempfile
from pathlib import Path

import pytest

from au2.client.images.blobs import Spool
from au2.domain.errors import Au2Error
from tests.support.images.busybox import digest_of

DATA = bytes(range(256)) * 9000


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_what_is_kept_can_be_read_from_anywhere(tmp_path: Path) -> None:
    counted: list[int] = []
    before = descriptors()

    kept = Spool(tmp_path, free_space=lambda: None).keep(io.BytesIO(DATA), None, counted.append)

    assert (kept.digest, kept.size_bytes) == (digest_of(DATA), len(DATA))
    assert kept.source.open(7777).read() == DATA[7777:]
    assert sum(counted) == len(DATA)
    assert list(tmp_path.iterdir()) == [], "it has no name, so it survives nothing"
    kept.source.close()
    kept.source.close()
    assert descriptors() == before


def test_room_is_made_before_it_is_missed(tmp_path: Path) -> None:
    made: list[bool] = []
    spool = Spool(tmp_path, free_space=lambda: made.append(True))

    with pytest.raises(Au2Error) as caught:
        spool.keep(io.BytesIO(DATA), 1 << 60, lambda _: None)

    assert made == [True]
    assert "A layer of 1 EiB" in caught.value.message
    assert f"'{tmp_path}' has only" in caught.value.message
    assert "--spool DIR or TMPDIR" in (caught.value.hint or "")


def test_nothing_stays_open_when_the_stream_fails(tmp_path: Path) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1, /) -> bytes:
            raise EOFError

    before = descriptors()
    with pytest.raises(EOFError):
        Spool(tmp_path, free_space=lambda: None).keep(Broken(), None, lambda _: None)

    assert descriptors() == before


def test_a_spool_without_a_stated_folder_is_in_the_usual_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = tmp_path / "missing"
    monkeypatch.setattr(tempfile, "tempdir", str(usual))
    with pytest.raises(Au2Error, match=str(usual)):
        Spool(None, free_space=lambda: None).keep(io.BytesIO(DATA), None, lambda _: None)
