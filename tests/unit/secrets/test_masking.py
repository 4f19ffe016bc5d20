"""Nothing that is to be covered comes through, however it arrives; everything else does."""

import base64
import json
import shlex
import urllib.parse
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.secrets.encodings import LEAST_BYTES, find_forms
from au2.secrets.masking import LineMasker, Masker, join

VALUE = "s3cr3t/päss+wörd 'x\"=?"


def masked(text: str | bytes, *values: str) -> str:
    data = text.encode() if isinstance(text, str) else text
    return Masker(values or (VALUE,)).mask(data).decode(errors="replace")


@pytest.mark.parametrize(
    "shown",
    [
        VALUE,
        json.dumps(VALUE)[1:-1],
        json.dumps(VALUE, ensure_ascii=False)[1:-1],
        repr(VALUE)[1:-1],
        urllib.parse.quote(VALUE),
        urllib.parse.quote(VALUE, safe=""),
        urllib.parse.quote(VALUE, safe="").lower().replace("%3d", "%3d"),
        urllib.parse.quote_plus(VALUE),
        base64.b64encode(VALUE.encode()).decode(),
        base64.urlsafe_b64encode(VALUE.encode()).decode(),
        ascii(VALUE)[1:-1],
        repr(VALUE.encode())[2:-1],
        shlex.quote(VALUE)[1:-1],
        VALUE.replace("'", "'\\''"),
        "s3cr3t/päss+wörd\\ \\'x\\\"=\\?".replace("ä", "\\ä").replace("ö", "\\ö"),
        VALUE.replace('"', '\\"'),
        VALUE.encode().hex(),
        VALUE.encode().hex().upper(),
    ],
)
def test_usual_encodings_are_covered_whole(shown: str) -> None:
    assert masked(f"<{shown}>") == "<***>"


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "user:"])
@pytest.mark.parametrize("after", ["", "x", "xy", "xyz"])
def test_base64_inside_something_longer(before: str, after: str) -> None:
    value = "correct horse battery"
    shown = base64.b64encode((before + value + after).encode())

    left = masked(shown, value)

    assert "***" in left
    # Characters at its ends hang on the neighbours too: at most two on each side are left of it.
    assert len(left) <= len(shown) - len(value) * 4 // 3 + 3 + 4


def test_wrapped_base64_of_a_long_value() -> None:
    value = "".join(map(str, range(200)))
    for shown in (base64.encodebytes(value.encode()), base64.b64encode(value.encode())):
        assert set(masked(shown, value).split()) == {"***"}


def test_every_line_of_a_value() -> None:
    value = "-----BEGIN-----\nabcdefgh\n  indented line\r\n}\n-----END-----\n"

    assert masked(value, value) == "***\n***\n  ***\r\n}\n***\n"
    assert masked(json.dumps(value), value) == '"***"'


@pytest.mark.parametrize("value", ["", "a", "abc", " ab\n", "a\nb\nc"])
def test_short_values_are_not_looked_for(value: str) -> None:
    forms = find_forms(value)
    assert not {form for form in forms if len(value.strip().encode()) < LEAST_BYTES}
    assert masked("a b c abc", value) == "a b c abc"


def test_of_many_lines_the_first_are_looked_for() -> None:
    value = "\n".join(f"line {number}." for number in range(70_000 // 10))
    masker = Masker([value])
    assert masker.mask(b"line 0.") == masker.mask(b"line 999.") == b"***"
    assert masker.mask(b"line 1000.") == b"line 1000."
    assert masker.mask(json.dumps(value).encode()) == b'"***"'


def test_values_that_overlap() -> None:
    assert masked("xabcdefghx", "abcdef", "defgh") == "x***x"
    assert masked("aaaaaaaaab", "aaaa") == "***b"
    assert masked("abababab", "abab") == "***"
    assert masked("abcdabcd abcd", "abcd") == "*** ***"


def test_json_values() -> None:
    masker = Masker(["hunter22"])
    value = {"a": ["x hunter22", 1, None], "hunter22": True}
    assert masker.mask_value(value) == {"a": ["x ***", 1, None], "***": True}
    numbers = {"a": [73519284, 73519284.0, 735192845, 1.5], "b": True}
    covered = {"a": ["***", "***", 735192845, 1.5], "b": True}
    assert Masker(["73519284"]).mask_value(numbers) == covered
    assert masker.mask_text("no secret\ud800") == "no secret\ud800"


def test_only_what_may_go_on_is_kept_back() -> None:
    lines = LineMasker(Masker(["secret-value"]))
    assert lines.feed(b"hello sec", is_end=False) == b"hello "
    assert lines.feed(b"tion", is_end=False) == b"section"
    assert lines.feed(b"secret-valu", is_end=False) == b""
    assert lines.feed(b"e, done s", is_end=False) == b"***, done "
    assert lines.feed(b"", is_end=True) == b"s"
    assert lines.is_idle


# -- against the definition --------------------------------------------------------------------

SMALL = st.text(alphabet="ab", min_size=LEAST_BYTES, max_size=7)


def covered(line: bytes, forms: Sequence[bytes]) -> bytes:
    """The definition: each byte that lies in an occurrence of a form is covered."""
    flags = [False] * len(line)
    for form in forms:
        for start in range(len(line) - len(form) + 1):
            if line.startswith(form, start):
                flags[start : start + len(form)] = [True] * len(form)
    shown, before = b"", False
    for position, flag in enumerate(flags):
        if not flag:
            shown += line[position : position + 1]
        elif not before:
            shown += b"***"
        before = flag
    return shown


@given(st.lists(SMALL, min_size=1, max_size=3), st.text(alphabet="ab ", max_size=60))
def test_whole_lines_by_the_definition(values: list[str], line: str) -> None:
    forms = [form for value in values for form in find_forms(value)]
    assert Masker(values).mask(line.encode()) == covered(line.encode(), forms)


@given(
    st.lists(SMALL, min_size=1, max_size=3),
    st.lists(st.text(alphabet="ab ", max_size=12), max_size=12),
)
def test_pieces_give_what_the_whole_line_gives(values: list[str], pieces: list[str]) -> None:
    masker = Masker(values)
    lines = LineMasker(masker)
    shown = b"".join(lines.feed(piece.encode(), is_end=False) for piece in pieces)
    shown += lines.feed(b"", is_end=True)
    assert shown == masker.mask("".join(pieces).encode())


@given(
    st.text(min_size=LEAST_BYTES, max_size=40),
    st.binary(max_size=20),
    st.binary(max_size=20),
    st.data(),
)
def test_nothing_leaks_however_it_is_cut(
    value: str, before: bytes, after: bytes, data: st.DataObject
) -> None:
    forms = sorted(find_forms(value))
    if not forms:
        return
    form = data.draw(st.sampled_from(forms))
    line = (before + form + after).replace(b"\n", b" ")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(line)), max_size=6)))
    lines = LineMasker(Masker([value]))
    shown = b""
    for start, end in zip([0, *cuts], [*cuts, len(line)], strict=True):
        shown += lines.feed(line[start:end], is_end=False)
    shown += lines.feed(b"", is_end=True)

    assert b"***" in shown
    assert shown == Masker([value]).mask(line)


def test_stretches_that_touch_are_one() -> None:
    assert join([(3, 5), (0, 0), (5, 6), (9, 10), (4, 5)]) == [(3, 6), (9, 10)]
