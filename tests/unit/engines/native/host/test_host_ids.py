"""Whether somebody of the host has the ids of containers."""

import os
from pathlib import Path

import pytest

from au2.engines.native.host.host_ids import (
    IdRange,
    check_host_ids,
    list_accounts,
    parse_sssd,
    parse_subordinate_ids,
    parse_winbind,
)
from au2.engines.native.options import NativeOptions


def test_the_last_id_is_that_of_the_last_owner() -> None:
    assert NativeOptions(id_base=100, id_count=50, owner_count=7).last_host_id == 156


def test_the_accounts_of_this_host_are_known() -> None:
    assert IdRange(0, 0, "user 'root'") in list(list_accounts())


def test_subordinate_ids() -> None:
    text = "alice:100000:65536\n# none\nbob:x:1\n\n1001:1048576:1\ncarol:5:0\n"
    assert list(parse_subordinate_ids(text, "subuid")) == [
        IdRange(100_000, 165_535, "subuid of 'alice'"),
        IdRange(1_048_576, 1_048_576, "subuid of '1001'"),
    ]


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("id_provider = ad\n", (200_000, 2_000_200_000)),
        ("id_provider = ad\nldap_idmap_range_min = 5000\n", (5000, 2_000_200_000)),
        ("id_provider = ldap\nldap_id_mapping = True\nldap_idmap_range_max=9\n", (200_000, 9)),
        ("id_provider = ldap\nmin_id = 10\nmax_id = 20\n", (10, 20)),
        ("id_provider = ad\nldap_id_mapping = false\n", None),
        ("id_provider = ldap\n", None),
        ("id_provider = ad\nldap_idmap_range_min = many\n", None),
    ],
)
def test_sssd(domain: str, expected: tuple[int, int] | None) -> None:
    found = list(parse_sssd(f"[sssd]\ndomains = x\n[domain/corp.example]\n{domain}"))
    assert found == ([] if expected is None else [IdRange(*expected, "SSSD, domain/corp.example")])


@pytest.mark.parametrize("text", ["", "nonsense", "[domain/a", "[domain/a]\nno value\n"])
def test_sssd_that_is_no_configuration(text: str) -> None:
    assert list(parse_sssd(text)) == []


def test_winbind() -> None:
    text = (
        "[global]\nidmap config * : range = 3000-7999\n  IDMAP config CORP:range=10000 - 999999\n"
    )
    assert list(parse_winbind(text)) == [
        IdRange(3000, 7999, "Winbind, domain *"),
        IdRange(10_000, 999_999, "Winbind, domain CORP"),
    ]


def test_what_overlaps_is_named(tmp_path: Path) -> None:
    options = NativeOptions()
    assert check_host_ids(options, tmp_path).ok
    (tmp_path / "etc/sssd/conf.d").mkdir(parents=True)
    last = options.last_host_id
    (tmp_path / "etc/subuid").write_text(f"below:1:1048575\nalice:{last}:1\nabove:{last + 1}:9\n")
    (tmp_path / "etc/sssd/conf.d/ad.conf").write_text("[domain/corp]\nid_provider = ad\n")
    found = check_host_ids(options, tmp_path)
    assert not found.ok
    assert f"{last} (subuid of 'alice')" in found.message
    assert "200000 to 2000200000 (SSSD, domain/corp)" in found.message
    assert "below" not in found.message
    assert "above" not in found.message
    assert "first_host_id" in found.message


def test_an_account_within_is_named(tmp_path: Path) -> None:
    found = check_host_ids(NativeOptions(id_base=os.getuid(), id_count=1), tmp_path)
    assert not found.ok
    assert "user 'root'" in found.message
