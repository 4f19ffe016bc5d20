import json

import pytest

from au2.domain.errors import InvalidImage
from au2.oci.spec import media_types
from au2.oci.spec.config import HistoryEntry, ImageConfig
from au2.oci.spec.digest import sha256_of
from au2.oci.spec.image import AddedLayer, ConfigChanges, append_layers, describe_config
from au2.oci.spec.manifest import Descriptor, Manifest, parse_manifest
from tests.support.images.new_image import make_image


def layer(name: str, media_type: str = media_types.LAYER_TAR) -> AddedLayer:
    digest = sha256_of(name.encode())
    return AddedLayer(Descriptor(media_type, digest, 10), digest, f"made {name}")


def base() -> tuple[Manifest, ImageConfig]:
    config = ImageConfig(
        "amd64",
        env=("PATH=/bin", "LANG=C"),
        labels={"a": "1"},
        cmd=("sh",),
        entrypoint=("init",),
    )
    return make_image(config, [layer("base")])


def test_layers_go_on_top() -> None:
    manifest, config = append_layers(*base(), [layer("one"), layer("two")])
    names = [sha256_of(name) for name in (b"base", b"one", b"two")]
    assert [blob.digest for blob in manifest.layers] == names
    assert list(config.diff_ids) == names
    assert [entry.created_by for entry in config.history] == ["made base", "made one", "made two"]
    assert manifest.config == describe_config(config)
    assert parse_manifest(manifest.to_bytes()) == manifest


def test_the_old_image_is_as_it_was() -> None:
    old = base()
    append_layers(*old, [layer("one")], ConfigChanges(labels={"b": "2"}, cmd=["x"]))
    assert old == base()


def test_changes() -> None:
    _, config = append_layers(
        *base(),
        [],
        ConfigChanges(
            environment={"Z": "1", "PATH": "/usr/bin", "B": "x=y"},
            labels={"b": "2"},
            cmd=[],
            user="1000",
            working_dir="/package",
            stop_signal="SIGINT",
        ),
    )
    assert config.env == ("PATH=/usr/bin", "LANG=C", "B=x=y", "Z=1")
    assert config.labels == {"a": "1", "b": "2"}
    assert config.entrypoint == ("init",)
    assert config.cmd == ()
    assert (config.user, config.working_dir, config.stop_signal) == ("1000", "/package", "SIGINT")


def test_the_order_in_which_changes_are_told_makes_no_difference() -> None:
    one = append_layers(*base(), [], ConfigChanges(environment={"X": "1", "Y": "2"}))
    two = append_layers(*base(), [], ConfigChanges(environment={"Y": "2", "X": "1"}))
    assert one[0].to_bytes() == two[0].to_bytes()


def test_docker_names_become_oci_names() -> None:
    old, config = make_image(ImageConfig("amd64"), [layer("x", media_types.DOCKER_LAYER_GZIP)])
    manifest, _ = append_layers(old, config, [layer("y")])
    assert [blob.media_type for blob in manifest.layers] == [
        media_types.LAYER_GZIP,
        media_types.LAYER_TAR,
    ]
    assert json.loads(manifest.to_bytes())["mediaType"] == media_types.MANIFEST


def test_a_history_that_is_too_short_is_filled_up() -> None:
    bare = ImageConfig("amd64", diff_ids=(sha256_of(b"x"), sha256_of(b"y")))
    layers = tuple(layer(name).descriptor for name in "xy")
    _, config = append_layers(Manifest(describe_config(bare), layers), bare, [layer("z")])
    assert config.history == (HistoryEntry(), HistoryEntry(), HistoryEntry("made z"))


def test_a_manifest_and_a_configuration_that_disagree() -> None:
    manifest, _ = base()
    with pytest.raises(InvalidImage, match="1 layers"):
        append_layers(manifest, ImageConfig("amd64"), [])
