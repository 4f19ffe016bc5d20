"""Settings read from a file and from variables, and passed on to other processes."""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, fields
from pathlib import Path
from typing import Any

from au2.domain.errors import Detail, InvalidRequest, InvalidSettings
from au2.engines.native.options import NativeOptions
from au2.files.input import read_text_file
from au2.server.settings.endpoint import ListenAddress
from au2.server.settings.kinds import NOTE, SettingDefinition
from au2.server.settings.sections import Settings

_PREFIX = "AU2_"
DATA_DIRECTORY_VARIABLE = f"{_PREFIX}DATA_DIR"
"""Stands for ``--data-dir``: no setting, since it says where the settings are."""
_LAST_HOST_ID = (1 << 32) - 2
"""The one above means "no id" (chown(2))."""
_MOST_BYTES = 1 << 20
_Document = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class SettingKey:
    """Section, key and definition of one setting."""

    section: str
    name: str
    note: SettingDefinition

    @property
    def variable(self) -> str:
        """Environment variable of the setting."""
        return f"{_PREFIX}{self.section}_{self.name}".upper()

    def __str__(self) -> str:
        """Return the name in ``settings.toml``."""
        return f"[{self.section}] {self.name}"


def list_settings() -> Iterator[SettingKey]:
    """Yield every setting, in the order of the reference page."""
    for section in fields(Settings):
        for field in fields(_section_class(section)):
            yield SettingKey(section.name, field.name, field.metadata[NOTE])


def read_settings(file: Path, environment: Mapping[str, str]) -> Settings:
    """Return the settings of ``file`` (which may be missing), overridden by ``environment``.

    Raises InvalidSettings with every error: file or variable, key, and expected value.
    """
    document = _read_file(file)
    errors = _unknown_keys(document, file) + _unknown_variables(environment)
    values: _Document = {section.name: {} for section in fields(Settings)}
    for key in list_settings():
        section = document.get(key.section, {})
        if key.variable in environment:
            raw, named = environment[key.variable], key.variable
        elif isinstance(section, dict) and key.name in section:
            raw, named = section[key.name], str(key)
        else:
            continue
        try:
            values[key.section][key.name] = key.note.kind.parse(raw)
        except (ValueError, TypeError, OverflowError):
            text = f"{named}: expected {key.note.kind.expected}, found {_shorten(raw)}"
            errors.append(Detail(text, file=None if named.startswith(_PREFIX) else str(file)))
    if errors:
        raise InvalidSettings(details=errors)
    return check_settings(_make(values))


def check_settings(settings: Settings) -> Settings:
    """Return the settings. Raises InvalidSettings for values that don't go together."""
    server, jobs = settings.server, settings.jobs
    errors = [
        f"[jobs] default_{name} is more than max_{name}"
        for name in ("cpu", "memory_bytes", "timeout_seconds")
        if getattr(jobs, f"default_{name}") > getattr(jobs, f"max_{name}")
    ]
    ids = NativeOptions(id_base=jobs.first_host_id, id_count=jobs.host_ids)
    if ids.last_host_id > _LAST_HOST_ID:
        errors.append(
            "[jobs] first_host_id and host_ids: together with the owners of user namespaces they "
            f"exceed {_LAST_HOST_ID}, the last id"
        )
    if (server.tls_certificate is None) != (server.tls_key is None):
        errors.append("[server] tls_certificate and tls_key: give both or none of them")
    if not server.listen.is_loopback and not server.allow_plain_http and server.tls is None:
        errors.append(
            f"[server] listen: other machines can reach {server.listen}, and passwords and tokens "
            "would travel unencrypted. Give tls_certificate and tls_key, or listen on 127.0.0.1 "
            "behind a proxy that does TLS, or set allow_plain_http = true "
            "(AU2_SERVER_ALLOW_PLAIN_HTTP) if the network is trusted"
        )
    if errors:
        raise InvalidSettings(details=[Detail(error) for error in errors])
    return settings


def settings_to_document(settings: Settings) -> _Document:
    """Return the settings as JSON; inverse of :func:`settings_from_document`."""
    document: _Document = {}
    for key in list_settings():
        value = getattr(getattr(settings, key.section), key.name)
        if value is not None:
            document.setdefault(key.section, {})[key.name] = _to_json(value)
    return document


def settings_from_document(document: _Document) -> Settings:
    """Return settings that another process has checked."""
    values: _Document = {}
    for key in list_settings():
        section = document.get(key.section, {})
        if key.name in section:
            parsed = key.note.kind.parse(section[key.name])
            values.setdefault(key.section, {})[key.name] = parsed
    return _make(values)


def _make(values: _Document) -> Settings:
    return Settings(
        **{
            section.name: _section_class(section)(**values.get(section.name, {}))
            for section in fields(Settings)
        }
    )


def _section_class(section: Field[Any]) -> Any:
    """Return the class of a section, which is its default factory too."""
    return section.default_factory


def _read_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text_file(file, _MOST_BYTES))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, InvalidRequest) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InvalidSettings(
            "The settings file can't be read.", details=[Detail(why, file=str(file))]
        ) from error


def _unknown_keys(document: Mapping[str, Any], file: Path) -> list[Detail]:
    known: dict[str, list[str]] = {}
    for key in list_settings():
        known.setdefault(key.section, []).append(key.name)
    errors = []
    for section, content in document.items():
        if section not in known:
            errors.append(f"[{section}] is no section{_did_you_mean(section, list(known))}")
        elif not isinstance(content, dict):
            errors.append(f"{section}: expected a section, [{section}]")
        else:
            errors += [
                f"[{section}] {key} is no setting{_did_you_mean(key, known[section])}"
                for key in content
                if key not in known[section]
            ]
    return [Detail(text, file=str(file)) for text in errors]


def _unknown_variables(environment: Mapping[str, str]) -> list[Detail]:
    known = [DATA_DIRECTORY_VARIABLE, *(key.variable for key in list_settings())]
    return [
        Detail(f"{name} is no setting{_did_you_mean(name, known)}")
        for name in sorted(environment)
        if name.startswith(_PREFIX) and name not in known
    ]


def _did_you_mean(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]}?)" if close else f" (there are {', '.join(known)})"


def _to_json(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return str(value) if isinstance(value, Path | ListenAddress) else value


def _shorten(raw: object) -> str:
    text = repr(raw)
    return text if len(text) <= 80 else text[:77] + "..."
