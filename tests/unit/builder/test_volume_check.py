import pytest

from au2.builder.volume_check import check_volumes
from au2.domain.errors import InvalidImage


def test_as_many_volumes_as_images_have() -> None:
    check_volumes([])
    check_volumes([f"/data/{number}" for number in range(128)])
    check_volumes(["/" + "a/" * 2047])


@pytest.mark.parametrize(
    "paths", [[f"/{number}" for number in range(129)], ["/" + "a" * 4095], ["/" + "\u00e9" * 2048]]
)
def test_volumes_that_would_hold_up_every_run(paths: list[str]) -> None:
    with pytest.raises(InvalidImage, match="volume"):
        check_volumes(paths)
