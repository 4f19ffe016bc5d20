"""Images as one object, manifest and configuration, and new images made from old ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from au2.domain.errors import InvalidImage
from au2.oci.spec import media_types
from au2.oci.spec.config import HistoryEntry, ImageConfig
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.manifest import Descriptor, Manifest


@dataclass(frozen=True, slots=True)
class Image:
    """An image by the digest of its manifest. The layers' bytes are in a blob store."""

    manifest_digest: str
    manifest: Manifest
    config: ImageConfig


def check_layers_agree(manifest: Manifest, config: ImageConfig) -> None:
    """Raise InvalidImage unless the configuration has one diff_id for each layer."""
    layers, diff_ids = len(manifest.layers), len(config.diff_ids)
    if layers != diff_ids:
        raise InvalidImage(
            f"the manifest has {layers} layers but the configuration has digests for {diff_ids}"
        )


@dataclass(frozen=True, slots=True)
class AddedLayer:
    """A layer to put on top."""

    descriptor: Descriptor
    diff_id: str
    """Digest of the uncompressed layer; the descriptor's own if it is not compressed."""
    created_by: str = ""
    """One line for the image's history."""


@dataclass(frozen=True, slots=True)
class ConfigChanges:
    """Changes of a configuration. None leaves a value unchanged."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """Set over the present ones, which keep their places."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Set over the present ones."""
    entrypoint: Sequence[str] | None = None
    cmd: Sequence[str] | None = None
    user: str | None = None
    working_dir: str | None = None
    stop_signal: str | None = None


def append_layers(
    manifest: Manifest,
    config: ImageConfig,
    layers: Sequence[AddedLayer],
    changes: ConfigChanges | None = None,
) -> tuple[Manifest, ImageConfig]:
    """Return the image with ``layers`` on top, lowest first, and its configuration changed.

    The result is an OCI manifest, without the annotations: they describe the old image.

    Raises:
        InvalidImage: manifest and configuration do not agree on the number of layers.
    """
    check_layers_agree(manifest, config)
    new_config = replace(
        change_config(config, changes or ConfigChanges()),
        diff_ids=config.diff_ids + tuple(layer.diff_id for layer in layers),
        history=_whole_history(config) + tuple(HistoryEntry(layer.created_by) for layer in layers),
    )
    present = tuple(
        replace(layer, media_type=media_types.oci_name(layer.media_type))
        for layer in manifest.layers
    )
    added = tuple(layer.descriptor for layer in layers)
    return Manifest(describe_config(new_config), present + added), new_config


def change_config(config: ImageConfig, changes: ConfigChanges) -> ImageConfig:
    """Return the configuration with ``changes`` made."""
    return replace(
        config,
        env=_merge_environment(config.env, changes.environment),
        labels={**config.labels, **changes.labels},
        entrypoint=_chosen(changes.entrypoint, config.entrypoint),
        cmd=_chosen(changes.cmd, config.cmd),
        user=config.user if changes.user is None else changes.user,
        working_dir=config.working_dir if changes.working_dir is None else changes.working_dir,
        stop_signal=config.stop_signal if changes.stop_signal is None else changes.stop_signal,
    )


def describe_config(config: ImageConfig) -> Descriptor:
    """Return the descriptor of the configuration's bytes."""
    data = config.to_bytes()
    return Descriptor(media_types.CONFIG, sha256_of(data), len(data))


def _chosen(new: Sequence[str] | None, present: tuple[str, ...]) -> tuple[str, ...]:
    return present if new is None else tuple(new)


def _merge_environment(present: tuple[str, ...], changes: Mapping[str, str]) -> tuple[str, ...]:
    """Set variables in their present order; new ones follow, sorted, for equal digests."""
    values = dict(item.partition("=")[::2] for item in present)
    values.update({name: changes[name] for name in sorted(changes)})
    return tuple(f"{name}={value}" for name, value in values.items())


def _whole_history(config: ImageConfig) -> tuple[HistoryEntry, ...]:
    """Return the history with an entry for every layer: Docker refuses to show a shorter one."""
    told = sum(not entry.empty_layer for entry in config.history)
    missing = len(config.diff_ids) - told
    return config.history + (HistoryEntry(),) * max(missing, 0)
