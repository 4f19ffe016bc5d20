"""Settings: where they come from, and that every mistake is told."""

from pathlib import Path

import pytest

from au2.domain.errors import InvalidSettings
from au2.server.settings.endpoint import ListenAddress, TlsFiles
from au2.server.settings.sections import Settings
from au2.server.settings.source import (
    list_settings,
    read_settings,
    settings_from_document,
    settings_to_document,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def mistakes_of(file: Path, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(InvalidSettings) as caught:
        read_settings(file, environment or {})
    return [str(detail) for detail in caught.value.details]


def test_the_defaults_hold_without_a_file(file: Path) -> None:
    settings = read_settings(file, {"HOME": "/root", "AU_SERVER": "http://x"})
    assert settings == Settings()
    assert settings.server.listen == ListenAddress("127.0.0.1", 8080)
    assert settings.jobs.default_memory_bytes == 512 << 20


def test_a_variable_wins_over_the_file(file: Path) -> None:
    file.write_text(
        '[jobs]\ndefault_memory_bytes = "256MiB"\nconcurrent = 3\n'
        '[network]\nallow = ["10.1.0.0/16"]\n[server]\nlisten = "[::1]:0"\n'
    )
    environment = {
        "AU2_JOBS_CONCURRENT": "7",
        "AU2_JOBS_DEFAULT_TIMEOUT_SECONDS": "5m",
        "AU2_NETWORK_DNS": "9.9.9.9, 1.1.1.1",
        "AU2_RUNTIMES_CACHE_DIR": "/var/cache/au2",
    }
    settings = read_settings(file, environment)
    assert settings.server.listen == ListenAddress("::1", 0)
    assert settings.jobs.default_memory_bytes == 256 << 20
    assert settings.jobs.default_timeout_seconds == 300.0
    assert settings.jobs.concurrent == 7
    assert settings.network.allow == ("10.1.0.0/16",)
    assert settings.network.dns == ("9.9.9.9", "1.1.1.1")
    assert settings.runtimes.cache_dir == Path("/var/cache/au2")


@pytest.mark.parametrize(
    ("place", "bad"),
    [
        ("jobs.concurrent", "0"),
        ("jobs.concurrent", "true"),
        ("jobs.concurrent", "1.5"),
        ("jobs.concurrent", '"many"'),
        ("jobs.default_cpu", "nan"),
        ("jobs.default_cpu", "-1"),
        ("jobs.default_memory_bytes", '"512 apples"'),
        ("jobs.default_memory_bytes", "1"),
        ("jobs.default_timeout_seconds", '"soon"'),
        ("jobs.default_timeout_seconds", "inf"),
        ("jobs.stop_grace_seconds", "[1]"),
        ("server.listen", '"localhost"'),
        ("server.listen", '"127.0.0.1:99999"'),
        ("server.listen", '"::1:80"'),
        ("server.listen", "8080"),
        ("server.allow_plain_http", '"perhaps"'),
        ("server.run_dir", '"relative"'),
        ("server.log_level", '"loud"'),
        ("network.default_mode", '"host"'),
        ("network.subnet", '"10.0.0.1/16"'),
        ("network.dns", '["ns.example.com"]'),
        ("network.allow", "5"),
        ("runtimes.mirror", '"ftp://x"'),
    ],
)
def test_a_bad_value_is_named_with_what_is_expected(file: Path, place: str, bad: str) -> None:
    section, key = place.split(".")
    file.write_text(f"[{section}]\n{key} = {bad}\n")
    [mistake] = mistakes_of(file)
    assert mistake.startswith(f"{file}: [{section}] {key}: expected ")


def test_all_mistakes_are_told_at_once(file: Path) -> None:
    file.write_text(
        'colour = "red"\n[jobs]\nconcurent = 1\n[limits]\npackage_max_files = 0\n[job]\ncpu = 1\n'
    )
    mistakes = mistakes_of(
        file, {"AU2_JOBS_CONCURRENT": "x", "AU2_JOB_CONCURRENT": "1", "AU2_LIMITS": "1"}
    )
    text = "\n".join(mistakes)
    assert len(mistakes) == 7
    assert "[jobs] concurent is no setting (did you mean concurrent?)" in text
    assert "[job] is no section (did you mean jobs?)" in text
    assert "[colour] is no section" in text
    assert "[limits] package_max_files: expected a whole number" in text
    assert "AU2_JOBS_CONCURRENT: expected a whole number from 1 to 10000, found 'x'" in text
    assert "AU2_JOB_CONCURRENT is no setting (did you mean AU2_JOBS_CONCURRENT?)" in text
    assert "AU2_LIMITS is no setting" in text


def test_a_file_that_is_no_toml(file: Path) -> None:
    file.write_bytes(b"[jobs\n\xff")
    assert mistakes_of(file)[0].startswith(f"{file}: ")


def test_a_section_must_be_one(file: Path) -> None:
    file.write_text("jobs = 1\n")
    assert mistakes_of(file) == [f"{file}: jobs: expected a section, [jobs]"]


def test_a_default_over_the_maximum_is_refused(file: Path) -> None:
    file.write_text('[jobs]\ndefault_timeout_seconds = "2h"\nmax_timeout_seconds = "1h"\n')
    assert mistakes_of(file) == ["[jobs] default_timeout_seconds is more than max_timeout_seconds"]


@pytest.mark.parametrize("address", ["0.0.0.0:80", "192.0.2.1:80", "[::]:80"])
def test_listening_to_others_must_be_wanted(file: Path, address: str) -> None:
    file.write_text(f'[server]\nlisten = "{address}"\n')
    [mistake] = mistakes_of(file)
    assert address in mistake
    assert "allow_plain_http = true" in mistake
    settings = read_settings(file, {"AU2_SERVER_ALLOW_PLAIN_HTTP": "true"})
    assert str(settings.server.listen) == address


def test_with_a_certificate_others_may_reach_it(file: Path) -> None:
    lines = '[server]\nlisten = "0.0.0.0:443"\ntls_certificate = "/etc/au2/server.crt"\n'
    file.write_text(lines)
    assert mistakes_of(file)[0] == (
        "[server] tls_certificate and tls_key: give both or none of them"
    )
    file.write_text(f'{lines}tls_key = "/etc/au2/server.key"\n')
    settings = read_settings(file, {})
    assert settings.server.tls == TlsFiles(Path("/etc/au2/server.crt"), Path("/etc/au2/server.key"))
    assert settings_from_document(settings_to_document(settings)) == settings


def test_settings_travel_between_processes(file: Path) -> None:
    file.write_text(
        '[server]\nrun_dir = "/run/x"\n[network]\ndns = ["9.9.9.9"]\n[jobs]\nmax_cpu = 2.5\n'
    )
    settings = read_settings(file, {})
    assert settings_from_document(settings_to_document(settings)) == settings


def test_every_setting_says_what_it_is() -> None:
    for place in list_settings():
        assert place.note.meaning
        assert place.note.default_text
        assert place.variable == f"AU2_{place.section.upper()}_{place.name.upper()}"


def test_host_ids_that_are_not_there(file: Path) -> None:
    file.write_text("[jobs]\nfirst_host_id = 3000000000\n")
    assert any("first_host_id and host_ids" in mistake for mistake in mistakes_of(file))
    file.write_text("[jobs]\nfirst_host_id = 3000000000\nhost_ids = 65536\n")
    assert read_settings(file, {}).jobs.host_ids == 65536


def test_a_byte_order_mark_is_no_part_of_the_settings(file: Path) -> None:
    file.write_bytes(b'\xef\xbb\xbf[server]\nlisten = "127.0.0.1:1"\n')
    assert str(read_settings(file, {}).server.listen) == "127.0.0.1:1"


def test_a_file_that_is_no_text_is_told_of(file: Path) -> None:
    file.write_text("[server]\n", encoding="utf-16")
    assert "UTF-8" in mistakes_of(file)[0]
