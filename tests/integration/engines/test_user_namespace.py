"""User namespaces made by ids that nothing else has."""

import os
import resource
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from au2.domain.errors import EngineFailure
from au2.engines.native.options import NativeOptions
from au2.engines.native.user_namespace import choose_owner, new_user_namespace

OWNER = choose_owner(NativeOptions(), "job-1-1")


@pytest.fixture
def many_open_files() -> Iterator[None]:
    """As in a server with many connections: numbers of files beyond what select() takes."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, before[1]), before[1]))
    with ExitStack() as stack:
        for _ in range(1100):
            stack.callback(os.close, os.open("/dev/null", os.O_RDONLY))
        yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_its_ids_are_mapped_and_it_is_not_roots(many_open_files: None) -> None:
    with new_user_namespace(OWNER) as namespace:
        namespace.map_ids(1 << 20, 1 << 16)
        process = namespace.path.parent.parent
        assert process.stat().st_uid == OWNER
        assert namespace.path.readlink() != Path("/proc/self/ns/user").readlink()
        for name in ("uid_map", "gid_map"):
            assert (process / name).read_text().split() == ["0", str(1 << 20), str(1 << 16)]
    assert not process.exists()


def test_what_the_tool_says_is_told() -> None:
    with (
        pytest.raises(EngineFailure, match=r"could not be made: setpriv: .+"),
        new_user_namespace("nobody-of-this-name") as namespace,  # type: ignore[arg-type]
    ):
        namespace.map_ids(1 << 20, 1)


def test_owners_are_ids_of_their_own() -> None:
    options = NativeOptions(id_base=1000, id_count=500)
    owners = {choose_owner(options, f"job-{number}-1") for number in range(100)}
    assert len(owners) > 95
    assert all(1500 <= owner <= options.last_host_id for owner in owners)
