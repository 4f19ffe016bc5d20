"""The reference pages say what the code does."""

import pytest

from tests.support.reference import DIRECTORY, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_page_is_what_the_code_says(name: str) -> None:
    written = (DIRECTORY / name).read_text(encoding="utf-8")

    assert written == PAGES[name](), "run scripts/docs"
