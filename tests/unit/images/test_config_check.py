from pathlib import Path
from typing import Any

import pytest

from au2.domain.errors import InvalidImage
from au2.images.image_import import ImportLimits, ImportRun, check_config, import_image
from au2.oci.spec.config import ImageConfig
from au2.oci.spec.platform import AMD64
from au2.stores.content.filesystem import FileContentStore
from tests.support.images.image_making import Layer, odd_image

LONGEST = "/" + "a/" * 2047


def test_what_images_have() -> None:
    check_config(ImageConfig("amd64"))
    check_config(
        ImageConfig(
            "amd64",
            volumes=tuple(f"/data/{number}" for number in range(128)),
            working_dir=LONGEST,
            user="u" * 255 + ":",
        )
    )
    check_config(ImageConfig("amd64", volumes=(LONGEST, "/" + "\u00e9" * 127)))


@pytest.mark.parametrize(
    ("run", "said"),
    [
        ({"Volumes": {f"/{number}": {} for number in range(129)}}, "129 volumes.*VOLUME"),
        ({"Volumes": {LONGEST + "aa": {}}}, "a volume whose path has 4097 bytes.*VOLUME"),
        ({"Volumes": {"/" + "\u00e9" * 128: {}}}, "a volume with a name of 256 bytes.*VOLUME"),
        ({"WorkingDir": LONGEST + "aa"}, "a working directory whose path has 4097.*WORKDIR"),
        ({"WorkingDir": "/w/" + "x" * 256}, "a working directory with a name of 256.*WORKDIR"),
        ({"User": "u" * 257}, "a User of 257 bytes.*USER"),
    ],
)
def test_what_would_hold_up_every_run(tmp_path: Path, run: dict[str, Any], said: str) -> None:
    blobs = FileContentStore(tmp_path / "blobs")
    digest = odd_image(Layer().add("file"), **run).save(blobs)
    importing = ImportRun(
        platform=AMD64,
        limits=ImportLimits(),
        known={},
        note=lambda *_: None,
        log=lambda _: None,
        check=lambda: None,
    )
    with pytest.raises(InvalidImage) as raised:
        import_image(blobs, digest, importing)
    raised.match(said.partition(".*")[0])
    assert said.rpartition(".*")[2] in (raised.value.hint or "")
