"""Name resolution of containers."""

from pathlib import Path

from au2.engines.native.network.resolver import ResolverConfig, find_resolver, parse_resolver
from au2.engines.native.options import NativeOptions


def test_what_containers_take_from_a_resolv_conf() -> None:
    text = (
        "# search none.example\n; options none\nnameserver 127.0.0.53\nnameserver 9.9.9.9 # x\n"
        "nameserver fe80::1%eth0\nnameserver\nsearch\noptions edns0\n\tsearch a.example\n"
        "domain b.example c.example\nsearch example.org  corp.example\noptions ndots:2 edns0\n"
        "nameserver 9.9.9.9\nsortlist 1.2.3.4\n"
    )
    found = parse_resolver(text)
    assert found == ResolverConfig(
        ("9.9.9.9",), ("example.org", "corp.example"), ("edns0", "ndots:2")
    )
    assert found.to_text() == (
        "nameserver 9.9.9.9\nsearch example.org corp.example\noptions edns0 ndots:2\n"
    )
    assert parse_resolver(found.to_text()) == found
    assert parse_resolver("search a\ndomain b.example\n").search == ("b.example",)
    assert ResolverConfig().to_text() == ""


def test_where_name_servers_are_looked_for(tmp_path: Path) -> None:
    def find(files: tuple[Path, ...], **configured: tuple[str, ...]) -> ResolverConfig:
        return find_resolver(NativeOptions(**configured), files)  # type: ignore[arg-type]

    stub, real = tmp_path / "stub", tmp_path / "real"
    assert find((stub, real)) == ResolverConfig()
    stub.write_text("nameserver 127.0.0.53\nsearch stub.example\noptions trust-ad\n")
    assert find((stub, real)) == ResolverConfig((), ("stub.example",), ("trust-ad",))
    servers = tuple(f"9.9.9.{number}" for number in range(5))
    real.write_text(ResolverConfig(servers, ("example.org",), ("ndots:2",)).to_text())
    assert find((stub, real)) == ResolverConfig(servers[:3], ("example.org",), ("ndots:2",))
    assert find((real,), dns_servers=("10.0.0.1",)) == ResolverConfig(
        ("10.0.0.1",), ("example.org",), ("ndots:2",)
    )
    configured = find((real,), dns_search=("a.example",), dns_options=("timeout:1",))
    assert configured == ResolverConfig(servers[:3], ("a.example",), ("timeout:1",))
    assert find((real,), dns_search=(".",)).search == ()
