"""The key file: for root only, never half written, read anew when it changes."""

from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from au2.domain.errors import SecretUnreadable
from au2.secrets.keyring import KeyFile

NOW = datetime(2030, 1, 2, tzinfo=UTC)


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    made = KeyFile(tmp_path / "keys" / "secrets.key")
    made.ensure(NOW)
    return made


def test_it_is_made_once_and_for_root_only(keys: KeyFile) -> None:
    before = keys.path.read_bytes()
    keys.ensure(NOW)
    assert keys.path.read_bytes() == before
    assert keys.path.stat().st_mode & 0o777 == 0o600
    assert keys.path.parent.stat().st_mode & 0o777 == 0o700
    assert keys.read()[0].made_at == NOW


def test_many_at_once_make_one(tmp_path: Path) -> None:
    files = [KeyFile(tmp_path / "secrets.key") for _ in range(8)]
    threads = [Thread(target=file.ensure, args=(NOW,)) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({file.ring().current_id for file in files}) == 1


def test_a_change_by_another_process_is_seen(keys: KeyFile) -> None:
    old = keys.ring()
    sealed = old.encrypt(b"value", bound_to="a")
    new = KeyFile(keys.path).add(NOW)

    assert keys.ring().current_id == new.id
    assert keys.ring().decrypt(sealed, bound_to="a") == b"value"
    KeyFile(keys.path).drop({old.current_id, new.id})
    assert [key.id for key in keys.ring().keys] == [new.id]


def test_it_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SecretUnreadable, match="missing"):
        KeyFile(tmp_path / "secrets.key").ring()


def test_it_was_removed_while_in_use(keys: KeyFile) -> None:
    keys.ring()
    keys.path.unlink()
    with pytest.raises(SecretUnreadable, match="missing"):
        keys.ring()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_others_may_read_it(keys: KeyFile, mode: int) -> None:
    keys.path.chmod(mode)
    with pytest.raises(SecretUnreadable, match="others"):
        keys.ring()


@pytest.mark.parametrize(
    "content", [b"", b"# only words\n", b"nonsense\n", b"2030-01-01T00:00:00Z c2hvcnQ=\n", b"\xff"]
)
def test_it_is_damaged(keys: KeyFile, content: bytes) -> None:
    keys.path.write_bytes(content)
    with pytest.raises(SecretUnreadable):
        keys.ring()
