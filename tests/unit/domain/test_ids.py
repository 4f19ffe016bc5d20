import pytest
from hypothesis import given
from hypothesis import strategies as st

from au2.domain.errors import InvalidRequest
from au2.domain.ids import is_guid, make_guid, parse_guid


@given(st.uuids())
def test_upper_case_is_accepted_and_normalised(guid):
    assert parse_guid(str(guid).upper()) == str(guid)


def test_a_new_guid_is_one():
    assert is_guid(make_guid())


@pytest.mark.parametrize("text", ["", "x", "20e7f5e9b4a94972bcc6f43610a0d7e0", "../../etc"])
def test_other_text_is_refused(text: str):
    assert not is_guid(text)
    with pytest.raises(InvalidRequest):
        parse_guid(text)
