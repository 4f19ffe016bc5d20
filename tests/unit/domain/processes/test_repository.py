"""Names of the registry's repositories, as strangers write them."""

import pytest

from au2.domain.errors import InvalidRequest
from au2.domain.processes.repository import parse_repository

ORGANIZATION = "org_5f0c9f0e-3c1b-4d52-8a53-2d0f6c1a7e11"


def test_a_process_by_its_name_says_where_its_guid_is() -> None:
    # In the message itself: registry clients show no hint.
    with pytest.raises(InvalidRequest, match="'au2 process list' shows it"):
        parse_repository(f"{ORGANIZATION}/process_my-process")
