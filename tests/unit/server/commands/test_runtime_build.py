"""Logins for registries: from the settings, or from where Docker keeps them."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from au2.domain.errors import InvalidSettings, RegistryFailure
from au2.oci.registry_client.login import Credentials
from au2.oci.registry_client.registry import Registry
from au2.oci.registry_client.transport import RegistryOptions
from au2.server.commands.runtime_build import read_credentials
from au2.server.settings.source import read_settings

TEXT = json.dumps({"auths": {"r.example": {"auth": "bWU6c2VjcmV0"}}})
ME = Credentials("me", "secret")


def test_where_they_are_looked_for(tmp_path: Path) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text(TEXT)
    assert read_credentials(None, "r.example", {"HOME": str(tmp_path)}) == ME
    assert read_credentials(None, "r.example", {"HOME": "/x", "DOCKER_CONFIG": "/y"}) is None
    assert read_credentials(None, "r.example", {}) is None
    file = tmp_path / ".docker" / "config.json"
    assert read_credentials(file, "r.example", {}) == ME
    assert read_credentials(file, "other.example", {}) is None


def test_a_file_that_is_named_must_be_there_and_whole(tmp_path: Path) -> None:
    file = tmp_path / "logins"
    with pytest.raises(InvalidSettings, match="logins"):
        read_credentials(file, "r.example", {})
    file.write_text("{")
    with pytest.raises(InvalidSettings, match="damaged"):
        read_credentials(file, "r.example", {})


def test_settings(tmp_path: Path) -> None:
    variables = {
        "AU2_RUNTIMES_REGISTRY_PLAIN_HTTP": "r.example:5000, [fd00::1]:5000",
        "AU2_RUNTIMES_REGISTRY_LOGINS": "/etc/au2/logins.json",
    }
    found = read_settings(tmp_path / "none.toml", variables).runtimes
    assert found.registry_plain_http == ("r.example:5000", "[fd00::1]:5000")
    assert found.registry_logins == Path("/etc/au2/logins.json")
    with pytest.raises(InvalidSettings):
        read_settings(tmp_path / "none.toml", {"AU2_RUNTIMES_REGISTRY_PLAIN_HTTP": "http://r"})


def test_certificates_that_are_none(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    for content in (None, b"", b"no certificate"):
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(RegistryFailure, match="certificates"):
            closing(Registry("r.example", options=RegistryOptions(ca_file=file)))
