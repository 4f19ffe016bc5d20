"""Configuration file of `au2`: servers, tokens, contexts and profiles kept between commands.

The file is JSON, readable for its owner only, and replaced as a whole.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from au2.domain.accounts.context import Context
from au2.domain.errors import Au2Error, ConfigurationBroken, InvalidRequest
from au2.files.home import find_home
from au2.files.input import read_text_file
from au2.files.output import PRIVATE, convert_file_errors, ensure_output, write_output

_FILE_NAME = "config.json"
_LIMIT_BYTES = 4 << 20
_PROFILE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_OTHER_PATH = "Set AU_CONFIG_FILE to another path."


class ServerEntry(NamedTuple):
    """Token, account and context of one server."""

    token: str | None = None
    is_managed: bool = False
    """Whether the token was made with ``token create`` and outlives a log-out."""
    email: str | None = None
    organization: str | None = None
    organization_name: str | None = None
    project: str | None = None
    project_name: str | None = None

    @property
    def context(self) -> Context | None:
        """The chosen context, or None."""
        return None if self.organization is None else Context(self.organization, self.project)


class Profile(NamedTuple):
    """A named choice of server, token and context."""

    server: str
    entry: ServerEntry


class Configuration(NamedTuple):
    """The content of the file."""

    server: str | None = None
    """URL of the server that was used last to log in."""
    servers: Mapping[str, ServerEntry] = MappingProxyType({})
    """Used without a profile."""
    profiles: Mapping[str, Profile] = MappingProxyType({})

    def entry(self, server: str, profile: str | None = None) -> ServerEntry:
        """Return the entry of ``server``, or a blank entry.

        A profile's token is for the profile's server: no other server gets it.
        """
        if profile is None:
            return self.servers.get(server, ServerEntry())
        found = self.profiles.get(profile)
        return ServerEntry() if found is None or found.server != server else found.entry

    def with_entry(
        self, server: str, entry: ServerEntry, profile: str | None = None
    ) -> "Configuration":
        """Return the configuration with ``entry`` for ``server``, which becomes the present one.

        With a profile, the entry and the server are those of the profile alone.
        """
        if profile is not None:
            return self._replace(profiles={**self.profiles, profile: Profile(server, entry)})
        return self._replace(server=server, servers={**self.servers, server: entry})


def parse_profile_name(text: str) -> str:
    """Return the name of a profile. Raises InvalidRequest."""
    if _PROFILE_NAME.fullmatch(text) is None:
        raise InvalidRequest(
            f"'{text}' is not the name of a profile.",
            hint="A name has up to 64 letters, digits, '_', '-' and '.'.",
        )
    return text


def find_path(environment: Mapping[str, str]) -> Path:
    """Return the path of the file: ``AU_CONFIG_FILE``, else in the user's configuration folder.

    Raises:
        ConfigurationBroken: there is no such folder.
    """
    stated = environment.get("AU_CONFIG_FILE")
    if stated:
        return Path(stated)
    if not environment.get("XDG_CONFIG_HOME") and find_home(environment) is None:
        raise ConfigurationBroken(
            "There is no home folder for the configuration.",
            hint="Set HOME, or name a file with AU_CONFIG_FILE.",
        )
    from platformdirs import user_config_path  # slow, and often not needed

    return user_config_path("au2", appauthor=False) / _FILE_NAME


def load(path: Path) -> Configuration:
    """Return the configuration in ``path``; a blank one for a missing or empty file.

    Raises:
        ConfigurationBroken: the file is unreadable or not in the form of :func:`save`.
    """
    try:
        text = read_text_file(path, _LIMIT_BYTES)
    except FileNotFoundError:
        return Configuration()
    except InvalidRequest as error:
        raise ConfigurationBroken(error.message, hint=error.hint) from error
    except OSError as error:
        raise ConfigurationBroken(
            f"The file {path} cannot be read: {error.strerror}.", hint=_OTHER_PATH
        ) from error
    if not text.strip():
        return Configuration()  # A new file, or /dev/null.
    try:
        document = json.loads(text)
        servers = {name: _read_entry(entry) for name, entry in document["servers"].items()}
        profiles = {
            parse_profile_name(name): Profile(_server_of(profile), _read_entry(profile))
            for name, profile in document.get("profiles", {}).items()
        }
        return Configuration(_text(document.get("server")), servers, profiles)
    except (ValueError, TypeError, KeyError, AttributeError, InvalidRequest) as error:
        raise ConfigurationBroken(
            f"The file {path} is not a configuration of au2.", hint="Fix or remove the file."
        ) from error


def ensure_writable(path: Path) -> None:
    """Raise ConfigurationBroken if :func:`save` could not write to ``path``."""
    try:
        _make_folder(path)
        ensure_output(path)
    except Au2Error as error:
        raise ConfigurationBroken(error.message, hint=_OTHER_PATH) from error


def save(configuration: Configuration, path: Path) -> None:
    """Write ``configuration`` to ``path``, readable for its owner only, whole or not at all."""
    servers = {name: entry._asdict() for name, entry in configuration.servers.items()}
    document: dict[str, object] = {"server": configuration.server, "servers": servers}
    if configuration.profiles:
        document["profiles"] = {
            name: {"server": profile.server, **profile.entry._asdict()}
            for name, profile in configuration.profiles.items()
        }
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    try:
        _make_folder(path)
        write_output(path, text.encode(), permissions=PRIVATE)
    except Au2Error as error:
        raise ConfigurationBroken(error.message, hint=_OTHER_PATH) from error


def _make_folder(path: Path) -> None:
    with convert_file_errors(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _read_entry(document: Any) -> ServerEntry:
    token = _text(document.get("token"))
    if token is not None and not (token.isascii() and token.isprintable()):
        raise ValueError("the token could not be sent")
    texts = ("token", "email", "organization", "organization_name", "project", "project_name")
    return ServerEntry(
        is_managed=document.get("is_managed") is True,
        **{name: _text(document.get(name)) for name in texts},
    )


def _server_of(document: Any) -> str:
    server = document["server"]
    if not isinstance(server, str):
        raise TypeError
    return server


def _text(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError
    return value
