"""Characters that pieces of a line cut in two."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from au2.stores.logs.record import Record, WholeCharacters, count_begun

STREAMS = ("stdout", "stderr")
_CUTS = st.lists(st.integers(0, 40), max_size=10)


def pieces_of(line: bytes, cuts: list[int], stream: str = "stdout") -> list[Record]:
    places = sorted({0, *(cut for cut in cuts if cut < len(line)), len(line)})
    parts = [line[a:b] for a, b in itertools.pairwise(places)] or [b""]
    last = len(parts) - 1
    return [Record("t", stream, number < last, part) for number, part in enumerate(parts)]


@given(line=st.text(max_size=20), cuts=_CUTS)
def test_every_piece_of_a_line_of_text_is_text(line: str, cuts: list[int]) -> None:
    characters: WholeCharacters[Record] = WholeCharacters()
    found = [
        joined for piece in pieces_of(line.encode(), cuts) for joined in characters.feed(piece)
    ]
    assert characters.end() == []
    assert "".join(piece.content.decode() for piece in found) == line
    assert [piece.partial for piece in found] == [True] * (len(found) - 1) + [False]


@given(
    line=st.one_of(st.binary(max_size=40), st.text(max_size=12).map(str.encode)),
    cuts=_CUTS,
    ends=st.booleans(),
)
def test_no_byte_is_lost_or_changed(line: bytes, cuts: list[int], ends: bool) -> None:
    characters: WholeCharacters[Record] = WholeCharacters()
    given = pieces_of(line, cuts)
    if not ends:
        given[-1] = given[-1]._replace(partial=True)
    other = Record("t", "stderr", True, b"\xe2\x82")
    found = [joined for piece in given for joined in (*characters.feed(piece),)]
    found += characters.feed(other)
    found += characters.end()
    by_stream = {
        stream: b"".join(piece.content for piece in found if piece.stream == stream)
        for stream in STREAMS
    }
    assert by_stream == {"stdout": line, "stderr": other.content}
    assert all(len(piece.content) > 0 or not piece.partial or piece in given for piece in found)


@given(st.binary(max_size=6))
def test_what_begins_a_character_is_what_the_decoder_waits_for(content: bytes) -> None:
    count = count_begun(content)
    assert 0 <= count <= 3
    for cut in range(1, len(content) + 1):
        text = "€ä😀x".encode()[:cut]
        whole = text[: len(text) - count_begun(text)]
        assert whole == text.decode(errors="ignore").encode()
