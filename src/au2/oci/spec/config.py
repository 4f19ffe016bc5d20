"""An image configuration (OCI image specification, "Image Configuration")."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from au2.domain.errors import InvalidImage
from au2.oci.spec.digest import parse_digest
from au2.oci.spec.document import Fields, format_document, parse_document
from au2.oci.spec.platform import Platform, parse_platform


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """Origin of one layer (or with ``empty_layer`` of none), without a time: times differ."""

    created_by: str = ""
    comment: str = ""
    empty_layer: bool = False

    def to_document(self) -> dict[str, Any]:
        """Return the JSON object."""
        document: dict[str, Any] = {"created_by": self.created_by}
        if self.comment:
            document["comment"] = self.comment
        if self.empty_layer:
            document["empty_layer"] = True
        return document


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """How an image is run, and the digests of its uncompressed layers.

    Holds no time: the same content gives the same digest. Empty values mean "not set".
    """

    architecture: str
    os: str = "linux"
    variant: str = ""
    env: tuple[str, ...] = ()
    """``NAME=value``, in order."""
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    user: str = ""
    """``user``, ``uid``, ``user:group``, ``uid:gid``; empty is root."""
    working_dir: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = ""
    volumes: tuple[str, ...] = ()
    diff_ids: tuple[str, ...] = ()
    """Digests of the uncompressed layers, lowest first."""
    history: tuple[HistoryEntry, ...] = ()

    @property
    def platform(self) -> Platform:
        """Platform of the image."""
        return parse_platform(self.os, self.architecture, self.variant)

    def to_bytes(self) -> bytes:
        """Return canonical JSON; inverse of :func:`parse_config`."""
        document: dict[str, Any] = {
            "architecture": self.architecture,
            "os": self.os,
            "config": self._run_document(),
            "rootfs": {"type": "layers", "diff_ids": list(self.diff_ids)},
        }
        if self.variant:
            document["variant"] = self.variant
        if self.history:
            document["history"] = [entry.to_document() for entry in self.history]
        return format_document(document)

    def _run_document(self) -> dict[str, Any]:
        values: dict[str, Any] = {
            "Env": list(self.env),
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.cmd),
            "User": self.user,
            "WorkingDir": self.working_dir,
            "Labels": dict(self.labels),
            "StopSignal": self.stop_signal,
            "Volumes": {path: {} for path in self.volumes},
        }
        return {name: value for name, value in values.items() if value}


def parse_config(data: bytes) -> ImageConfig:
    """Return the configuration in ``data``, without unused keys.

    Raises:
        InvalidImage: too large, not JSON, or a value has the wrong form.
    """
    fields = parse_document(data, "image configuration")
    run = fields.member("config")
    root = fields.member("rootfs")
    if root.text("type", "layers") != "layers":
        raise InvalidImage("the root file system of the image does not consist of layers")
    return ImageConfig(
        architecture=fields.text("architecture", ""),
        os=fields.text("os", "linux"),
        variant=fields.text("variant", ""),
        env=_environment(run),
        entrypoint=_entrypoint(run),
        cmd=run.words("Cmd"),
        user=run.text("User", ""),
        working_dir=run.text("WorkingDir", ""),
        labels=run.text_mapping("Labels"),
        stop_signal=run.text("StopSignal", ""),
        volumes=run.names("Volumes"),
        diff_ids=tuple(parse_digest(item, error=InvalidImage) for item in root.texts("diff_ids")),
        history=tuple(_history_entry(entry) for entry in fields.members("history")),
    )


def _entrypoint(run: Fields) -> tuple[str, ...]:
    """Return the entry point; a single empty word means none.

    ``ENTRYPOINT [""]`` in a Dockerfile leaves one, to remove the entry point of a base image.
    Docker then starts Cmd alone (moby, ``daemon/commit.go`` and ``create.go``:
    ``mergeAndVerifyConfig``), podman since 3.1.
    """
    words = run.words("Entrypoint")
    return () if words == ("",) else words


def _environment(run: Fields) -> tuple[str, ...]:
    """Return ``NAME=value`` items; others are left out, as by Docker."""
    return tuple(item for item in run.texts("Env") if item.find("=") > 0)


def _history_entry(fields: Fields) -> HistoryEntry:
    return HistoryEntry(
        created_by=fields.text("created_by", ""),
        comment=fields.text("comment", ""),
        empty_layer=fields.flag("empty_layer"),
    )
