"""Check for users and groups of the host with host ids of containers.

To the kernel, a host user with such an id is a user inside containers: both own the same files and
share the limits counted by user.
"""

import configparser
import grp
import pwd
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from au2.engines.native.options import NativeOptions
from au2.engines.protocol import Check

_MOST_TOLD = 4
_SSSD_FIRST, _SSSD_LAST = 200_000, 2_000_200_000
"""SSSD's default ids for Active Directory (sssd-ad(5))."""
_WINBIND_RANGE = re.compile(
    r"^\s*idmap\s+config\s+(\S+)\s*:\s*range\s*=\s*([0-9]+)\s*-\s*([0-9]+)", re.IGNORECASE | re.M
)


@dataclass(frozen=True, slots=True)
class IdRange:
    """Range of ids of users or groups of the host."""

    first: int
    last: int
    owner: str
    """Name of the owner, for messages."""

    def __str__(self) -> str:
        ids = str(self.first) if self.first == self.last else f"{self.first} to {self.last}"
        return f"{ids} ({self.owner})"


def check_host_ids(options: NativeOptions, root: Path = Path("/")) -> Check:
    """Return whether the range is free, as far as the host's files and name services tell.

    Args:
        options: with the range.
        root: where ``/etc`` is.
    """
    first, last = options.id_base, options.last_host_id
    text = f"{first} to {last}"
    found = [*list_accounts(), *list_configured(root / "etc")]
    taken = [ids for ids in found if ids.first <= last and first <= ids.last]
    if not taken:
        return Check("host ids", ok=True, message=text)
    more = f", and {len(taken) - _MOST_TOLD} more" if len(taken) > _MOST_TOLD else ""
    shown = ", ".join(map(str, taken[:_MOST_TOLD]))
    return Check(
        "host ids",
        ok=False,
        message=f"containers have {text}, and these are taken by others: {shown}{more}. Give "
        "containers other ids with first_host_id and host_ids under [jobs] in the settings",
    )


def list_accounts() -> Iterator[IdRange]:
    """Yield the users and groups listed by the host's name services."""
    for user in pwd.getpwall():
        yield IdRange(user.pw_uid, user.pw_uid, f"user '{user.pw_name}'")
    for group in grp.getgrall():
        yield IdRange(group.gr_gid, group.gr_gid, f"group '{group.gr_name}'")


def list_configured(etc: Path) -> Iterator[IdRange]:
    """Yield the ranges of ids in configuration files."""
    for name in ("subuid", "subgid"):
        yield from parse_subordinate_ids(_read(etc / name), name)
    for file in (etc / "sssd/sssd.conf", *sorted((etc / "sssd/conf.d").glob("*.conf"))):
        yield from parse_sssd(_read(file))
    yield from parse_winbind(_read(etc / "samba/smb.conf"))


def parse_subordinate_ids(text: str, name: str) -> Iterator[IdRange]:
    """Yield the ranges of a subuid(5) or subgid(5) file. Pure."""
    for line in text.splitlines():
        owner, _, numbers = line.strip().partition(":")
        first, _, count = numbers.partition(":")
        if first.isdigit() and count.isdigit() and int(count) > 0:
            yield IdRange(int(first), int(first) + int(count) - 1, f"{name} of '{owner}'")


def parse_sssd(text: str) -> Iterator[IdRange]:
    """Yield the ranges of the domains of an sssd.conf(5). Pure."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    with suppress(configparser.Error):
        parser.read_string(text)
    for name in parser.sections():
        if not name.startswith("domain/"):
            continue
        domain = parser[name]
        provider = domain.get("id_provider", "").strip().lower()
        mapping = domain.get("ldap_id_mapping", str(provider == "ad")).strip().lower()
        first, last = ("ldap_idmap_range_min", "ldap_idmap_range_max")
        if mapping not in ("true", "yes", "1"):
            first, last = ("min_id", "max_id")
            if last not in domain:
                continue  # As far as it is known; who has an account was asked of SSSD itself.
        with suppress(ValueError):
            yield IdRange(
                int(domain.get(first, str(_SSSD_FIRST))),
                int(domain.get(last, str(_SSSD_LAST))),
                f"SSSD, {name}",
            )


def parse_winbind(text: str) -> Iterator[IdRange]:
    """Yield the ranges of Winbind's domains in an smb.conf(5). Pure."""
    for domain, first, last in _WINBIND_RANGE.findall(text):
        yield IdRange(int(first), int(last), f"Winbind, domain {domain}")


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace")
    except OSError:
        return ""
