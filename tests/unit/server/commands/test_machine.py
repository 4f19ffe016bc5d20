"""``au2-server doctor`` on small disks, with certificates of every kind, without mmdebstrap."""

from datetime import UTC, datetime
from pathlib import Path

from au2.server.commands.machine import check_builder, check_disk_space, check_tls
from au2.server.settings.endpoint import TlsFiles
from tests.support.machine.memory_disk import mounted_in_memory
from tests.support.servers.certificates import make_certificates


def test_a_disk_without_room(tmp_path: Path) -> None:
    with mounted_in_memory(tmp_path, "60m,nr_inodes=100"):
        (tmp_path / "filling").write_bytes(bytes(58 << 20))
        space, files = check_disk_space(tmp_path)
    assert not space.ok
    assert "2 MiB are free" in space.message
    assert "3 MiB" in space.message, "a twentieth of a small disk"
    assert not files.ok
    assert files.name == "free inodes"


def test_a_disk_with_room(tmp_path: Path) -> None:
    with mounted_in_memory(tmp_path, "300m,nr_inodes=20000"):
        assert all(check.ok for check in check_disk_space(tmp_path))


def test_certificates(tmp_path: Path) -> None:
    files = make_certificates(tmp_path)
    pair = TlsFiles(files.certificate, files.key)
    now = datetime.now(UTC)
    assert check_tls(pair, now).ok
    expired = check_tls(pair, now.replace(year=now.year + 150))
    assert not expired.ok
    assert "has expired" in expired.message
    assert "not valid yet" in check_tls(pair, datetime(1990, 1, 1, tzinfo=UTC)).message
    missing = check_tls(TlsFiles(files.certificate, tmp_path / "missing.key"), now)
    assert not missing.ok
    assert "missing.key" in missing.message


def test_what_builds_runtimes(tmp_path: Path) -> None:
    found = check_builder(str(tmp_path))
    assert not found.ok
    assert "apt-get install mmdebstrap" in found.message
    assert check_builder().ok
