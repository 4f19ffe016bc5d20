"""Foreign image registries, as the operator's settings say."""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from pathlib import Path

from au2.domain.errors import InvalidRequest, InvalidSettings
from au2.files.input import read_text_file
from au2.oci.registry_client.login import Credentials, find_credentials
from au2.oci.registry_client.registry import Registry
from au2.oci.registry_client.transport import RegistryOptions
from au2.runtimes.pulled_image import OpenRegistry
from au2.server.settings.sections import RuntimeSettings

_MOST_BYTES = 4 << 20


def make_registries(settings: RuntimeSettings) -> OpenRegistry:
    """Return what opens a registry, with its login if there is one."""
    options = RegistryOptions(
        ca_file=settings.registry_ca, plain_http=frozenset(settings.registry_plain_http)
    )

    def open_registry(name: str) -> AbstractContextManager[Registry]:
        credentials = read_credentials(settings.registry_logins, name, os.environ)
        return closing(Registry(name, credentials=credentials, options=options))

    return open_registry


def read_credentials(
    file: Path | None, registry: str, environment: Mapping[str, str]
) -> Credentials | None:
    """Return the login for a registry out of ``file``, or of the place where Docker keeps it.

    Raises:
        InvalidSettings: the file is damaged, or it is named in the settings and not there.
    """
    path = file or _docker_file(environment)
    if path is None or (file is None and not path.is_file()):
        return None
    try:
        return find_credentials(read_text_file(path, _MOST_BYTES), registry)
    except OSError as error:
        raise InvalidSettings(f"The logins in {path} can't be read: {error.strerror}.") from error
    except InvalidRequest as error:
        raise InvalidSettings(f"{path}: {error.message}", hint=error.hint) from error


def _docker_file(environment: Mapping[str, str]) -> Path | None:
    if folder := environment.get("DOCKER_CONFIG"):
        return Path(folder) / "config.json"
    home = environment.get("HOME")
    return Path(home) / ".docker" / "config.json" if home else None
