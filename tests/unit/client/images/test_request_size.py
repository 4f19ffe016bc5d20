"""Pieces of blobs: large on a fast line, small on a slow one."""

import pytest

from au2.client.images.request_size import PIECE_BYTES, PieceSize

MIB = 1 << 20


class Line:
    """Takes time for what is sent, of a clock of its own."""

    def __init__(self, bytes_per_second: float) -> None:
        self.bytes_per_second = bytes_per_second
        self.moment = 0.0

    def send(self, pieces: PieceSize, times: int) -> list[int]:
        sizes = []
        for _ in range(times):
            sizes.append(pieces.next_bytes)
            with pieces.timed(pieces.next_bytes):
                self.moment += pieces.next_bytes / self.bytes_per_second
        return sizes


def test_a_fast_line_gets_the_largest_soon() -> None:
    line = Line(2000 * MIB)
    sizes = line.send(PieceSize(PIECE_BYTES, lambda: line.moment), 5)
    assert sizes == [MIB, 4 * MIB, 16 * MIB, 64 * MIB, 64 * MIB]


@pytest.mark.parametrize("mebibytes_per_second", [0.2, 1, 6, 30])
def test_a_piece_takes_a_second_or_some(mebibytes_per_second: float) -> None:
    line = Line(mebibytes_per_second * MIB)
    last = line.send(PieceSize(PIECE_BYTES, lambda: line.moment), 10)[-1]
    assert 1 <= last / line.bytes_per_second <= 4


def test_a_line_that_slows_down_gets_smaller_ones() -> None:
    line = Line(2000 * MIB)
    pieces = PieceSize(PIECE_BYTES, lambda: line.moment)
    line.send(pieces, 5)
    line.bytes_per_second = MIB
    assert line.send(pieces, 7)[-1] <= 4 * MIB


def test_what_is_asked_for_is_the_most() -> None:
    line = Line(2000 * MIB)
    assert line.send(PieceSize(4096, lambda: line.moment), 3) == [4096] * 3


def test_the_short_end_of_a_blob_says_nothing() -> None:
    pieces = PieceSize(PIECE_BYTES, lambda: 0.0)
    with pieces.timed(10):
        pass
    assert pieces.next_bytes == MIB
