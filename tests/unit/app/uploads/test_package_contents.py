from hypothesis import given
from hypothesis import strategies as st

from au2.app.uploads.package_contents import FrameParser
from au2.wire.upload import ContentHeader
from tests.support.servers.backend import frame


@given(st.lists(st.binary(max_size=200), max_size=8), st.data())
def test_any_cut_gives_the_same_contents(contents: list[bytes], data: st.DataObject):
    body = b"".join(frame(content) for content in contents)
    parser = FrameParser()
    found: list[bytearray] = []
    ended = 0
    rest = body
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        for event in parser.feed(rest[:size]):
            match event:
                case ContentHeader():
                    found.append(bytearray())
                case memoryview() as piece:
                    found[-1] += piece
                case None:
                    ended += 1
        rest = rest[size:]

    assert [bytes(content) for content in found] == contents
    assert ended == len(contents)
    assert parser.is_between


@given(st.binary(min_size=1, max_size=300), st.integers(1, 339))
def test_a_cut_body_is_not_between_contents(content: bytes, cut: int):
    body = frame(content)
    parser = FrameParser()
    parser.feed(body[: max(1, len(body) - cut)])
    assert not parser.is_between
