"""What ``au2-server doctor`` asks beside the engine: room, certificate, what builds runtimes."""

import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from au2.domain.errors import ServerNotStarted
from au2.domain.wording import format_bytes
from au2.engines.protocol import Check, spare_bytes
from au2.server.settings.tls import TlsFiles

_LEAST_FILES = 10_000
"""One runtime unpacked has as many."""


def check_room(folder: Path) -> Sequence[Check]:
    """Whether there is room for an image's records and logs, the server's own limit, and files."""
    status = os.statvfs(folder)
    free_bytes = status.f_bavail * status.f_frsize
    least_bytes = spare_bytes(status.f_blocks * status.f_frsize)
    text = f"{format_bytes(free_bytes)} are free in {folder}"
    if free_bytes < least_bytes:
        text += f", and no image is unpacked with less than {format_bytes(least_bytes)}: see 'gc'"
    checks = [Check("free space", ok=free_bytes >= least_bytes, message=text)]
    if status.f_files:  # Some file systems have no limit.
        ok = status.f_favail >= _LEAST_FILES
        text = f"{status.f_favail} more files fit in {folder}"
        if not ok:
            text += f"; a runtime has some {_LEAST_FILES}: see 'gc'"
        checks.append(Check("free inodes", ok=ok, message=text))
    return checks


def check_tls(files: TlsFiles, now: datetime) -> Check:
    """Whether certificate and key can be read, fit each other, and the certificate is valid now."""
    try:
        files.check()
        certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    except ServerNotStarted as error:
        text = f"{error.message} {error.hint or ''}".strip()
        return Check("certificate", ok=False, message=text)
    except (OSError, ValueError) as error:
        return Check("certificate", ok=False, message=f"'{files.certificate}': {error}")
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not begins <= now <= ends:
        wrong = "has expired" if now > ends else "is not valid yet"
        text = f"'{files.certificate}' {wrong}: it is valid from {_day(begins)} to {_day(ends)}"
        return Check("certificate", ok=False, message=text)
    return Check("certificate", ok=True, message=f"{files.certificate}, until {_day(ends)}")


def check_builder(path: str | None = None) -> Check:
    """Whether runtimes can be built. ``path``: where to look, else as the shell does."""
    found = shutil.which("mmdebstrap", path=path)
    if found is not None:
        return Check("mmdebstrap", ok=True, message=found)
    text = "mmdebstrap (it builds runtimes) is missing: apt-get install mmdebstrap"
    return Check("mmdebstrap", ok=False, message=text)


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()
