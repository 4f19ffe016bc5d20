"""The operator's certificate: checked before anything starts."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from au2.domain.errors import ServerNotStarted


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A certificate with those that vouch for it, and its key, both as PEM."""

    certificate: Path
    key: Path

    def check(self) -> None:
        """Raise ServerNotStarted unless they can be used together."""
        for file in (self.certificate, self.key):
            try:
                file.open("rb").close()
            except OSError as error:
                raise ServerNotStarted(
                    f"The server can't read '{file}': {error.strerror}.",
                    hint="See tls_certificate and tls_key in [server] of the settings.",
                ) from error
        try:
            # A password would have to be asked for at every restart.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
                self.certificate, self.key, password=_no_password
            )
        except (ssl.SSLError, ValueError) as error:
            raise ServerNotStarted(
                f"'{self.certificate}' and '{self.key}' are no certificate with its key: {error}.",
                hint="Both are PEM files; the key has no password and belongs to the certificate.",
            ) from error


def _no_password() -> str:
    raise ValueError("the key is protected by a password")
