import json
from collections.abc import Callable
from typing import Any

import pytest

from au2.domain.errors import InvalidImage
from au2.oci.spec import media_types
from au2.oci.spec.index import choose_image, parse_index
from au2.oci.spec.manifest import Descriptor
from au2.oci.spec.platform import Platform
from tests.support.images.image_archives import on


def entry(architecture: str, letter: str, **more: Any) -> dict[str, Any]:
    return {
        "mediaType": media_types.MANIFEST,
        "digest": "sha256:" + letter * 64,
        "size": 7,
        "platform": {"os": "linux", "architecture": architecture},
        **more,
    }


def index(*entries: dict[str, Any], **more: Any) -> bytes:
    return json.dumps(
        {"schemaVersion": 2, "mediaType": media_types.INDEX, "manifests": entries, **more}
    ).encode()


HERE = on("amd64", "v3")


def ask_nobody(descriptor: Descriptor) -> Platform:
    raise AssertionError(descriptor)


def chosen(
    *entries: dict[str, Any],
    machine: Platform = HERE,
    platform_of: Callable[[Descriptor], Platform] = ask_nobody,
) -> str:
    """Return the letter that the digest of the chosen image is made of."""
    return choose_image(parse_index(index(*entries)), machine, platform_of).digest[-1]


def for_platform(letter: str, **platform: Any) -> dict[str, Any]:
    return entry("", letter, platform=platform)


def test_the_one_for_this_machine() -> None:
    windows = for_platform("0", os="windows", architecture="amd64")
    signature = entry("amd64", "1", mediaType="application/vnd.example+json")
    entries = [windows, signature, entry("arm64", "2"), entry("amd64", "3"), entry("amd64", "4")]
    assert chosen(*entries) == "3"
    with pytest.raises(InvalidImage, match="only for: linux/amd64, linux/arm64, windows/amd64"):
        chosen(*entries, machine=on("riscv64"))


def test_the_best_variant_that_the_processor_runs() -> None:
    variants = [
        for_platform(str(number), os="linux", architecture="amd64", variant=f"v{number}")
        for number in (4, 2, 1, 3)
    ]
    for level in ("v1", "v2", "v3", "v4"):
        assert chosen(*variants, machine=on("amd64", level)) == level[1]
    assert chosen(*variants, machine=on("amd64")) == "1"
    with pytest.raises(
        InvalidImage, match=r"is linux/amd64/v3, and can't run .* there for: linux/amd64/v4"
    ):
        chosen(variants[0])


@pytest.mark.parametrize(
    "platform",
    [
        {"os": "linux", "architecture": "x86_64"},
        {"os": "Linux", "architecture": "AMD64"},
        {"architecture": "amd64"},
        {"os": "linux", "architecture": "amd64", "variant": "1"},
    ],
    ids=str,
)
def test_odd_names(platform: dict[str, str]) -> None:
    assert chosen(entry("arm64", "0"), for_platform("1", **platform)) == "1"


@pytest.mark.parametrize("platform", [{}, {"os": "linux"}, None], ids=str)
def test_an_image_whose_platform_the_index_does_not_tell(platform: dict[str, str] | None) -> None:
    attestation = for_platform("0", os="unknown", architecture="unknown")
    referring = entry("", "3", platform=None)
    referring["annotations"] = {"vnd.docker.reference.type": "attestation-manifest"}
    entries = [attestation, referring, entry("", "1", platform=platform), entry("arm64", "2")]
    asked: list[str] = []

    def platform_of(descriptor: Descriptor) -> Platform:
        asked.append(descriptor.digest[-1])
        return on("amd64")

    assert chosen(*entries, platform_of=platform_of) == "1"
    assert asked == ["1"]
    # One that tells it comes first.
    assert chosen(*entries, machine=on("arm64")) == "2"


def test_an_index_that_would_make_many_lookups() -> None:
    with pytest.raises(InvalidImage, match="does not tell the platforms"):
        chosen(*[entry("", "1", platform={})] * 51)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"manifests": 1}',
        index(entry("amd64", "x")),
        index(mediaType=media_types.MANIFEST),
        index(*[entry("amd64", "0")] * 1001),
    ],
)
def test_what_is_no_index(data: bytes) -> None:
    with pytest.raises(InvalidImage):
        parse_index(data)
