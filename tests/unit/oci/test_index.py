import json
from typing import Any

import pytest

from au2.domain.errors import InvalidImage
from au2.oci import media_types
from au2.oci.index import choose_image, parse_index


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


def test_the_one_for_this_machine() -> None:
    windows = entry("amd64", "0", platform={"os": "windows", "architecture": "amd64"})
    signature = entry("amd64", "1", mediaType="application/vnd.example+json")
    entries = parse_index(index(windows, signature, entry("arm64", "2"), entry("amd64", "3")))
    assert choose_image(entries, "amd64").digest == "sha256:" + "3" * 64
    with pytest.raises(InvalidImage, match="only for: linux/amd64, linux/arm64, windows/amd64"):
        choose_image(entries, "riscv64")


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
