"""A certificate and its key: checked, and every fault told with what to do."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from au2.domain.errors import ServerNotStarted
from au2.server.settings.endpoint import TlsFiles
from tests.support.servers.certificates import Certificates, make_certificates


@pytest.fixture
def files(tmp_path: Path) -> Certificates:
    return make_certificates(tmp_path)


def fault_of(certificate: Path, key: Path) -> str:
    with pytest.raises(ServerNotStarted) as caught:
        TlsFiles(certificate, key).make_context()
    assert caught.value.hint
    return caught.value.message


def test_a_certificate_with_its_key_is_fine(files: Certificates) -> None:
    assert TlsFiles(files.certificate, files.key).make_context()


def test_a_key_with_a_password_is_refused_instead_of_asked_for(files: Certificates) -> None:
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    assert "protected by a password" in fault_of(files.certificate, files.key)


def test_a_key_of_another_certificate_is_refused(files: Certificates, tmp_path: Path) -> None:
    folder = tmp_path / "others"
    folder.mkdir()
    key = make_certificates(folder).key
    message = fault_of(files.certificate, key)
    assert str(files.certificate) in message
    assert str(key) in message


@pytest.mark.parametrize("data", [b"", b"no PEM", b"\x00\xff" * 100])
def test_what_is_no_certificate_is_refused(files: Certificates, data: bytes) -> None:
    files.certificate.write_bytes(data)
    assert "no certificate with its key" in fault_of(files.certificate, files.key)


def test_a_file_that_can_not_be_read_is_named(files: Certificates, tmp_path: Path) -> None:
    missing = tmp_path / "missing.crt"
    assert f"can't read '{missing}': No such file" in fault_of(missing, files.key)
    assert f"can't read '{tmp_path}': Is a directory" in fault_of(files.certificate, tmp_path)
