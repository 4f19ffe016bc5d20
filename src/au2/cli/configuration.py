"""What `au2` remembers between commands: servers, tokens, contexts. A JSON file that only its owner
can read, replaced as a whole.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from au2.domain.context import Context
from au2.domain.errors import ConfigurationBroken

_FILE_NAME = "config.json"


class ServerEntry(NamedTuple):
    """What is remembered of one server."""

    token: str | None = None
    is_managed: bool = False
    """The token was made with ``token create`` and outlives a log-out."""
    email: str | None = None
    organization: str | None = None
    organization_name: str | None = None
    project: str | None = None
    project_name: str | None = None

    @property
    def context(self) -> Context | None:
        """The context that was set, or None."""
        return None if self.organization is None else Context(self.organization, self.project)


class Configuration(NamedTuple):
    """The content of the file."""

    server: str | None = None
    """URL of the server that was used last to log in."""
    servers: Mapping[str, ServerEntry] = MappingProxyType({})

    def entry(self, server: str) -> ServerEntry:
        """Return what is remembered of ``server``; a blank entry if nothing is."""
        return self.servers.get(server, ServerEntry())

    def with_entry(self, server: str, entry: ServerEntry) -> "Configuration":
        """Return the configuration with ``entry`` for ``server``, which becomes the present one."""
        return self._replace(server=server, servers={**self.servers, server: entry})


def find_path(environment: Mapping[str, str]) -> Path:
    """Return where the file is: ``AU_CONFIG_FILE``, else in the user's configuration folder."""
    stated = environment.get("AU_CONFIG_FILE")
    if stated:
        return Path(stated)
    from platformdirs import user_config_path  # slow, and often not needed

    return user_config_path("au2", appauthor=False) / _FILE_NAME


def load(path: Path) -> Configuration:
    """Return the configuration in ``path``; a blank one if there is no file.

    Raises:
        ConfigurationBroken: it can't be read or is not what :func:`save` writes.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Configuration()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationBroken(f"The file {path} cannot be read: {error}.") from error
    try:
        document = json.loads(text)
        servers = {name: _read_entry(entry) for name, entry in document["servers"].items()}
        return Configuration(_text(document.get("server")), servers)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigurationBroken(
            f"The file {path} is not a configuration of au2.", hint="Mend it or remove it."
        ) from error


def save(configuration: Configuration, path: Path) -> None:
    """Write ``configuration`` to ``path``, readable for its owner only, whole or not at all."""
    servers = {name: entry._asdict() for name, entry in configuration.servers.items()}
    document = {"server": configuration.server, "servers": servers}
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    # Through a link, so that a file kept elsewhere stays there.
    path = path.resolve()
    incoming = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        incoming.unlink(missing_ok=True)
        with os.fdopen(os.open(incoming, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        incoming.replace(path)
    except OSError as error:
        incoming.unlink(missing_ok=True)
        raise ConfigurationBroken(f"The file {path} cannot be written: {error}.") from error


def _read_entry(document: Any) -> ServerEntry:
    texts = ("token", "email", "organization", "organization_name", "project", "project_name")
    return ServerEntry(
        is_managed=document.get("is_managed") is True,
        **{name: _text(document.get(name)) for name in texts},
    )


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError
    return value
