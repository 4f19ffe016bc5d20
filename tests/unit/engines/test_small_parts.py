"""Signals, capabilities of files, name servers, places, processes."""

import os
import signal
import struct
import subprocess
from pathlib import Path

import pytest

from au2.domain.errors import InvalidRequest
from au2.engines.native.capabilities import shift_file_capability
from au2.engines.native.name_servers import Resolver, find_resolver, parse_resolver
from au2.engines.native.options import NativeOptions
from au2.engines.native.places import Places, is_container_id
from au2.engines.native.processes import ProcessIdentity, identify, is_alive, send_signal
from au2.engines.native.signals import parse_signal

BASE = 1 << 20
NET_BIND, NET_RAW = 1 << 10, 1 << 13


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("SIGTERM", 15),
        ("term", 15),
        ("15", 15),
        ("SIGRTMIN+3", 37),
        ("RTMAX-1", 63),
        ("SIGKILL", 9),
    ],
)
def test_signals(text: str, number: int) -> None:
    assert parse_signal(text) == number


@pytest.mark.parametrize("text", ["", "0", "65", "-1", "SIG", "SIGX", "RTMIN+99", "9" * 20, "²"])
def test_no_signals(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_signal(text)


def test_a_files_capability_names_the_containers_root() -> None:
    value = struct.pack("<5I", 0x02000001, NET_BIND | NET_RAW, NET_RAW, 0, 0)
    expected = struct.pack("<6I", 0x03000001, NET_BIND, 0, 0, 0, BASE)
    assert shift_file_capability(value, BASE) == expected
    assert shift_file_capability(expected, BASE) == expected


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"x" * 21,
        struct.pack("<5I", 0x02000001, NET_RAW, 0, 0, 0),
        struct.pack("<5I", 0x05000001, NET_BIND, 0, 0, 0),
    ],
)
def test_capabilities_that_are_left_out(value: bytes) -> None:
    assert shift_file_capability(value, BASE) is None


def test_what_containers_take_from_a_resolv_conf() -> None:
    text = (
        "# search none.example\n; options none\nnameserver 127.0.0.53\nnameserver 9.9.9.9 # x\n"
        "nameserver fe80::1%eth0\nnameserver\nsearch\noptions edns0\n\tsearch a.example\n"
        "domain b.example c.example\nsearch example.org  corp.example\noptions ndots:2 edns0\n"
        "nameserver 9.9.9.9\nsortlist 1.2.3.4\n"
    )
    found = parse_resolver(text)
    assert found == Resolver(("9.9.9.9",), ("example.org", "corp.example"), ("edns0", "ndots:2"))
    assert found.to_text() == (
        "nameserver 9.9.9.9\nsearch example.org corp.example\noptions edns0 ndots:2\n"
    )
    assert parse_resolver(found.to_text()) == found
    assert parse_resolver("search a\ndomain b.example\n").search == ("b.example",)
    assert Resolver().to_text() == ""


def test_where_name_servers_are_looked_for(tmp_path: Path) -> None:
    def find(files: tuple[Path, ...], **configured: tuple[str, ...]) -> Resolver:
        return find_resolver(NativeOptions(**configured), files)  # type: ignore[arg-type]

    stub, real = tmp_path / "stub", tmp_path / "real"
    assert find((stub, real)) == Resolver()
    stub.write_text("nameserver 127.0.0.53\nsearch stub.example\noptions trust-ad\n")
    assert find((stub, real)) == Resolver((), ("stub.example",), ("trust-ad",))
    servers = tuple(f"9.9.9.{number}" for number in range(5))
    real.write_text(Resolver(servers, ("example.org",), ("ndots:2",)).to_text())
    assert find((stub, real)) == Resolver(servers[:3], ("example.org",), ("ndots:2",))
    assert find((real,), dns_servers=("10.0.0.1",)) == Resolver(
        ("10.0.0.1",), ("example.org",), ("ndots:2",)
    )
    configured = find((real,), dns_search=("a.example",), dns_options=("timeout:1",))
    assert configured == Resolver(servers[:3], ("a.example",), ("timeout:1",))
    assert find((real,), dns_search=(".",)).search == ()


@pytest.mark.parametrize("text", ["a", "job-12-1", "A" * 64])
def test_container_ids(text: str) -> None:
    assert is_container_id(text)


@pytest.mark.parametrize("text", ["", "-a", "a" * 65, "a/b", "..", "a\n", "a b", "ä", "a_b"])
def test_no_container_ids(text: str) -> None:
    assert not is_container_id(text)
    with pytest.raises(ValueError, match="container id"):
        Places(Path("/d"), Path("/r")).container(text)


def test_folders_can_be_passed_where_they_must(tmp_path: Path) -> None:
    places = Places(tmp_path / "data", tmp_path / "run")
    places.make(group=0)
    places.make(group=0)
    modes = [
        path.stat().st_mode & 0o777
        for path in (places.data_dir, places.layers, places.storages, places.runtimes)
    ]
    assert modes == [0o711, 0o700, 0o711, 0o710]
    assert list(places.container_ids()) == []
    (places.storages / "one").mkdir()
    (places.runtimes / "one").mkdir()
    (places.runtimes / "two").mkdir()
    (places.runtimes / "not an id").mkdir()
    assert list(places.container_ids()) == ["one", "two"]


def test_a_process_is_more_than_its_number() -> None:
    process = subprocess.Popen(["sleep", "99"])
    found = identify(process.pid)
    assert found is not None
    assert is_alive(found)
    other = ProcessIdentity(found.pid, found.start_ticks + 1)
    assert not is_alive(other)
    assert not send_signal(other, signal.SIGKILL)
    assert send_signal(found, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(found)  # Dead, if not yet collected.
    assert not send_signal(found, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert identify(process.pid) is None
