"""Where Python packages come from: what pip on this machine is set to, and nothing else."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_LINE = re.compile(r"([A-Za-z:]+)\.([a-z-]+)=(.+)")
_SECTIONS = ("global", "install", ":env:")
"""The later ones win, as for `pip install`."""


@dataclass(frozen=True, slots=True)
class PipSettings:
    """pip's own settings, as far as they say what is installed and from where."""

    index: str | None = None
    """None: PyPI."""
    more_indexes: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    no_index: bool = False
    trusted_hosts: tuple[str, ...] = ()
    ca_file: str | None = None
    proxy: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    """All that pip said, by key."""


def read_pip_settings() -> PipSettings:
    """Ask the pip that belongs to this Python; without one, there are no settings."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    return parse_pip_settings(done.stdout if done.returncode == 0 else "")


def parse_pip_settings(text: str) -> PipSettings:
    """Return the settings in the output of ``pip config list``."""
    values: dict[str, str] = {}
    for section in _SECTIONS:
        for line in text.splitlines():
            if (found := _LINE.fullmatch(line)) and found[1] == section:
                values[found[2]] = _unquote(found[3])
    return PipSettings(
        index=values.get("index-url"),
        more_indexes=tuple(values.get("extra-index-url", "").split()),
        find_links=tuple(values.get("find-links", "").split()),
        no_index=values.get("no-index", "").lower() in {"1", "true", "yes", "on"},
        trusted_hosts=tuple(values.get("trusted-host", "").split()),
        ca_file=values.get("cert"),
        proxy=values.get("proxy"),
        values=values,
    )


def uv_options(settings: PipSettings) -> list[str]:
    """Return options that let uv see the same packages as pip.

    As for pip, all indexes count alike: whoever lists a second one trusts it as much as the first.
    """
    options = ["--no-config", "--index-strategy", "unsafe-best-match"]
    if settings.no_index:
        options.append("--no-index")
    elif settings.index is not None:
        options += ["--default-index", settings.index]
    for address in settings.more_indexes:
        options += ["--index", address]
    for place in settings.find_links:
        options += ["--find-links", place]
    for host in settings.trusted_hosts:
        options += ["--allow-insecure-host", host]
    return options


def uv_environment(settings: PipSettings) -> dict[str, str]:
    """Return the variables for uv: what the machine has, and pip's proxy and certificates."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "NETRC", "SSL_CERT_FILE", "SSL_CERT_DIR")
    proxies = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
    names = (*kept, *proxies, *(name.lower() for name in proxies))
    environment = {name: os.environ[name] for name in names if name in os.environ}
    if settings.ca_file is not None:
        environment["SSL_CERT_FILE"] = settings.ca_file
    if settings.proxy is not None:
        environment |= {"HTTP_PROXY": settings.proxy, "HTTPS_PROXY": settings.proxy}
    return environment


def hide_passwords(text: str, settings: PipSettings) -> str:
    """Return ``text`` without the passwords that addresses of the settings carry."""
    for address in _addresses(settings):
        password = urlsplit(address).password
        if password:
            text = text.replace(password, "****")
    return text


def _addresses(settings: PipSettings) -> Sequence[str]:
    single = [address for address in (settings.index, settings.proxy) if address]
    return [*single, *settings.more_indexes, *settings.find_links]


def _unquote(text: str) -> str:
    try:
        return str(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text
